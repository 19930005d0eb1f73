package server_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"carillon/internal/authz"
	"carillon/internal/server"
	"carillon/internal/server/servertest"
	"carillon/internal/signaling/signalpb"
	"carillon/internal/webhooks"
)

// told is one event as a receiver gets it.
type told struct {
	ID         string
	DetailType string `json:"detail-type"`
	Source     string
	Account    string
	Time       time.Time
	Detail     struct {
		EventType, MeetingID, ExternalMeetingID, AttendeeID, ExternalUserID, NetworkType string
		Timestamp                                                                        int64
	}
}

// receiver is a program that is told of events.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	list   []told
	secret string
	broken bool // it answers with a failure
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	v := &receiver{}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.broken {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(v.secret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
			t.Errorf("signature %q, want %q", r.Header.Get("webhook-signature"), want)
		}
		var e told
		if err := json.Unmarshal(body, &e); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		v.list = append(v.list, e)
	}))
	t.Cleanup(v.Server.Close)
	return v
}

func (v *receiver) breakDown(broken bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.broken = broken
}

// heard are the events so far, without the prefix of their names.
func (v *receiver) heard() []told {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.list)
}

// until waits for an event of that name and attendee behind the first skip ones.
func (v *receiver) until(t *testing.T, skip int, name, attendeeID string) {
	t.Helper()
	is := func(e told) bool { return names([]told{e}) == name && e.Detail.AttendeeID == attendeeID }
	for deadline := time.Now().Add(2 * servertest.Patience); ; time.Sleep(10 * time.Millisecond) {
		list := v.heard()
		if len(list) > skip && slices.ContainsFunc(list[skip:], is) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s of %q; heard %s", name, attendeeID, names(list))
		}
	}
}

func names(list []told) string {
	var s []string
	for _, e := range list {
		s = append(s, strings.TrimPrefix(e.Detail.EventType, "chime:"))
	}
	return strings.Join(s, " ")
}

// hook makes a webhook for all meetings, as the command line does beside the running server.
func (v *receiver) hook(t *testing.T, data string) webhooks.Webhook {
	t.Helper()
	a, err := server.OpenWebhooks(t.Context(), data, "")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	h, err := a.Webhooks.Create(t.Context(), authz.Actor{System: true}, webhooks.NewWebhook{URL: v.URL})
	if err != nil {
		t.Fatal(err)
	}
	v.secret = h.Secret
	return h
}

const loopback = "--webhook-networks=127.0.0.0/8"

func leave(t *testing.T, c *servertest.Client) {
	t.Helper()
	c.Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_LEAVE.Enum(), Leave: &signalpb.SdkLeaveFrame{}})
	c.Expect(signalpb.SdkSignalFrame_LEAVE_ACK)
	c.Close()
}

