-- What lets somebody else into a shell: the link that the VM's owner makes, and the right that comes of it.

CREATE TABLE shell_invitations (
    id TEXT NOT NULL PRIMARY KEY,
    -- SHA-256 of the 256 random bits in the link, hex
    token_hash TEXT NOT NULL,
    shell_id TEXT NOT NULL REFERENCES shells (id) ON DELETE CASCADE,
    -- watch | type
    mode TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT shell_invitations_token_hash_key UNIQUE (token_hash)
);
CREATE INDEX shell_invitations_shell ON shell_invitations (shell_id);

CREATE TABLE shell_grants (
    id TEXT NOT NULL PRIMARY KEY,
    shell_id TEXT NOT NULL REFERENCES shells (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- watch | type
    mode TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT shell_grants_shell_user_key UNIQUE (shell_id, user_id)
);
CREATE INDEX shell_grants_user ON shell_grants (user_id);
