-- +goose Up
CREATE TABLE webhooks (
    id              TEXT PRIMARY KEY,
    key_id          TEXT NOT NULL,
    name            TEXT NOT NULL,
    url             TEXT NOT NULL,
    event_types     TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    sealed          TEXT NOT NULL,
    previous_sealed TEXT NOT NULL,
    previous_until  INTEGER
) STRICT;

CREATE TABLE webhook_deliveries (
    id          TEXT PRIMARY KEY,
    webhook_id  TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    lane        TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    event_id    TEXT NOT NULL,
    event_type  TEXT NOT NULL,
    body        TEXT NOT NULL,
    state       TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    error       TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    queued_at   INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE UNIQUE INDEX one_delivery_per_event ON webhook_deliveries (webhook_id, seq);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at) WHERE state = 'due';
CREATE INDEX webhook_deliveries_in_lane ON webhook_deliveries (webhook_id, lane, seq) WHERE state IN ('due', 'waiting');
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (finished_at);

-- What clients report about conferences.
CREATE TABLE client_events (
    conference_id TEXT NOT NULL REFERENCES conferences (id) ON DELETE CASCADE,
    seq           INTEGER NOT NULL, -- counts the events of the conference
    attendee_id   TEXT NOT NULL,
    name          TEXT NOT NULL,
    at            INTEGER NOT NULL, -- by the clock of the client
    received_at   INTEGER NOT NULL,
    client        TEXT NOT NULL,
    attributes    TEXT NOT NULL,
    PRIMARY KEY (conference_id, seq)
) STRICT;
CREATE INDEX client_events_by_attendee ON client_events (conference_id, attendee_id);

-- +goose Down
DROP TABLE client_events;
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