func TestEventsOfAMeeting(t *testing.T) {
	s := servertest.Start(t, loopback)
	v := newReceiver(t)
	v.hook(t, s.Data)
	ann, ben := s.SignUp(t, "ann"), s.SignUp(t, "ben")
	id := ann.CreateMeeting("Choir")
	a, b := ann.Join(id), ben.Join(id)
	first, other := servertest.Enter(t, a, 1), servertest.Enter(t, b, 2)
	v.until(t, 0, "AttendeeJoined", b.AttendeeID)

	first.StartCamera('a')
	first.Subscribe()
	first.StopCamera()
	first.Subscribe()
	v.until(t, 0, "AttendeeVideoStopped", a.AttendeeID)
	screen := servertest.Enter(t, b.Content(), 3)
	screen.StartCamera('s')
	screen.Subscribe()
	leave(t, screen)
	v.until(t, 0, "AttendeeContentLeft", b.AttendeeID)

	second := servertest.Enter(t, a, 4) // another device
	v.until(t, 0, "AttendeeAuthorized", a.AttendeeID)
	again := servertest.Enter(t, b, 2) // the same one again, which is nobody's business
	leave(t, again)
	v.until(t, 0, "AttendeeLeft", b.AttendeeID)
	second.Cut()
	v.until(t, 0, "AttendeeDropped", a.AttendeeID)
	if code := ann.GraphQL(`mutation($id: ID!) { deleteMeeting(input: {id: $id}) { id } }`, map[string]any{"id": id}, nil); code != "" {
		t.Fatalf("deleteMeeting: %s", code)
	}
	v.until(t, 0, "MeetingEnded", "")
	first.Close()
	other.Close()

	list := v.heard()
	want := "MeetingStarted AttendeeAdded AttendeeAdded AttendeeJoined AttendeeJoined AttendeeVideoStarted AttendeeVideoStopped " +
		"AttendeeContentJoined AttendeeContentVideoStarted AttendeeContentVideoStopped AttendeeContentLeft AttendeeAuthorized " +
		"AttendeeLeft AttendeeDropped MeetingEnded"
	if got := names(list); got != want {
		t.Errorf("heard\n%s, want\n%s", got, want)
	}
	for _, e := range list {
		d := e.Detail
		if d.MeetingID != a.ConferenceID || d.ExternalMeetingID != id || e.DetailType != "Chime Meeting State Change" || e.Source != "aws.chime" ||
			len(e.Account) != 12 || d.Timestamp/1000 != e.Time.Unix() || time.Since(e.Time) > time.Hour {
			t.Errorf("event %+v", e)
		}
		if who := map[string]string{a.AttendeeID: a.ExternalUserID, b.AttendeeID: b.ExternalUserID}[d.AttendeeID]; d.ExternalUserID != who {
			t.Errorf("%s of %q is of the user %q", d.EventType, d.AttendeeID, d.ExternalUserID)
		}
	}
}

func TestEndingMakesEverybodyLeave(t *testing.T) {
	s := servertest.Start(t, loopback)
	v := newReceiver(t)
	v.hook(t, s.Data)
	ann := s.SignUp(t, "ann")
	id := ann.CreateMeeting("Choir")
	a := ann.Join(id)
	c := servertest.Enter(t, a, 1)
	v.until(t, 0, "AttendeeJoined", a.AttendeeID) // what rooms report is written a moment later
	if code := ann.GraphQL(`mutation($id: ID!) { deleteMeeting(input: {id: $id}) { id } }`, map[string]any{"id": id}, nil); code != "" {
		t.Fatalf("deleteMeeting: %s", code)
	}
	leaveAfterEnd(t, c)
	v.until(t, 0, "AttendeeLeft", a.AttendeeID)
	if got, want := names(v.heard()), "MeetingStarted AttendeeAdded AttendeeJoined MeetingEnded AttendeeLeft"; got != want {
		t.Errorf("heard %s, want %s", got, want)
	}
}

// A receiver that is away holds up neither the meeting nor the server, and gets everything in the end, in order, also
// from the next process.
func TestEventsOutliveTheServer(t *testing.T) {
	s := servertest.Start(t, loopback)
	v := newReceiver(t)
	v.breakDown(true)
	v.hook(t, s.Data)
	ann := s.SignUp(t, "ann")
	a := ann.Join(ann.CreateMeeting("Choir"))
	c := servertest.Enter(t, a, 1)
	s.Stop(t)
	c.Close()
	if n := len(v.heard()); n != 0 {
		t.Fatalf("%d events were taken", n)
	}
	v.breakDown(false)
	servertest.StartIn(t, s.Data, loopback)
	v.until(t, 0, "AttendeeDropped", a.AttendeeID)
	if got, want := names(v.heard()), "MeetingStarted AttendeeAdded AttendeeJoined AttendeeDropped"; got != want {
		t.Errorf("heard %s, want %s", got, want)
	}
}

// program is one that holds an API key.
type program struct {
	t      *testing.T
	server *servertest.Server
	key    aws.Credentials
}

func newProgram(t *testing.T, s *servertest.Server) program {
	t.Helper()
	a, err := server.OpenAccounts(t.Context(), s.Data, "")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	k, err := a.Accounts.CreateKey(t.Context(), "program")
	if err != nil {
		t.Fatal(err)
	}
	return program{t, s, aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret}}
}

