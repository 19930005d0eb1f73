// Package storagetest is the conformance suite of storage: what every kind of database has to do alike.
package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/meetings"
	"carillon/internal/storage"
)

// Run runs the whole suite. open returns a new, empty store, and closes it at the end of the test.
func Run(t *testing.T, open func(t *testing.T) *storage.Store) {
	tests := []struct {
		name string
		test func(t *testing.T, s *storage.Store)
	}{
		{"Account", account},
		{"AccountNotFound", accountNotFound},
		{"Code", code},
		{"Session", session},
		{"SessionsEnd", sessionsEnd},
		{"Key", key},
		{"Meeting", meeting},
		{"MeetingsInPages", meetingsInPages},
		{"MeetingsFiltered", meetingsFiltered},
		{"Conference", conference},
		{"OneOpenConference", oneOpenConference},
		{"PruneConferences", pruneConferences},
		{"Attendee", attendee},
		{"ConferencesOfKey", conferencesOfKey},
		{"Replicas", replicas},
		{"Tags", tags},
		{"AttendeesInPages", attendeesInPages},
		{"WriteIsAllOrNothing", writeIsAllOrNothing},
		{"WriteIsSerial", writeIsSerial},
		{"Log", log},
		{"LogNeverRepeatsSeq", logNeverRepeatsSeq},
		{"Cursor", cursor},
		{"Webhook", webhook},
		{"DeliveriesInLanes", deliveriesInLanes},
		{"ReplayDeliveries", replayDeliveries},
		{"PruneDeliveries", pruneDeliveries},
		{"ClientEvents", clientEvents},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(t, open(t)) })
	}
}

// start is a time that only fits into microseconds.
func start() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 678_901_000, time.UTC) }

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fails(t *testing.T, err error, code errs.Code) {
	t.Helper()
	if err == nil || errs.CodeOf(err) != code {
		t.Fatalf("error %v, want code %s", err, code)
	}
}

func write(t *testing.T, s *storage.Store, fn func(ctx context.Context, tx meetings.Tx) error) {
	t.Helper()
	ok(t, s.Write(t.Context(), func(tx meetings.Tx) error { return fn(t.Context(), tx) }))
}

var errStop = errors.New("stop")

func emit(ctx context.Context, tx meetings.Tx, subject string, at time.Time) error {
	return tx.Emit(ctx, events.Event{Type: events.MeetingUpdated, Subject: subject, Payload: []byte(`{"a":"ü\"\\"}`), At: at})
}
