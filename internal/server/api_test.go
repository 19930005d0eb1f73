package server_test

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"carillon/internal/ids"
	"carillon/internal/meetings"
	"carillon/internal/server/servertest"
	"carillon/internal/signaling/signalpb"
	"carillon/internal/storage"
)

// wantCall checks the answer to a request of the meetings API.
func wantCall(t *testing.T, p *servertest.Program, method, path string, in any, status int, name string) {
	t.Helper()
	if gotStatus, gotName := p.Call(method, path, in, nil); gotStatus != status || gotName != name {
		t.Errorf("%s %s: %d %q, want %d %q", method, path, gotStatus, gotName, status, name)
	}
}

const notFound = "NotFoundException"

// The API acts on the people who are in the meeting at that moment.
func TestAPIActsOnTheCall(t *testing.T) {
	s := servertest.Start(t)
	p := s.Program(t)
	id := p.CreateMeeting(nil)
	path := "/meetings/" + id
	tickets := []servertest.Ticket{p.CreateAttendee(id, "ann"), p.CreateAttendee(id, "ben"), p.CreateAttendee(id, "eve")}
	var c []*servertest.Client
	for i, ticket := range tickets {
		c = append(c, servertest.Enter(t, ticket, uint64(i+1)))
	}

	silent := map[string]any{"Capabilities": map[string]string{"Audio": "Receive", "Video": "SendReceive", "Content": "SendReceive"}}
	wantCall(t, p, "PUT", path+"/attendees/"+tickets[0].AttendeeID+"/capabilities", silent, http.StatusOK, "")
	c[1].UntilRoster("ann is muted by the API", muteOf(c[0].AudioID, true))
	all := map[string]any{
		"ExcludedAttendeeIds": []map[string]string{{"AttendeeId": tickets[1].AttendeeID}},
		"Capabilities":        map[string]string{"Audio": "None", "Video": "SendReceive", "Content": "SendReceive"},
	}
	wantCall(t, p, "PUT", path+"/attendees/capabilities?operation=batch-update-except", all, http.StatusOK, "")
	c[1].UntilRoster("eve is muted by the API", muteOf(c[2].AudioID, true))

	wantCall(t, p, "DELETE", path+"/attendees/"+tickets[0].AttendeeID, nil, http.StatusNoContent, "")
	wantStatus(t, "the deleted attendee", c[0], 411)
	leaveAfterEnd(t, c[0])
	e := c[1].UntilRoster("ann to go", func(e *signalpb.SdkAudioStreamIdInfo) bool {
		return e.GetAudioStreamId() == c[0].AudioID && e.AttendeeId == nil
	})
	if !isLeave(e) {
		t.Errorf("the others see %v", e)
	}
	late := servertest.Dial(t, tickets[0])
	late.SendJoin(9)
	if code := late.ExpectClose(); code != 4403 {
		t.Errorf("the token of a deleted attendee is answered with close code %d", code)
	}

	wantCall(t, p, "DELETE", path, nil, http.StatusNoContent, "")
	for _, client := range c[1:] {
		wantStatus(t, "who is left", client, 410)
		leaveAfterEnd(t, client)
	}
	wantCall(t, p, "GET", path, nil, http.StatusNotFound, notFound)
}

// A place is free only when somebody leaves it, and that is decided when people join, too.
func TestMaxCountRefusesTheNextJoin(t *testing.T) {
	s := servertest.Start(t)
	p := s.Program(t)
	id := p.CreateMeeting(map[string]any{"Attendee": map[string]any{"MaxCount": 1}})
	first := p.CreateAttendee(id, "ann")
	client := servertest.Enter(t, first, 1)
	wantCall(t, p, "POST", "/meetings/"+id+"/attendees", map[string]string{"ExternalUserId": "ben"}, http.StatusBadRequest, "LimitExceededException")

	// The row of a second attendee can be there only when a place has become free, so ann's goes.
	wantCall(t, p, "DELETE", "/meetings/"+id+"/attendees/"+first.AttendeeID, nil, http.StatusNoContent, "")
	wantStatus(t, "ann", client, 411)
	leaveAfterEnd(t, client)
	servertest.Enter(t, p.CreateAttendee(id, "ben"), 2).Audio().Next()
}

