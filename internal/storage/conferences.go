package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"carillon/internal/meetings"
)

const conferenceColumns = `id, external_id, media_region, host_id, meeting_id, key_id, client_request_token, features,
	primary_id, tenant_ids, tags, created_at, ended_at, empty_since`

func scanConference(r row) (meetings.Conference, error) {
	var c meetings.Conference
	var features, tenants, tags string
	var created int64
	var ended, empty sql.NullInt64
	err := r.Scan(&c.ID, &c.ExternalID, &c.MediaRegion, &c.HostID, &c.MeetingID, &c.KeyID, &c.ClientRequestToken,
		&features, &c.PrimaryID, &tenants, &tags, &created, &ended, &empty)
	if err != nil {
		return c, err
	}
	c.CreatedAt, c.EndedAt, c.EmptySince = fromMicros(created), fromNullMicros(ended), fromNullMicros(empty)
	return c, errors.Join(json.Unmarshal([]byte(features), &c.Features), json.Unmarshal([]byte(tenants), &c.TenantIDs),
		json.Unmarshal([]byte(tags), &c.Tags))
}

func (r reader) conference(ctx context.Context, where string, args ...any) (meetings.Conference, error) {
	c, err := scanConference(r.q.QueryRowContext(ctx, `SELECT `+conferenceColumns+` FROM conferences WHERE `+where, args...))
	return c, scanned(err, "conference")
}

// Conference implements meetings.Reader.
func (r reader) Conference(ctx context.Context, id string) (meetings.Conference, error) {
	return r.conference(ctx, `id = $1`, id)
}

// OpenConferenceOf implements meetings.Reader.
func (r reader) OpenConferenceOf(ctx context.Context, meetingID string) (meetings.Conference, error) {
	return r.conference(ctx, `meeting_id = $1 AND meeting_id <> '' AND ended_at IS NULL`, meetingID)
}

// OpenConferenceByRequest implements meetings.Reader.
func (r reader) OpenConferenceByRequest(ctx context.Context, keyID, token string) (meetings.Conference, error) {
	return r.conference(ctx, `key_id = $1 AND client_request_token = $2 AND client_request_token <> ''
		AND ended_at IS NULL`, keyID, token)
}

// OpenConferences implements meetings.Reader.
func (r reader) OpenConferences(ctx context.Context) ([]meetings.Conference, error) {
	return collect(ctx, r.q, scanConference,
		`SELECT `+conferenceColumns+` FROM conferences WHERE ended_at IS NULL ORDER BY created_at, id`)
}

// OpenConferencesOfKey implements meetings.Reader.
func (r reader) OpenConferencesOfKey(ctx context.Context, keyID string, after *meetings.Position, limit int) ([]meetings.Conference, error) {
	where := conditions{dialect: r.dialect}
	where.add(`key_id = ` + where.param(keyID) + ` AND ended_at IS NULL`)
	where.after(after)
	return collect(ctx, r.q, scanConference, `SELECT `+conferenceColumns+` FROM conferences`+where.String()+
		` ORDER BY created_at, id LIMIT `+where.param(limit), where.args...)
}

// CountOpenConferences implements meetings.Reader.
func (r reader) CountOpenConferences(ctx context.Context, keyID string) (int, error) {
	var n int
	err := r.q.QueryRowContext(ctx, `SELECT count(*) FROM conferences WHERE key_id = $1 AND ended_at IS NULL`, keyID).Scan(&n)
	return n, scanned(err, "conference")
}

// OpenReplicas implements meetings.Reader.
func (r reader) OpenReplicas(ctx context.Context, primaryID string) ([]meetings.Conference, error) {
	return collect(ctx, r.q, scanConference, `SELECT `+conferenceColumns+` FROM conferences
		WHERE primary_id = $1 AND primary_id <> '' AND ended_at IS NULL ORDER BY created_at, id`, primaryID)
}

// SetConferenceTags implements meetings.Tx.
func (t *tx) SetConferenceTags(ctx context.Context, id string, tags map[string]string) error {
	text, err := json.Marshal(tags)
	if err != nil {
		return err
	}
	return execOne(ctx, t.q, t.dialect, "conference", `UPDATE conferences SET tags = $2 WHERE id = $1`, id, string(text))
}

// InsertConference implements meetings.Tx.
func (t *tx) InsertConference(ctx context.Context, c meetings.Conference) error {
	features, err1 := json.Marshal(c.Features)
	tenants, err2 := json.Marshal(c.TenantIDs)
	tags, err3 := json.Marshal(c.Tags)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	_, err := exec(ctx, t.q, t.dialect, `INSERT INTO conferences (`+conferenceColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		c.ID, c.ExternalID, c.MediaRegion, c.HostID, c.MeetingID, c.KeyID, c.ClientRequestToken, string(features),
		c.PrimaryID, string(tenants), string(tags), micros(c.CreatedAt), nullMicros(c.EndedAt), nullMicros(c.EmptySince))
	return err
}

