-- A VM's own SSH server, published on a port of its node.

-- How an image's SSH server is started: dropbear | sshd. NULL: it carries none.
ALTER TABLE images ADD COLUMN ssh_server TEXT;
UPDATE images SET ssh_server = 'dropbear' WHERE reference IN ('minicloud/base', 'minicloud/base:latest');
UPDATE images SET ssh_server = 'sshd' WHERE reference IN
    ('minicloud/debian', 'minicloud/debian:latest', 'minicloud/ubuntu', 'minicloud/ubuntu:latest');

-- The port of its node that leads to its port 22; NULL: nothing is published. Kept as long as the VM.
ALTER TABLE vms ADD COLUMN ssh_port BIGINT;
-- As its image's was when it was made.
ALTER TABLE vms ADD COLUMN ssh_server TEXT;
-- The start (started_at) for which its keys were set and its server started, or that was given up.
ALTER TABLE vms ADD COLUMN ssh_ready_at BIGINT;
-- A sentence: why nobody can sign in there since that start.
ALTER TABLE vms ADD COLUMN ssh_reason TEXT;
CREATE UNIQUE INDEX vms_node_ssh_port_key ON vms (node_id, ssh_port);
