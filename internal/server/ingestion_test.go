package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"carillon/internal/authz"
	"carillon/internal/server"
	"carillon/internal/server/servertest"
	"carillon/internal/timeline"
)

// report posts client events as a page of another origin does.
func report(t *testing.T, url, token, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if response.Header.Get("Access-Control-Allow-Origin") != "*" || response.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", response.Header)
	}
	return response.StatusCode
}

func TestClientEvents(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	m := newMeeting(t, 2)
	a, b := m.tickets[0], m.tickets[1]
	body := func(name, conferenceID, extra string) string {
		return fmt.Sprintf(`{"metadata":{"meetingId":"%s","sdkVersion":"3"},"events":[{"type":"Meet","v":1,"payloads":[{"name":"%s","ts":%d}]}]%s}`,
			conferenceID, name, time.Now().UnixMilli(), extra)
	}
	url := m.URL() + "/events"
	want := func(what string, got, status int) {
		t.Helper()
		if got != status {
			t.Errorf("%s: status %d, want %d", what, got, status)
		}
	}
	want("a report", report(t, url, a.Token, body("meetingStartSucceeded", a.ConferenceID, "")), 200)
	want("of a shared screen", report(t, url, b.Content().Token, body("meetingStartSucceeded", b.ConferenceID, "")), 200)
	want("a beacon", report(t, url+"?beacon=1", "", body("videoInputSelected", a.ConferenceID, `,"authorization":"`+a.Token+`"`)), 200)
	want("without a token", report(t, url, "", body("x", a.ConferenceID, "")), 401)
	want("with a forged token", report(t, url, flipped(a.Token), body("x", a.ConferenceID, "")), 401)
	want("about another meeting", report(t, url, a.Token, body("x", "5b0c7a0e-9d1b-4c7e-8a52-6f2f3c9a2713", "")), 401)
	want("nonsense", report(t, url, a.Token, "<html>"), 400)
	want("too much", report(t, url, a.Token, string(make([]byte, 300<<10))), 413)
	if code := m.owner.GraphQL(`mutation($id: ID!) { deleteMeeting(input: {id: $id}) { id } }`, map[string]any{"id": m.id}, nil); code != "" {
		t.Fatalf("deleteMeeting: %s", code)
	}
	want("about the end, after it", report(t, url, a.Token, body("meetingEnded", a.ConferenceID, "")), 200)

	list := timelineOf(t, m.Server, a.ConferenceID)
	if len(list) != 4 || list[0].Name != "meetingStartSucceeded" || list[0].AttendeeID != a.AttendeeID || list[0].Client.SDKVersion != "3" ||
		list[1].AttendeeID != b.AttendeeID || list[2].Name != "videoInputSelected" || list[3].Name != "meetingEnded" {
		t.Errorf("timeline: %+v", list)
	}
}

// timelineOf reads what is stored of a conference beside the running server.
func timelineOf(t *testing.T, s *servertest.Server, conferenceID string) []timeline.Event {
	t.Helper()
	a, err := server.OpenTimeline(t.Context(), s.Data, "")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	list, err := a.Timeline.Timeline(t.Context(), authz.Actor{System: true}, conferenceID, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
