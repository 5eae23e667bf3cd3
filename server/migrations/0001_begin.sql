-- One text for SQLite and PostgreSQL. Times are microseconds since the Unix epoch (UTC), ids are
-- UUIDv7 as text, booleans are 0 or 1. Constraints have names: the code turns some of them into
-- messages for a form field.

-- One row, updated first by every transaction that promises something shared (a node's memory, a
-- network index): so two of them never both see the last free place.
CREATE TABLE cluster (
    id BIGINT NOT NULL PRIMARY KEY,
    lock_seq BIGINT NOT NULL
);
INSERT INTO cluster (id, lock_seq) VALUES (1, 0);

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- member | admin
    role TEXT NOT NULL,
    -- argon2id, PHC string
    password_hash TEXT NOT NULL,
    must_change_password BIGINT NOT NULL DEFAULT 0,
    -- The password is still admin/admin: accepted from this machine only.
    first_start BIGINT NOT NULL DEFAULT 0,
    disabled BIGINT NOT NULL DEFAULT 0,
    vms_max BIGINT NOT NULL,
    cpu_millis_max BIGINT NOT NULL,
    memory_mib_max BIGINT NOT NULL,
    disk_gib_max BIGINT NOT NULL,
    -- Which /27 of the configured range is this user's, once they have had a VM.
    network_index BIGINT,
    created_at BIGINT NOT NULL,
    active_at BIGINT,
    -- The account was deleted; the row goes with its last VM.
    deleted_at BIGINT,
    CONSTRAINT users_name_key UNIQUE (name),
    CONSTRAINT users_network_index_key UNIQUE (network_index)
);

CREATE TABLE login_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    -- SHA-256 of the cookie's 256 random bits, hex
    token_hash TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    device TEXT NOT NULL,
    CONSTRAINT login_sessions_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX login_sessions_user ON login_sessions (user_id);

-- Credentials of nodes are files in the data folder (0600), never rows.
CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    -- 1: started and watched by this server
    local BIGINT NOT NULL,
    -- schedulable | cordoned | draining
    policy TEXT NOT NULL,
    -- SHA-256 of its TLS certificate, hex; only beyond loopback
    fingerprint TEXT,
    -- cluster.lock_seq when a VM was last placed here: round robin takes the lowest.
    placed_seq BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    CONSTRAINT nodes_name_key UNIQUE (name),
    CONSTRAINT nodes_address_key UNIQUE (address)
);

CREATE TABLE images (
    name TEXT NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL,
    summary TEXT NOT NULL,
    is_default BIGINT NOT NULL DEFAULT 0,
    -- Removed by an admin. Kept, so that it is not offered anew because a node has it.
    hidden BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

CREATE TABLE vms (
    id TEXT NOT NULL PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    flavor TEXT NOT NULL,
    cpu_millis BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    disk_gib BIGINT NOT NULL,
    image TEXT NOT NULL,
    image_ref TEXT NOT NULL,
    -- NULL: no node had room (state is failed then); a retry places it anew.
    node_id TEXT REFERENCES nodes (id),
    placement_reason TEXT NOT NULL,
    -- What should be: running | stopped | deleted
    desired TEXT NOT NULL,
    -- What was last seen: creating | starting | running | stopping | stopped | deleting | failed
    state TEXT NOT NULL,
    -- A sentence: why it failed, or what it waits for.
    reason TEXT,
    -- Grows with every change of what is desired; a finding older than it is dropped.
    generation BIGINT NOT NULL DEFAULT 1,
    -- Unasked exits since it last ran for long, and when to start it again.
    restarts BIGINT NOT NULL DEFAULT 0,
    retry_at BIGINT,
    -- 1 once its container has been seen: a container that is missing after that is a loss.
    created_once BIGINT NOT NULL DEFAULT 0,
    -- 1 while a restart was asked for and the stop has not been seen yet.
    restart_wanted BIGINT NOT NULL DEFAULT 0,
    engine_id TEXT,
    address TEXT,
    created_at BIGINT NOT NULL,
    -- When it came into its present state.
    changed_at BIGINT NOT NULL,
    started_at BIGINT,
    CONSTRAINT vms_owner_name_key UNIQUE (owner_id, name)
);
CREATE INDEX vms_node ON vms (node_id);

CREATE TABLE shells (
    id TEXT NOT NULL PRIMARY KEY,
    vm_id TEXT NOT NULL REFERENCES vms (id) ON DELETE CASCADE,
    opened_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX shells_vm ON shells (vm_id);

-- Only ever appended to. Names stand beside ids so that a sentence outlives what it is about.
CREATE TABLE events (
    -- Microseconds times 1024 plus a counter: grows, and needs no sequence.
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    -- NULL: MiniCloud itself
    actor_id TEXT,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- vm | user | node | image
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- Whose it is: the user who may read it.
    owner_id TEXT,
    -- More words for the sentence, such as a reason.
    detail TEXT,
    ok BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX events_subject ON events (subject_id, id);
CREATE INDEX events_owner ON events (owner_id, id);
