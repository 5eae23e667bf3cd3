-- What programs sign in with, and what was answered to requests that may come twice.

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    -- SHA-256 of the whole secret (mct_…), hex
    token_hash TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- For people: where it is used.
    name TEXT NOT NULL,
    -- Words apart by spaces: read | write | admin
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- NULL: it does not end by itself.
    expires_at BIGINT,
    -- Written at most once a minute.
    used_at BIGINT,
    CONSTRAINT tokens_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX tokens_user ON tokens (user_id);

-- One row for each Idempotency-Key of a user, kept for 24 hours.
CREATE TABLE idempotency_keys (
    owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- SHA-256 of what was asked for, hex: the same key with another wish is refused.
    request_hash TEXT NOT NULL,
    -- The id that the thing to be made gets, whichever try makes it.
    subject_id TEXT NOT NULL,
    -- NULL until it was answered.
    status BIGINT,
    answer TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (owner_id, name)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
