package servertest

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"carillon/internal/events"
	"carillon/internal/meetings"
	"carillon/internal/storage"
)

// SetCapabilities changes what the attendee of a ticket may do, in the database and by the change feed, as another
// process that works on the same data directory would.
func (s *Server) SetCapabilities(t testing.TB, ticket Ticket, c meetings.Capabilities) {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Options{
		DSN: "sqlite://" + filepath.Join(s.Data, "carillon.db"), Logger: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	defer store.Close()
	must(t, store.Write(t.Context(), func(tx meetings.Tx) error {
		a, err := tx.Attendee(t.Context(), ticket.ConferenceID, ticket.AttendeeID)
		if err != nil {
			return err
		}
		a.Capabilities = c
		if err := tx.UpdateAttendee(t.Context(), a); err != nil {
			return err
		}
		row, err := json.Marshal(a)
		if err != nil {
			return err
		}
		return tx.Emit(t.Context(), events.Event{Type: events.AttendeeUpdated, Subject: a.ID, Payload: row, At: time.Now().UTC()})
	}))
}
