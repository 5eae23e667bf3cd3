-- A shell that was lost keeps its row while its node still says why: whoever comes back to it is to hear that. So it
-- is noted when its owner was told, which happens once.
ALTER TABLE shells ADD COLUMN told_at BIGINT;
