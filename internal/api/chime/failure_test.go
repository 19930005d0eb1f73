package chime

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"carillon/internal/errs"
)

func TestFailures(t *testing.T) {
	a := start(t)
	for _, tc := range []struct {
		err       error
		status    int
		name      string
		shortCode string
	}{
		{errs.New(errs.Invalid, "public"), 400, "BadRequestException", "BadRequest"},
		{errs.New(errs.Unauthenticated, "public"), 401, "UnauthorizedException", "Unauthorized"},
		{errs.New(errs.Forbidden, "public"), 403, "AccessDeniedException", ""},
		{errs.New(errs.NotFound, "There is no such conference."), 404, "NotFoundException", "NotFound"},
		{errs.New(errs.Gone, "The conference has ended."), 404, "NotFoundException", "NotFound"},
		{errs.New(errs.Conflict, "public"), 409, "ConflictException", "Conflict"},
		{errs.New(errs.LimitExceeded, "public"), 400, "LimitExceededException", "ResourceLimitExceeded"},
		{errs.New(errs.Throttled, "public"), 429, "ThrottlingException", "Throttling"},
		{errs.Wrap(errors.New("private"), errs.Unavailable, "public"), 503, "ServiceUnavailableException", "ServiceUnavailable"},
		{errs.Wrap(errors.New("private"), errs.Internal, "private too"), 500, "ServiceFailureException", "ServiceFailure"},
		{errors.New("private"), 500, "ServiceFailureException", "ServiceFailure"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a.service.fail = tc.err
			got := a.post(t, "/chime/meetings", newMeeting().String())
			got.refused(t, tc.status, tc.name)
			text := string(got.text)
			if strings.Contains(text, "private") || strings.Contains(text, "conference") {
				t.Errorf("text of the inside got out: %s", text)
			}
			if tc.shortCode == "" && strings.Contains(text, `"Code"`) {
				t.Errorf("a short code hides the name of an error outside the model: %s", text)
			}
			if tc.shortCode != "" && !strings.Contains(text, `"Code":"`+tc.shortCode+`"`) {
				t.Errorf("want the short code %s in %s", tc.shortCode, text)
			}
			if wait := got.Header.Get("Retry-After"); (wait != "") != (tc.status == 503 || tc.status == 429) {
				t.Errorf("Retry-After %q", wait)
			}
		})
	}
}

func TestPanicIsAnOrdinaryFailure(t *testing.T) {
	a := start(t)
	a.service.panics = true
	got := a.post(t, "/chime/meetings", newMeeting().String())
	got.refused(t, 500, "ServiceFailureException")
	if strings.Contains(string(got.text), "secret") {
		t.Errorf("text of the panic got out: %s", got.text)
	}
	a.service.panics = false
	a.createMeeting(t, newMeeting())
}

// Whatever is on the log at the usual level, no request can put it there at will, and no secret is in it.
func TestLogIsQuietAboutRefusals(t *testing.T) {
	var log bytes.Buffer
	h := New(Config{Keys: keys{}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, authorization := range []string{"", "nonsense", "AWS4-HMAC-SHA256 Credential=a/20260301/r/chime/aws4_request,SignedHeaders=host,Signature=" + strings.Repeat("0", 64)} {
		r := httptest.NewRequest(http.MethodGet, "/chime/meetings", nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("%q: got %d", authorization, w.Code)
		}
	}
	if log.Len() != 0 {
		t.Errorf("logged: %s", log.String())
	}
}

func FuzzBodies(f *testing.F) {
	f.Add([]byte(newMeeting().String()))
	f.Add([]byte(`{"Tags":[null,{"Key":null}],"TenantIds":[null],"MeetingFeatures":{"Attendee":{"MaxCount":1e9}}}`))
	f.Add([]byte(`{"ExternalUserId":"` + "\xff\xfe" + `","Capabilities":{"Audio":1}}`))
	f.Add([]byte(`{"Attendees":[null,{"ExternalUserId":"aws:x","Tags":[{"Key":"k","Value":"v"}]}],"ClientRequestToken":"ab"}`))
	f.Add([]byte(`{"TranscriptionConfiguration":{"EngineTranscribeSettings":{"IdentifyLanguage":true,"LanguageOptions":",-,en-US"}}}`))
	f.Add([]byte(`{"ResourceARN":"arn:","TagKeys":["k",null],"ExcludedAttendeeIds":[{"AttendeeId":null}]}`))
	handlers := []*Handler{New(Config{Keys: keys{}}), New(Config{Keys: keys{}, Legacy: true})}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, h := range handlers {
			if err := h.readEverything(t, body); err != nil && failureOf(err).status != http.StatusBadRequest {
				t.Fatalf("%q: %v", body, err)
			}
		}
	})
}

// readEverything reads a body as the input of every operation and checks what is accepted.
func (h *Handler) readEverything(t *testing.T, body []byte) error {
	m, err := h.readMeeting(body)
	if err == nil && (m.ClientRequestToken == "" || m.MediaRegion == "" || !h.old && m.ExternalID == "" || len(m.Tags) > 50 || len(m.TenantIDs) > 5) {
		t.Fatalf("accepted %q as %+v", body, m)
	}
	a, err2 := h.readAttendee(body)
	if err2 == nil && (len(a.ExternalUserID) < 2 || len(a.Tags) > 10) {
		t.Fatalf("accepted %q as %+v", body, a)
	}
	_, list, err3 := h.readMeetingWithAttendees(body)
	if err3 == nil && (len(list) > h.firstBatch || len(list) == 0 && !h.old) {
		t.Fatalf("accepted %q as %d attendees", body, len(list))
	}
	o, in := readObject(body)
	tags, err4 := h.readTagList(o, in, 1, 50)
	if err4 == nil && (len(tags) == 0 || len(tags) > 50) {
		t.Fatalf("accepted %q as %v", body, tags)
	}
	return errors.Join(err, err2, err3, err4, checkTranscription(body))
}

func FuzzResourceNames(f *testing.F) {
	f.Add("arn:aws:chime:eu-central-1:000000000000:meeting/5b0c7a0e-9d1b-4c7e-8a52-6f2f3c9a2713")
	f.Add("arn:aws:chime::000000000000:meeting/")
	f.Fuzz(func(t *testing.T, name string) {
		if id, ok := meetingOf(name); ok && (len(id) != 36 || !strings.HasSuffix(strings.ToLower(name), id)) {
			t.Fatalf("%q names %q", name, id)
		}
	})
}