// UpdateConference implements meetings.Tx.
func (t *tx) UpdateConference(ctx context.Context, c meetings.Conference) error {
	return execOne(ctx, t.q, t.dialect, "conference",
		`UPDATE conferences SET ended_at = $2, empty_since = $3 WHERE id = $1`,
		c.ID, nullMicros(c.EndedAt), nullMicros(c.EmptySince))
}

const attendeeColumns = `id, conference_id, external_user_id, account_id, capability_audio, capability_video,
	capability_content, created_at`

func scanAttendee(r row) (meetings.Attendee, error) {
	var a meetings.Attendee
	var created int64
	err := r.Scan(&a.ID, &a.ConferenceID, &a.ExternalUserID, &a.AccountID,
		&a.Capabilities.Audio, &a.Capabilities.Video, &a.Capabilities.Content, &created)
	a.CreatedAt = fromMicros(created)
	return a, err
}

func (r reader) attendee(ctx context.Context, where string, args ...any) (meetings.Attendee, error) {
	a, err := scanAttendee(r.q.QueryRowContext(ctx, `SELECT `+attendeeColumns+` FROM attendees WHERE `+where, args...))
	return a, scanned(err, "attendee")
}

// Attendees implements meetings.Reader.
func (r reader) Attendees(ctx context.Context, conferenceID string, after *meetings.Position, limit int) ([]meetings.Attendee, error) {
	where := conditions{dialect: r.dialect}
	where.equals("conference_id", conferenceID)
	where.after(after)
	return collect(ctx, r.q, scanAttendee, `SELECT `+attendeeColumns+` FROM attendees`+where.String()+
		` ORDER BY created_at, id LIMIT `+where.param(limit), where.args...)
}

// AttendeeTags implements meetings.Reader.
func (r reader) AttendeeTags(ctx context.Context, conferenceID, id string) (map[string]string, error) {
	var text string
	err := r.q.QueryRowContext(ctx, `SELECT tags FROM attendees WHERE id = $1 AND conference_id = $2`, id, conferenceID).Scan(&text)
	if err != nil {
		return nil, scanned(err, "attendee")
	}
	var tags map[string]string
	return tags, json.Unmarshal([]byte(text), &tags)
}

// SetAttendeeTags implements meetings.Tx.
func (t *tx) SetAttendeeTags(ctx context.Context, conferenceID, id string, tags map[string]string) error {
	text, err := json.Marshal(tags)
	if err != nil {
		return err
	}
	return execOne(ctx, t.q, t.dialect, "attendee",
		`UPDATE attendees SET tags = $3 WHERE id = $1 AND conference_id = $2`, id, conferenceID, string(text))
}

// Attendee implements meetings.Reader.
func (r reader) Attendee(ctx context.Context, conferenceID, id string) (meetings.Attendee, error) {
	return r.attendee(ctx, `id = $1 AND conference_id = $2`, id, conferenceID)
}

// AttendeeByAccount implements meetings.Reader.
func (r reader) AttendeeByAccount(ctx context.Context, conferenceID, accountID string) (meetings.Attendee, error) {
	return r.attendee(ctx, `conference_id = $1 AND account_id = $2 AND account_id <> ''`, conferenceID, accountID)
}

// AttendeeByExternalUserID implements meetings.Reader.
func (r reader) AttendeeByExternalUserID(ctx context.Context, conferenceID, externalUserID string) (meetings.Attendee, error) {
	return r.attendee(ctx, `conference_id = $1 AND external_user_id = $2 AND account_id = ''`, conferenceID, externalUserID)
}

// CountAttendees implements meetings.Reader.
func (r reader) CountAttendees(ctx context.Context, conferenceID string) (int, error) {
	var n int
	err := r.q.QueryRowContext(ctx, `SELECT count(*) FROM attendees WHERE conference_id = $1`, conferenceID).Scan(&n)
	return n, scanned(err, "attendee")
}

// InsertAttendee implements meetings.Tx.
func (t *tx) InsertAttendee(ctx context.Context, a meetings.Attendee) error {
	_, err := exec(ctx, t.q, t.dialect, `INSERT INTO attendees (`+attendeeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, a.ConferenceID, a.ExternalUserID, a.AccountID,
		a.Capabilities.Audio, a.Capabilities.Video, a.Capabilities.Content, micros(a.CreatedAt))
	return err
}

// UpdateAttendee implements meetings.Tx.
func (t *tx) UpdateAttendee(ctx context.Context, a meetings.Attendee) error {
	return execOne(ctx, t.q, t.dialect, "attendee", `UPDATE attendees SET external_user_id = $3, capability_audio = $4,
		capability_video = $5, capability_content = $6 WHERE id = $1 AND conference_id = $2`,
		a.ID, a.ConferenceID, a.ExternalUserID, a.Capabilities.Audio, a.Capabilities.Video, a.Capabilities.Content)
}

// DeleteAttendee implements meetings.Tx.
func (t *tx) DeleteAttendee(ctx context.Context, conferenceID, id string) error {
	return execOne(ctx, t.q, t.dialect, "attendee", `DELETE FROM attendees WHERE id = $1 AND conference_id = $2`, id, conferenceID)
}
