package timeline

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode"

	"carillon/internal/errs"
	"carillon/internal/ids"
)

// Limits of one report.
const (
	maxEvents     = 500
	maxAttributes = 8 << 10 // bytes of one event
	maxText       = 100     // characters of one member of Client
)

// Report is what a client sends at once.
type Report struct {
	ConferenceID string
	Token        string // the join token, when it is in the body, or ""
	Client       Client
	Events       []Event // with Name, At and Attributes
}

// Client says what program on what machine reports.
type Client struct {
	SDKName            string `json:"sdkName,omitempty"`
	SDKVersion         string `json:"sdkVersion,omitempty"`
	BrowserName        string `json:"browserName,omitempty"`
	BrowserVersion     string `json:"browserVersion,omitempty"`
	OSName             string `json:"osName,omitempty"`
	OSVersion          string `json:"osVersion,omitempty"`
	DeviceName         string `json:"deviceName,omitempty"`
	EngineName         string `json:"engineName,omitempty"`
	EngineMajorVersion text   `json:"engineMajorVersion,omitempty"`
}

// text is a string that some clients write as a number.
type text string

// UnmarshalJSON takes a string, a number or null.
func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err == nil {
		*t = text(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*t = text(n)
	return nil
}

// wire is the body that clients send.
type wire struct {
	Metadata struct {
		MeetingID string `json:"meetingId"`
		Client
	} `json:"metadata"`
	Events []struct {
		Type     string            `json:"type"`
		Payloads []json.RawMessage `json:"payloads"`
	} `json:"events"`
	Authorization string `json:"authorization"`
}

// Parse reads a report. The error says what is wrong with it and is Invalid.
func Parse(body []byte) (Report, error) {
	var w wire
	if err := json.Unmarshal(body, &w); err != nil {
		return Report{}, errs.Wrap(err, errs.Invalid, "The body is not a report in JSON: an object with metadata and events.")
	}
	if !ids.IsGUID(w.Metadata.MeetingID) {
		return Report{}, errs.Field("metadata.meetingId", "The report does not say which meeting it is about.")
	}
	r := Report{ConferenceID: w.Metadata.MeetingID, Token: w.Authorization, Client: w.Metadata.Client.cleaned()}
	for _, e := range w.Events {
		if e.Type != "Meet" {
			return Report{}, errs.Field("events.type", "The type of an event must be Meet.")
		}
		if len(r.Events)+len(e.Payloads) > maxEvents {
			return Report{}, errs.Field("events", "A report must not have more than %d events.", maxEvents)
		}
		for _, payload := range e.Payloads {
			event, err := parseEvent(payload)
			if err != nil {
				return Report{}, err
			}
			r.Events = append(r.Events, event)
		}
	}
	return r, nil
}

var namePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

func parseEvent(payload []byte) (Event, error) {
	if len(payload) > maxAttributes {
		return Event{}, errs.Field("events.payloads", "An event must not be larger than %d KiB.", maxAttributes>>10)
	}
	var known struct {
		Name string  `json:"name"`
		TS   float64 `json:"ts"`
	}
	var attributes map[string]json.RawMessage
	if json.Unmarshal(payload, &known) != nil || json.Unmarshal(payload, &attributes) != nil {
		return Event{}, errs.Field("events.payloads", "An event must be an object with a name and a ts in milliseconds.")
	}
	if !namePattern.MatchString(known.Name) {
		return Event{}, errs.Field("events.payloads.name", "The name of an event must have 1 to 64 letters and digits.")
	}
	for key := range attributes {
		// Who it is follows from the token, and what others are called is not for this place.
		switch strings.ToLower(key) {
		case "name", "ts", "externaluserid", "externalmeetingid":
			delete(attributes, key)
		}
	}
	rest, err := json.Marshal(attributes)
	if err != nil {
		return Event{}, err
	}
	return Event{Name: known.Name, At: at(known.TS), Attributes: bytes.Clone(rest)}, nil
}

// lastTime is where times stop making sense, in milliseconds: the end of the year 2199.
var lastTime = float64(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())

// at is the time in milliseconds, or the zero time when it makes no sense.
func at(ms float64) time.Time {
	if math.IsNaN(ms) || ms <= 0 || ms >= lastTime {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

func (c Client) cleaned() Client {
	for _, s := range []*string{&c.SDKName, &c.SDKVersion, &c.BrowserName, &c.BrowserVersion, &c.OSName, &c.OSVersion,
		&c.DeviceName, &c.EngineName, (*string)(&c.EngineMajorVersion)} {
		*s = oneLine(*s)
	}
	return c
}

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if runes := []rune(s); len(runes) > maxText {
		s = string(runes[:maxText])
	}
	return s
}
