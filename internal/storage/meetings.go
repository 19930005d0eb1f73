package storage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"carillon/internal/meetings"
)

// reader implements meetings.Reader on the database and in a transaction.
type reader struct {
	q       querier
	dialect dialect
}

// tx implements meetings.Tx.
type tx struct {
	reader
	emitted bool
}

// Write implements meetings.Store. Writes that come at the same time share a commit.
func (s *Store) Write(ctx context.Context, fn func(meetings.Tx) error) error {
	return s.join(ctx, func(q querier) (bool, error) {
		t := &tx{reader: reader{q: q, dialect: s.dialect}}
		err := fn(t)
		return t.emitted, err
	})
}

const meetingColumns = `id, title, description, owner_id, conference_id, created_at, updated_at`

func scanMeeting(r row) (meetings.Meeting, error) {
	var m meetings.Meeting
	var created, updated int64
	err := r.Scan(&m.ID, &m.Title, &m.Description, &m.OwnerID, &m.ConferenceID, &created, &updated)
	m.CreatedAt, m.UpdatedAt = fromMicros(created), fromMicros(updated)
	return m, err
}

// Meeting implements meetings.Reader.
func (r reader) Meeting(ctx context.Context, id string) (meetings.Meeting, error) {
	m, err := scanMeeting(r.q.QueryRowContext(ctx, `SELECT `+meetingColumns+` FROM meetings WHERE id = $1`, id))
	return m, scanned(err, "meeting")
}

// Meetings implements meetings.Reader.
func (r reader) Meetings(ctx context.Context, q meetings.MeetingQuery) ([]meetings.Meeting, error) {
	where := conditions{dialect: r.dialect}
	if q.After != nil {
		at, id := where.param(micros(q.After.CreatedAt)), where.param(q.After.ID)
		where.add("(created_at < " + at + " OR created_at = " + at + " AND id < " + id + ")")
	}
	where.equals("id", q.Filter.ID)
	where.equals("owner_id", q.Filter.OwnerID)
	where.match("title", q.Filter.Title)
	where.match("description", q.Filter.Description)
	limit := where.param(q.Limit)
	return collect(ctx, r.q, scanMeeting, `SELECT `+meetingColumns+` FROM meetings`+where.String()+
		` ORDER BY created_at DESC, id DESC LIMIT `+limit, where.args...)
}

// conditions builds a WHERE clause. Values only get in as parameters.
type conditions struct {
	dialect dialect
	all     []string
	args    []any
}

// param adds a value and returns its placeholder.
func (c *conditions) param(v any) string {
	c.args = append(c.args, v)
	return fmt.Sprintf("$%d", len(c.args))
}

func (c *conditions) add(condition string) { c.all = append(c.all, condition) }

func (c *conditions) equals(column, value string) {
	if value != "" {
		c.add(column + " = " + c.param(value))
	}
}

// after goes on behind a place in a list that is ordered by created_at and id.
func (c *conditions) after(p *meetings.Position) {
	if p != nil {
		at, id := c.param(micros(p.CreatedAt)), c.param(p.ID)
		c.add("(created_at > " + at + " OR created_at = " + at + " AND id > " + id + ")")
	}
}

func (c *conditions) match(column string, m meetings.Match) {
	if m.Equals != nil {
		c.add(column + " = " + c.param(*m.Equals))
	}
	if m.Contains != "" {
		c.add(fmt.Sprintf(c.dialect.contains, column, c.param(m.Contains)))
	}
	if m.BeginsWith != "" {
		c.add(fmt.Sprintf(c.dialect.beginsWith, column, c.param(m.BeginsWith)))
	}
}

func (c *conditions) String() string {
	if len(c.all) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.all, " AND ")
}

// InsertMeeting implements meetings.Tx.
func (t *tx) InsertMeeting(ctx context.Context, m meetings.Meeting) error {
	_, err := exec(ctx, t.q, t.dialect, `INSERT INTO meetings (`+meetingColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		m.ID, m.Title, m.Description, m.OwnerID, m.ConferenceID, micros(m.CreatedAt), micros(m.UpdatedAt))
	return err
}

// UpdateMeeting implements meetings.Tx.
func (t *tx) UpdateMeeting(ctx context.Context, m meetings.Meeting) error {
	return execOne(ctx, t.q, t.dialect, "meeting",
		`UPDATE meetings SET title = $2, description = $3, conference_id = $4, updated_at = $5 WHERE id = $1`,
		m.ID, m.Title, m.Description, m.ConferenceID, micros(m.UpdatedAt))
}

// DeleteMeeting implements meetings.Tx.
func (t *tx) DeleteMeeting(ctx context.Context, id string) error {
	return execOne(ctx, t.q, t.dialect, "meeting", `DELETE FROM meetings WHERE id = $1`, id)
}

// PruneConferences implements meetings.Store. Attendees go with their conference by the foreign key.
func (s *Store) PruneConferences(ctx context.Context, endedBefore time.Time) error {
	_, err := exec(ctx, s.write, s.dialect, `DELETE FROM conferences WHERE ended_at < $1`, micros(endedBefore))
	return err
}
