-- A VM is made anew only once its owner was told that its container is gone. That it was told now stands in
-- created_once; who was told before need not be told again by the next Retry.
UPDATE vms SET created_once = 0 WHERE state = 'failed' AND reason LIKE 'Its container is gone from %';
