package storagetest

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"carillon/internal/meetings"
	"carillon/internal/storage"
	"carillon/internal/timeline"
)

func clientEvents(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	ended := start()
	write(t, s, func(ctx context.Context, tx meetings.Tx) error {
		for _, id := range []string{"c", "other"} {
			if err := tx.InsertConference(ctx, meetings.Conference{ID: id, CreatedAt: start(), EndedAt: &ended}); err != nil {
				return err
			}
		}
		return nil
	})
	event := func(conferenceID, attendeeID, name string) timeline.Event {
		return timeline.Event{ConferenceID: conferenceID, AttendeeID: attendeeID, Name: name, At: start(), ReceivedAt: start().Add(time.Second),
			Client: timeline.Client{SDKVersion: "3.0", EngineMajorVersion: "9"}, Attributes: json.RawMessage(`{"a":[1,"ü\u0000"]}`)}
	}
	add := func(want int, list ...timeline.Event) {
		t.Helper()
		n, err := s.AppendClientEvents(ctx, list[0].ConferenceID, list[0].AttendeeID, list, 4, 3)
		ok(t, err)
		if n != want {
			t.Fatalf("%d were stored, want %d", n, want)
		}
	}
	first := event("c", "ann", "one")
	add(2, first, event("c", "ann", "two"))
	add(1, event("c", "ann", "three"), event("c", "ann", "too many of ann"))
	add(0, event("c", "ann", "too many of ann"))
	add(1, event("c", "ben", "four"), event("c", "ben", "too many of the conference"))
	add(1, event("other", "ann", "one"))

	list, err := s.ClientEvents(ctx, "c", 0, 10)
	ok(t, err)
	var names []string
	for i, e := range list {
		names = append(names, e.Name)
		if e.Seq != int64(i+1) {
			t.Errorf("event %d has the seq %d", i, e.Seq)
		}
	}
	if !reflect.DeepEqual(names, []string{"one", "two", "three", "four"}) {
		t.Fatalf("events: %q", names)
	}
	first.Seq = 1
	if !reflect.DeepEqual(list[0], first) {
		t.Fatalf("got %+v, want %+v", list[0], first)
	}
	page, err := s.ClientEvents(ctx, "c", 1, 2)
	ok(t, err)
	if len(page) != 2 || page[0].Seq != 2 {
		t.Fatalf("page: %+v", page)
	}
	ok(t, s.PruneConferences(ctx, ended.Add(time.Second)))
	if list, err = s.ClientEvents(ctx, "c", 0, 10); err != nil || len(list) != 0 {
		t.Fatalf("events of a conference that was forgotten: %+v %v", list, err)
	}
}
