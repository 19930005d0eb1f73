-- Times are microseconds since 1970 in UTC, truth values 0 and 1, lists and maps JSON.

-- +goose Up
CREATE TABLE accounts (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL,
    email_key     TEXT NOT NULL UNIQUE, -- the address in lower case
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    confirmed     INTEGER NOT NULL,
    disabled      INTEGER NOT NULL,
    group_names   TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE confirmation_codes (
    account_id TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    digest     TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    token_digest TEXT NOT NULL UNIQUE,
    account_id   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    user_agent   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    sealed       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

CREATE TABLE meetings (
    id            TEXT PRIMARY KEY,
    title         TEXT NOT NULL,
    description   TEXT NOT NULL,
    owner_id      TEXT NOT NULL,
    conference_id TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX meetings_in_order ON meetings (created_at, id);

CREATE TABLE conferences (
    id                   TEXT PRIMARY KEY,
    external_id          TEXT NOT NULL,
    media_region         TEXT NOT NULL,
    host_id              TEXT NOT NULL,
    meeting_id           TEXT NOT NULL,
    key_id               TEXT NOT NULL,
    client_request_token TEXT NOT NULL,
    features             TEXT NOT NULL,
    primary_id           TEXT NOT NULL,
    tenant_ids           TEXT NOT NULL,
    tags                 TEXT NOT NULL,
    created_at           INTEGER NOT NULL,
    ended_at             INTEGER,
    empty_since          INTEGER
) STRICT;
CREATE UNIQUE INDEX one_open_conference_per_meeting ON conferences (meeting_id)
    WHERE ended_at IS NULL AND meeting_id <> '';
CREATE UNIQUE INDEX one_open_conference_per_request ON conferences (key_id, client_request_token)
    WHERE ended_at IS NULL AND client_request_token <> '';
CREATE INDEX conferences_open ON conferences (created_at) WHERE ended_at IS NULL;
CREATE INDEX conferences_by_end ON conferences (ended_at);

CREATE TABLE attendees (
    id                 TEXT PRIMARY KEY,
    conference_id      TEXT NOT NULL REFERENCES conferences (id) ON DELETE CASCADE,
    external_user_id   TEXT NOT NULL,
    account_id         TEXT NOT NULL,
    capability_audio   TEXT NOT NULL,
    capability_video   TEXT NOT NULL,
    capability_content TEXT NOT NULL,
    created_at         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_attendee_per_account ON attendees (conference_id, account_id)
    WHERE account_id <> '';
CREATE UNIQUE INDEX one_attendee_per_external_user ON attendees (conference_id, external_user_id)
    WHERE account_id = '';

-- The outbox. AUTOINCREMENT never gives a number twice, even after the newest rows are gone.
CREATE TABLE events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    type    TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at);

CREATE TABLE event_cursors (
    consumer TEXT PRIMARY KEY,
    seq      INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE event_cursors;
DROP TABLE events;
DROP TABLE attendees;
DROP TABLE conferences;
DROP TABLE meetings;
DROP TABLE api_keys;
DROP TABLE sessions;
DROP TABLE confirmation_codes;
DROP TABLE accounts;
