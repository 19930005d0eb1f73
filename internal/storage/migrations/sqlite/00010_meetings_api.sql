-- What the rest of the meetings API needs: limits of keys, replicas, tags of attendees, lists in order.

-- +goose Up
ALTER TABLE api_keys ADD COLUMN rate INTEGER NOT NULL DEFAULT 0; -- requests per second and operation, 0 = any
ALTER TABLE api_keys ADD COLUMN max_conferences INTEGER NOT NULL DEFAULT 0; -- open at a time, 0 = any

ALTER TABLE attendees ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';
CREATE INDEX attendees_in_order ON attendees (conference_id, created_at, id);

CREATE INDEX open_conferences_of_key ON conferences (key_id, created_at, id) WHERE ended_at IS NULL;
CREATE INDEX open_replicas ON conferences (primary_id) WHERE ended_at IS NULL AND primary_id <> '';

-- +goose Down
DROP INDEX open_replicas;
DROP INDEX open_conferences_of_key;
DROP INDEX attendees_in_order;
ALTER TABLE attendees DROP COLUMN tags;
ALTER TABLE api_keys DROP COLUMN max_conferences;
ALTER TABLE api_keys DROP COLUMN rate;
