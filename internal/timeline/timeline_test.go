package timeline

import (
	"context"
	"fmt"
	"testing"
	"time"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/meetings"
)

const conferenceID = "5b0c7a0e-9d1b-4c7e-8a52-6f2f3c9a2713"

// memory is a Store and the meetings that the service asks.
type memory struct{ list []Event }

func (m *memory) AppendClientEvents(_ context.Context, _, _ string, list []Event, maxConference, _ int) (int, error) {
	n := min(len(list), maxConference-len(m.list))
	m.list = append(m.list, list[:n]...)
	return n, nil
}

func (m *memory) ClientEvents(_ context.Context, _ string, after int64, limit int) ([]Event, error) {
	return m.list[after:min(int(after)+limit, len(m.list))], nil
}

func (m *memory) Witness(_ context.Context, id, token string) (string, error) {
	if id != conferenceID || token[:3] != "tok" {
		return "", errs.New(errs.Unauthenticated, "no")
	}
	return token[3:], nil
}

func (m *memory) Conference(_ context.Context, id string) (meetings.Conference, error) {
	if id != conferenceID {
		return meetings.Conference{}, errs.New(errs.NotFound, "no")
	}
	return meetings.Conference{ID: id, KeyID: "K1"}, nil
}

func report(n int) Report {
	r := Report{ConferenceID: conferenceID, Client: Client{SDKName: "sdk"}}
	for i := range n {
		r.Events = append(r.Events, Event{Name: fmt.Sprint("e", i)})
	}
	return r
}

func TestAccept(t *testing.T) {
	m := &memory{}
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	s := New(Config{Store: m, Meetings: m, Conferences: m, Clock: func() time.Time { return now }})
	ctx := t.Context()
	if n, err := s.Accept(ctx, "tokann#content", report(2)); n != 2 || err != nil {
		t.Fatalf("stored %d, %v", n, err)
	}
	if e := m.list[0]; e.AttendeeID != "ann" || e.ConferenceID != conferenceID || e.Client.SDKName != "sdk" || !e.At.Equal(now) || !e.ReceivedAt.Equal(now) {
		t.Errorf("event %+v", e)
	}
	if _, err := s.Accept(ctx, "forged", report(1)); errs.CodeOf(err) != errs.Unauthenticated {
		t.Errorf("a forged token: %v", err)
	}
	for range reportsBurst - 1 {
		if _, err := s.Accept(ctx, "tokann", report(0)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Accept(ctx, "tokann", report(1)); errs.CodeOf(err) != errs.Throttled {
		t.Errorf("one too many: %v", err)
	}
	if _, err := s.Accept(ctx, "tokben", report(1)); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	now = now.Add(time.Second)
	if _, err := s.Accept(ctx, "tokann", report(1)); err != nil {
		t.Errorf("a second later: %v", err)
	}
	m.list = make([]Event, MaxPerConference)
	if _, err := s.Accept(ctx, "tokben", report(1)); errs.CodeOf(err) != errs.LimitExceeded {
		t.Errorf("when it is full: %v", err)
	}
}

func TestTimeline(t *testing.T) {
	m := &memory{list: []Event{{Name: "a"}, {Name: "b"}}}
	s := New(Config{Store: m, Meetings: m, Conferences: m})
	for _, actor := range []authz.Actor{{System: true}, {KeyID: "K1"}} {
		list, err := s.Timeline(t.Context(), actor, conferenceID, 1, 0)
		if err != nil || len(list) != 1 || list[0].Name != "b" {
			t.Errorf("%+v: %+v %v", actor, list, err)
		}
	}
	if _, err := s.Timeline(t.Context(), authz.Actor{KeyID: "K2"}, conferenceID, 0, 0); errs.CodeOf(err) != errs.NotFound {
		t.Errorf("another key: %v", err)
	}
	if _, err := s.Timeline(t.Context(), authz.Actor{AccountID: "ann"}, conferenceID, 0, 0); errs.CodeOf(err) != errs.Forbidden {
		t.Errorf("a person: %v", err)
	}
}
