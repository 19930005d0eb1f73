package timeline

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"carillon/internal/errs"
)

const meeting = `"metadata":{"meetingId":"5b0c7a0e-9d1b-4c7e-8a52-6f2f3c9a2713"`

func TestParse(t *testing.T) {
	r, err := Parse([]byte(`{` + meeting + `,"attendeeId":"x","sdkVersion":"3.32.0","browserName":"a\u0000b","engineMajorVersion":141,"new":{}},
		"events":[{"type":"Meet","v":1,"payloads":[{"name":"meetingStartSucceeded","ts":1700000000123,"signalingOpenDurationMs":12,"externalUserId":"Ann"}]},
		{"type":"Meet","v":1,"payloads":[{"name":"videoInputSelected"},{"name":"meetingEnded","ts":-5}]}],"authorization":"token"}`))
	if err != nil {
		t.Fatal(err)
	}
	if r.ConferenceID != "5b0c7a0e-9d1b-4c7e-8a52-6f2f3c9a2713" || r.Token != "token" || r.Client.SDKVersion != "3.32.0" ||
		r.Client.BrowserName != "ab" || r.Client.EngineMajorVersion != "141" || len(r.Events) != 3 {
		t.Fatalf("report %+v", r)
	}
	first := r.Events[0]
	if first.Name != "meetingStartSucceeded" || !first.At.Equal(time.UnixMilli(1700000000123)) || string(first.Attributes) != `{"signalingOpenDurationMs":12}` {
		t.Errorf("event %+v, attributes %s", first, first.Attributes)
	}
	if !r.Events[1].At.IsZero() || !r.Events[2].At.IsZero() {
		t.Error("a time that makes no sense was taken")
	}
}

func TestParseRefuses(t *testing.T) {
	events := func(payloads string) string {
		return `{` + meeting + `},"events":[{"type":"Meet","payloads":[` + payloads + `]}]}`
	}
	for name, body := range map[string]string{
		"nothing":        "",
		"no JSON":        "x",
		"an array":       "[]",
		"no meeting":     `{"events":[]}`,
		"a strange id":   `{"metadata":{"meetingId":"../x"},"events":[]}`,
		"another type":   `{` + meeting + `},"events":[{"type":"Other","payloads":[]}]}`,
		"no name":        events(`{"ts":1}`),
		"a strange name": events(`{"name":"<b>"}`),
		"a long name":    events(`{"name":"` + strings.Repeat("a", 65) + `"}`),
		"a text as time": events(`{"name":"a","ts":"now"}`),
		"no object":      events(`1`),
		"null":           events(`null`),
		"large":          events(`{"name":"a","x":"` + strings.Repeat("a", maxAttributes) + `"}`),
		"too many":       events(strings.Repeat(`{"name":"a"},`, maxEvents) + `{"name":"a"}`),
	} {
		if r, err := Parse([]byte(body)); errs.CodeOf(err) != errs.Invalid {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, err := Parse([]byte(events(strings.Repeat(`{"name":"a"},`, maxEvents-1) + `{"name":"a"}`))); err != nil {
		t.Errorf("as many as are allowed: %v", err)
	}
}

// FuzzParse checks that what is taken is within the bounds and can be stored.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{` + meeting + `,"sdkName":"x"},"events":[{"type":"Meet","v":1,"payloads":[{"name":"a","ts":1e300,"b":[{}]}]}],"authorization":"t"}`))
	f.Add([]byte(`{` + meeting + `,"engineMajorVersion":null},"events":null}`))
	f.Add([]byte(`{"Metadata":{"MEETINGID":"5b0c7a0e-9d1b-4c7e-8a52-6f2f3c9a2713"},"events":[{"type":"Meet","payloads":[{"name":"a","NAME":"b"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Parse(body)
		if err != nil {
			if errs.CodeOf(err) != errs.Invalid {
				t.Fatalf("code of %v", err)
			}
			return
		}
		if len(r.Events) > maxEvents || len([]rune(r.Client.SDKName)) > maxText {
			t.Fatalf("out of bounds: %d events, %+v", len(r.Events), r.Client)
		}
		for _, e := range r.Events {
			var attributes map[string]any
			if err := json.Unmarshal(e.Attributes, &attributes); err != nil || !namePattern.MatchString(e.Name) {
				t.Fatalf("event %q: %v", e.Name, err)
			}
			if !e.At.IsZero() && (e.At.Year() < 1970 || e.At.Year() > 2199) {
				t.Fatalf("time %v", e.At)
			}
		}
	})
}