// A key that is revoked while the server runs is useless for the very next request.
func TestRevokedKey(t *testing.T) {
	s := servertest.Start(t)
	p := s.Program(t)
	id := p.CreateMeeting(nil)
	p.RevokeKey()
	wantCall(t, p, "GET", "/meetings/"+id, nil, http.StatusForbidden, "UnrecognizedClientException")
}

// beside opens the database of a running server, as another process would.
func beside(t *testing.T, s *servertest.Server) *storage.Store {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite://" + filepath.Join(s.Data, "carillon.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func conferenceRow(t *testing.T, store *storage.Store, id string) meetings.Conference {
	t.Helper()
	c, err := store.Conference(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The end of a meeting follows from who is really connected, and does so after a restart as well. The times
// are long, so the rows are made to look as if they had passed.
func TestMeetingsEndByPresence(t *testing.T) {
	s := servertest.Start(t)
	p := s.Program(t)
	store := beside(t, s)
	ctx := t.Context()
	id := p.CreateMeeting(nil)
	empty := func() bool { return conferenceRow(t, store, id).EmptySince != nil }
	if !empty() {
		t.Error("a meeting that nobody has joined yet counts as occupied")
	}
	client := servertest.Enter(t, p.CreateAttendee(id, "ann"), 1)
	waitFor(t, "the meeting to be occupied", func() bool { return !empty() })
	client.Close()
	waitFor(t, "the meeting to be empty", empty)
	servertest.Enter(t, p.CreateAttendee(id, "ann"), 2)
	waitFor(t, "the meeting to be occupied again", func() bool { return !empty() })

	old := meetings.Conference{ID: ids.New(), CreatedAt: time.Now().Add(-24*time.Hour - time.Second)}
	crowded := meetings.Conference{ID: ids.New(), CreatedAt: time.Now()}
	if err := store.Write(ctx, func(tx meetings.Tx) error {
		if err := tx.InsertConference(ctx, old); err != nil {
			return err
		}
		return tx.InsertConference(ctx, crowded)
	}); err != nil {
		t.Fatal(err)
	}
	s.Stop(t) // everybody is gone now, whatever the rows say
	restarted := servertest.StartIn(t, s.Data)
	p = p.At(restarted)
	for _, occupied := range []string{id, crowded.ID} {
		if since := conferenceRow(t, store, occupied).EmptySince; since == nil || time.Since(*since) > time.Minute {
			t.Errorf("after the restart a meeting counts as empty since %v", since)
		}
	}
	wantCall(t, p, "GET", "/meetings/"+id, nil, http.StatusOK, "") // they have time to come back
	if err := store.Write(ctx, func(tx meetings.Tx) error {
		c, err := tx.Conference(ctx, id)
		if err != nil {
			return err
		}
		long := time.Now().Add(-5*time.Minute - time.Second)
		c.EmptySince = &long
		return tx.UpdateConference(ctx, c)
	}); err != nil {
		t.Fatal(err)
	}
	// The sweeper comes every 15 seconds.
	deadline := time.Now().Add(15*time.Second + servertest.Patience)
	for conferenceRow(t, store, id).EndedAt == nil || conferenceRow(t, store, old.ID).EndedAt == nil {
		if time.Now().After(deadline) {
			t.Fatal("the sweeper has not ended what was due")
		}
		time.Sleep(100 * time.Millisecond)
	}
	wantCall(t, p, "GET", "/meetings/"+id, nil, http.StatusNotFound, notFound)
	if conferenceRow(t, store, crowded.ID).EndedAt != nil {
		t.Error("a meeting ended before its time")
	}
}