// call sends a signed request, wants the status and decodes the answer into out, if that is not nil.
func (p program) call(method, path, body string, want int, out any) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.server.URL()+path, bytes.NewReader([]byte(body)))
	if err != nil {
		p.t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(context.Background(), p.key, r, hex.EncodeToString(hash[:]), "chime", "eu-central-1", time.Now()); err != nil {
		p.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != want {
		p.t.Fatalf("%s %s: %s %s", method, path, response.Status, text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			p.t.Fatalf("%v: %s", err, text)
		}
	}
}

func TestWebhooksOfAKey(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	s := servertest.Start(t, loopback)
	v := newReceiver(t)
	mine, other := newProgram(t, s), newProgram(t, s)
	var h webhooks.Webhook
	mine.call("POST", "/webhooks", `{"url":"`+v.URL+`/in?a=b","name":"mine","eventTypes":["chime:MeetingStarted","chime:MeetingEnded"]}`, 201, &h)
	v.secret = h.Secret
	mine.call("POST", "/webhooks", `{"url":"http://169.254.169.254/"}`, 400, nil)
	mine.call("POST", "/webhooks", `{"url":"arn:aws:sqs:eu-central-1:123456789012:q"}`, 400, nil)
	mine.call("POST", "/webhooks", `{"url":7}`, 400, nil)
	other.call("GET", "/webhooks/"+h.ID, "", 404, nil)
	other.call("DELETE", "/webhooks/"+h.ID, "", 404, nil)
	var list struct{ Webhooks []webhooks.Webhook }
	other.call("GET", "/webhooks", "", 200, &list)
	if len(list.Webhooks) != 0 {
		t.Errorf("another key sees %+v", list)
	}
	mine.call("GET", "/webhooks", "", 200, &list)
	if len(list.Webhooks) != 1 || list.Webhooks[0].ID != h.ID || list.Webhooks[0].Secret != "" {
		t.Errorf("list %+v", list)
	}

	const create = `{"ClientRequestToken":"%s","MediaRegion":"eu-central-1","ExternalMeetingId":"standup"}`
	var made struct{ Meeting struct{ MeetingId string } }
	other.call("POST", "/chime/meetings", fmt.Sprintf(create, "theirs"), 200, nil)
	mine.call("POST", "/chime/meetings", fmt.Sprintf(create, "mine"), 200, &made)
	mine.call("POST", "/chime/meetings", fmt.Sprintf(create, "mine"), 200, nil) // the same one again
	mine.call("POST", "/chime/meetings/"+made.Meeting.MeetingId+"/attendees", `{"ExternalUserId":"ann"}`, 200, nil)
	mine.call("DELETE", "/chime/meetings/"+made.Meeting.MeetingId, "", 204, nil)
	v.until(t, 0, "MeetingEnded", "")
	if got := names(v.heard()); got != "MeetingStarted MeetingEnded" {
		t.Errorf("heard %s", got)
	}

	var deliveries struct{ Deliveries []webhooks.Delivery }
	for deadline := time.Now().Add(servertest.Patience); len(deliveries.Deliveries) < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("deliveries %+v", deliveries)
		}
		mine.call("GET", "/webhooks/"+h.ID+"/deliveries?state=delivered&limit=5", "", 200, &deliveries)
	}
	var replayed struct{ Replayed int }
	mine.call("POST", "/webhooks/"+h.ID+"/replay", `{}`, 400, nil)
	mine.call("POST", "/webhooks/"+h.ID+"/replay", `{"deliveryId":"`+deliveries.Deliveries[0].ID+`"}`, 202, &replayed)
	v.until(t, 2, "MeetingEnded", "")
	if again := v.heard(); replayed.Replayed != 1 || again[2].ID != again[1].ID {
		t.Errorf("replayed %+v: %+v", replayed, again[2:])
	}
	mine.call("POST", "/webhooks/"+h.ID+"/test", "", 202, nil)
	v.until(t, 3, "carillon:WebhookTest", "") // signed with one secret; for a day after a rotation there are two
	mine.call("POST", "/webhooks/"+h.ID+"/rotate", "", 200, &h)
	mine.call("DELETE", "/webhooks/"+h.ID, "", 204, nil)
	mine.call("GET", "/webhooks/"+h.ID, "", 404, nil)
	mine.call("PUT", "/webhooks/"+h.ID, "", 404, nil)

	mine.key.SecretAccessKey = "wrong"
	mine.call("GET", "/webhooks", "", 401, nil)
}
