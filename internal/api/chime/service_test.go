package chime

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"

	"carillon/internal/accounts"
	"carillon/internal/api/placement"
	"carillon/internal/ids"
)

// startServices puts the API in front of the true services and a database.
func startServices(t *testing.T) (a api, people *accounts.Service) {
	t.Helper()
	service, store := openServices(t)
	people = accounts.New(accounts.Config{Store: store, Policy: accounts.Closed, SealKey: bytes.Repeat([]byte{1}, 32), Logger: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(New(Config{
		Meetings:  service,
		Keys:      people,
		Placement: placement.New("", ":8081"),
	}))
	t.Cleanup(server.Close)
	return api{Server: server}, people
}

func newKey(t *testing.T, people *accounts.Service) accounts.APIKey {
	t.Helper()
	key, err := people.CreateKey(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestWithTheServices(t *testing.T) {
	a, people := startServices(t)
	key, stranger := newKey(t, people), newKey(t, people)
	as := func(k accounts.APIKey, method, path, body string) response {
		return a.send(t, sent{method: method, path: path, body: body, key: k.ID, secret: k.Secret})
	}

	var m meetingReply
	as(key, "POST", "/chime/meetings", newMeeting().with("MeetingFeatures", document{"Attendee": document{"MaxCount": 2}, "Video": document{"MaxResolution": "None"}}).
		with("TenantIds", []string{"tenant"}).with("Tags", []document{{"Key": "k", "Value": "v"}}).String()).decode(t, &m)
	path := "/chime/meetings/" + m.Meeting.MeetingID
	var again meetingReply
	as(key, "GET", path, "").decode(t, &again)
	if again.Meeting.MeetingFeatures == nil || again.Meeting.MeetingFeatures.Attendee.MaxCount != 2 || again.Meeting.TenantIDs[0] != "tenant" {
		t.Errorf("got %+v", again.Meeting)
	}

	var ann, annAgain attendeeReply
	as(key, "POST", path+"/attendees", `{"ExternalUserId":"ann"}`).decode(t, &ann)
	if want := (capabilities{"SendReceive", "Receive", "SendReceive"}); ann.Attendee.Capabilities != want {
		t.Errorf("in a meeting without video: got %+v, want %+v", ann.Attendee.Capabilities, want)
	}
	as(key, "POST", path+"/attendees", `{"ExternalUserId":"ann","Capabilities":{"Audio":"None","Video":"None","Content":"None"}}`).decode(t, &annAgain)
	if annAgain != ann {
		t.Errorf("the same user got %+v, then %+v", ann, annAgain)
	}
	as(key, "POST", path+"/attendees", `{"ExternalUserId":"ben","Capabilities":{"Audio":"None","Video":"Receive","Content":"None"}}`).refused(t, 400, "BadRequestException")
	as(key, "POST", path+"/attendees", `{"ExternalUserId":"ben"}`).decode(t, &attendeeReply{})
	as(key, "POST", path+"/attendees", `{"ExternalUserId":"eve"}`).refused(t, 400, "LimitExceededException")

	for _, r := range []struct{ method, path, body string }{{"GET", path, ""}, {"DELETE", path, ""}, {"POST", path + "/attendees", `{"ExternalUserId":"eve"}`}} {
		as(stranger, r.method, r.path, r.body).refused(t, 404, "NotFoundException")
	}
	if got := as(key, "DELETE", path, ""); got.StatusCode != 204 {
		t.Errorf("got %d %s", got.StatusCode, got.text)
	}
	for _, r := range []struct{ method, path, body string }{{"GET", path, ""}, {"DELETE", path, ""}, {"POST", path + "/attendees", `{"ExternalUserId":"ann"}`}} {
		as(key, r.method, r.path, r.body).refused(t, 404, "NotFoundException")
	}

	if err := people.RevokeKey(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	as(key, "POST", "/chime/meetings", newMeeting().String()).refused(t, 403, "UnrecognizedClientException")
}

// A retry after a lost answer must never make a second meeting, and neither must two at once.
func TestParallelRequestsWithOneToken(t *testing.T) {
	a, people := startServices(t)
	key := newKey(t, people)
	body := newMeeting().with("ClientRequestToken", ids.New()).String()
	var wait sync.WaitGroup
	made := make([]string, 20)
	for i := range made {
		wait.Go(func() {
			got, err := a.do(t.Context(), sent{method: "POST", path: "/chime/meetings", body: body, key: key.ID, secret: key.Secret})
			var m meetingReply
			if err = errors.Join(err, json.Unmarshal(got.text, &m)); err != nil {
				t.Errorf("%v: %s", err, got.text)
			}
			made[i] = m.Meeting.MeetingID
		})
	}
	wait.Wait()
	for _, id := range made {
		if id != made[0] || id == "" {
			t.Fatalf("one token made the meetings %q", made)
		}
	}
}
