-- Public keys that people sign in with by SSH. One key may serve several users.

CREATE TABLE ssh_keys (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA256:… of the key, as ssh-keygen -l shows it. What a sign-in looks for.
    fingerprint TEXT NOT NULL,
    -- Algorithm and key in base64, as in a .pub file, without the comment.
    public_key TEXT NOT NULL,
    -- For people: where the key is; may be empty.
    comment TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When somebody signed in with it who named this user (ann+web1@…). Anybody may have added a public
    -- key; only its owner can do that. Where one key serves several users, the others are passed over.
    confirmed_at BIGINT,
    -- Written at most once a minute.
    used_at BIGINT,
    CONSTRAINT ssh_keys_user_fingerprint_key UNIQUE (user_id, fingerprint)
);
CREATE INDEX ssh_keys_fingerprint ON ssh_keys (fingerprint);
