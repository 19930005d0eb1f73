package graphql

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"carillon/internal/errs"
	"carillon/internal/meetings"
)

const allFields = `{ id meetingId title description createdAt updatedAt owner }`

func TestOperations(t *testing.T) {
	tests := []struct {
		name, query, variables, want string
	}{
		{"me", `{ me { id email name groups } }`, `{}`,
			`{"data":{"me":{"id":"a1","email":"alice@example.org","name":"Alice","groups":[]}}}`},
		{"update profile", `mutation { updateProfile(name: "Al") { name } }`, `{}`,
			`{"data":{"updateProfile":{"name":"Al"}}}`},
		{"create", `mutation C($input: CreateMeetingInput!) { createMeeting(input: $input) ` + allFields + ` }`,
			`{"input":{"id":"m9","title":"Weekly","description":"d","meetingId":"stored","updatedAt":"ignored"}}`,
			`{"data":{"createMeeting":{"id":"m9","meetingId":"stored","title":"Weekly","description":"d","createdAt":"2026-01-02T03:04:05.678Z","updatedAt":"2026-01-02T03:04:06.000Z","owner":"a1"}}}`},
		{"create with a title only", `mutation { createMeeting(input: {title: "T"}) { title meetingId description } }`, `{}`,
			`{"data":{"createMeeting":{"title":"T","meetingId":"","description":""}}}`},
		{"get", `{ getMeeting(id: "m1") { id title } }`, `{}`, `{"data":{"getMeeting":{"id":"m1","title":"First"}}}`},
		{"get unknown", `{ getMeeting(id: "none") { id } }`, `{}`, `{"data":{"getMeeting":null}}`},
		{"list", `{ listMeetings(limit: 2147483647) { items { id } nextToken } }`, `{}`,
			`{"data":{"listMeetings":{"items":[{"id":"m1"}],"nextToken":"t"}}}`},
		{"list by an impossible id", `{ listMeetings(filter: {id: {eq: ""}}) { items { id } nextToken } }`, `{}`,
			`{"data":{"listMeetings":{"items":[],"nextToken":null}}}`},
		{"delete", `mutation { deleteMeeting(input: {id: "m1"}) { id title } }`, `{}`,
			`{"data":{"deleteMeeting":{"id":"m1","title":"as it was"}}}`},
		{"join", `mutation { joinMeeting(id: "m1") { meeting attendee } }`, `{}`,
			`{"data":{"joinMeeting":{` +
				`"meeting":{"Meeting":{"MeetingId":"c1","ExternalMeetingId":"x1","MediaRegion":"local",` +
				`"MediaPlacement":{"AudioHostUrl":"server.test:8081","AudioFallbackUrl":"ws://server.test/signal/c1","SignalingUrl":"ws://server.test/signal/c1","TurnControlUrl":"","EventIngestionUrl":"http://server.test/events"},` +
				`"MeetingFeatures":{"Video":{"MaxResolution":"FHD"},"Attendee":{"MaxCount":9}}}},` +
				`"attendee":{"Attendee":{"AttendeeId":"t1","ExternalUserId":"u#Alice","JoinToken":"jt","Capabilities":{"Audio":"SendReceive","Video":"Send","Content":"None"}}}}}}`},
		{"introspection", `{ __schema { queryType { name } } __type(name: "Meeting") { name } }`, `{}`,
			`{"data":{"__schema":{"queryType":{"name":"Query"}},"__type":{"name":"Meeting"}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.meetings.list = []meetings.Meeting{{ID: "m1", Title: "First"}}
			status, got := w.post(aliceToken, tt.query, tt.variables)
			if status != http.StatusOK || got != tt.want {
				t.Errorf("got %d %s\nwant 200 %s", status, got, tt.want)
			}
		})
	}
}

func TestArgumentsReachTheServices(t *testing.T) {
	w := newWorld(t)
	if status, got := w.post(bobToken, `{ listMeetings(limit: 7, nextToken: "n", filter: {id: {eq: "i"}, owner: {eq: "o"}, title: {eq: "t", contains: "c", beginsWith: "b"}, description: {contains: "d"}}) { nextToken } }`, `{}`); status != 200 || strings.Contains(got, "errors") {
		t.Fatalf("got %d %s", status, got)
	}
	q := w.meetings.query
	if q.Limit != 7 || q.NextToken != "n" || q.Filter.ID != "i" || q.Filter.OwnerID != "o" ||
		q.Filter.Title.Equals == nil || *q.Filter.Title.Equals != "t" || q.Filter.Title.Contains != "c" || q.Filter.Title.BeginsWith != "b" ||
		q.Filter.Description.Equals != nil || q.Filter.Description.Contains != "d" {
		t.Errorf("asked for %+v", q)
	}
	if a := w.meetings.actor; a.AccountID != "b1" || !a.In("Operators") {
		t.Errorf("asked as %+v", a)
	}
	for query, want := range map[string]string{
		`mutation { joinMeeting(id: "m1") { attendee } }`:             "m1 as Bob",
		`mutation { joinMeeting(id: "m2", name: "Bo") { attendee } }`: "m2 as Bo",
		`mutation { joinMeeting(id: "m3", name: null) { attendee } }`: "m3 as Bob",
		`mutation { joinMeeting(id: "m4", name: "") { attendee } }`:   "m4 as Bob",
		`mutation { joinMeeting(id: "m5", name: "é😀") { attendee } }`: "m5 as é😀",
	} {
		w.post(bobToken, query, `{}`)
		if w.meetings.joined != want {
			t.Errorf("%s joined %q, want %q", query, w.meetings.joined, want)
		}
	}
}

// An absent member, an explicit null and a value are three different things in an update.
func TestUpdateMembers(t *testing.T) {
	text := func(p *string) string {
		if p == nil {
			return "-"
		}
		return `"` + *p + `"`
	}
	for input, want := range map[string]string{
		`{"id":"m"}`:                      `- - -`,
		`{"id":"m","title":"T"}`:          `"T" - -`,
		`{"id":"m","description":"D"}`:    `- "D" -`,
		`{"id":"m","description":null}`:   `- "" -`,
		`{"id":"m","meetingId":""}`:       `- - ""`,
		`{"id":"m","updatedAt":"never"}`:  `- - -`,
		`{"id":"m","title":null}`:         "INVALID title",
		`{"id":"m","meetingId":null}`:     "INVALID meetingId",
		`{"id":"m","owner":"me"}`:         "INVALID ",
		`{"id":null}`:                     "INVALID ",
		`{"id":"m","title":"a","x":true}`: "INVALID ",
	} {
		w := newWorld(t)
		_, got := w.post(aliceToken, `mutation U($input: UpdateMeetingInput!) { updateMeeting(input: $input) { id } }`, `{"input":`+input+`}`)
		if code, field, found := errorIn(t, got); found {
			got = code + " " + field
		} else {
			c := w.meetings.change
			got = text(c.Title) + " " + text(c.Description) + " " + text(c.ConferenceID)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", input, got, want)
		}
	}
}

func TestErrorCodes(t *testing.T) {
	tests := []struct {
		err                  error
		code, field, message string
		logged               bool
	}{
		{errs.Field("title", "Too long."), "INVALID", "title", "Too long.", false},
		{errs.New(errs.Unauthenticated, "m"), "UNAUTHENTICATED", "", "m", false},
		{errs.New(errs.Unconfirmed, "m"), "UNCONFIRMED", "", "m", false},
		{errs.New(errs.Forbidden, "m"), "FORBIDDEN", "", "m", false},
		{errs.New(errs.NotFound, "m"), "NOT_FOUND", "", "m", false},
		{errs.New(errs.Conflict, "m"), "CONFLICT", "", "m", false},
		{errs.New(errs.Gone, "m"), "GONE", "", "m", false},
		{errs.New(errs.LimitExceeded, "m"), "LIMIT_EXCEEDED", "", "m", false},
		{errs.New(errs.Throttled, "m"), "THROTTLED", "", "m", false},
		{errs.Wrap(errors.New("secret detail"), errs.Unavailable, "m"), "UNAVAILABLE", "", "m", false},
		{errs.Wrap(errors.New("secret detail"), errs.Internal, "m"), "INTERNAL", "", "Something went wrong on the server.", true},
		{errors.New("secret detail"), "INTERNAL", "", "Something went wrong on the server.", true},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			w := newWorld(t)
			w.meetings.fail = tt.err
			status, got := w.post(aliceToken, `mutation { updateMeeting(input: {id: "m"}) { id } }`, `{}`)
			code, field, _ := errorIn(t, got)
			if status != 200 || code != tt.code || field != tt.field || !strings.Contains(got, `"message":"`+tt.message+`"`) || !strings.Contains(got, `"path":["updateMeeting"]`) {
				t.Errorf("got %d %s", status, got)
			}
			if strings.Contains(got, "secret") {
				t.Error("internal text reached the client")
			}
			if logged := strings.Contains(w.logged.String(), "secret detail"); logged != tt.logged {
				t.Errorf("cause in the log: %v, want %v", logged, tt.logged)
			}
		})
	}
}

func TestPanicsStayInside(t *testing.T) {
	w := newWorld(t)
	w.meetings.panics = true
	status, got := w.post(aliceToken, `{ me { id } getMeeting(id: "m") { id } }`, `{}`)
	if code, _, _ := errorIn(t, got); status != 200 || code != "INTERNAL" || strings.Contains(got, "secret") || !strings.Contains(got, `"me":{"id":"a1"}`) {
		t.Errorf("got %d %s", status, got)
	}
	if !strings.Contains(w.logged.String(), "secret detail") {
		t.Error("the panic is not in the log")
	}
}

func TestRefusedBeforeExecution(t *testing.T) {
	const me = `{"query":"{ me { id } }"}`
	tests := []struct {
		name, token, body, contentType string
		status                         int
		code                           string
	}{
		{"signed out", "", me, "application/json", 401, "UNAUTHENTICATED"},
		{"unknown session", "stolen", me, "application/json", 401, "UNAUTHENTICATED"},
		{"introspection signed out", "", `{"query":"{ __schema { queryType { name } } }"}`, "application/json", 401, "UNAUTHENTICATED"},
		{"form", aliceToken, me, "text/plain", 415, "INVALID"},
		{"no content type", aliceToken, me, "", 415, "INVALID"},
		{"not JSON", aliceToken, "secret", "application/json", 400, "INVALID"},
		{"batch", aliceToken, "[" + me + "]", "application/json", 400, "INVALID"},
		{"variables of another type", aliceToken, `{"query":"{ me { id } }","variables":[1]}`, "application/json", 400, "INVALID"},
		{"nothing", aliceToken, `{}`, "application/json", 422, "INVALID"},
		{"syntax", aliceToken, `{"query":"{ me "}`, "application/json", 422, "INVALID"},
		{"unknown field", aliceToken, `{"query":"{ nothing }"}`, "application/json", 422, "INVALID"},
		{"missing variable", aliceToken, `{"query":"query($id: ID!) { getMeeting(id: $id) { id } }"}`, "application/json", 422, "INVALID"},
		{"unknown operation", aliceToken, `{"query":"query A { me { id } }","operationName":"B"}`, "application/json", 422, "INVALID"},
		{"number out of range", aliceToken, `{"query":"{ listMeetings(limit: 99999999999999999999) { nextToken } }"}`, "application/json", 422, "INVALID"},
		{"limit", aliceToken, `{"query":"{ listMeetings(limit: 0) { nextToken } }"}`, "application/json", 200, "INVALID"},
		{"subscription", aliceToken, `{"query":"subscription { onCreateMeeting { id } }"}`, "application/json", 200, "INVALID"},
		{"too large", aliceToken, `{"query":"{ me { id } }","x":"` + strings.Repeat("x", maxBody) + `"}`, "application/json", 413, "INVALID"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			status, got := w.postRaw(tt.token, tt.body, tt.contentType)
			if code, _, _ := errorIn(t, got); status != tt.status || code != tt.code {
				t.Errorf("got %d %s, want %d %s", status, got, tt.status, tt.code)
			}
			if log := w.logged.String(); log != "" {
				t.Errorf("a client's mistake was logged: %s", log)
			}
		})
	}
}

func TestMethods(t *testing.T) {
	w := newWorld(t)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, httptest.NewRequest(method, "/graphql?query={me{id}}", nil))
		if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "POST" {
			t.Errorf("%s: got %d", method, rec.Code)
		}
	}
}
