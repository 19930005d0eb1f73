package chime

import (
	"net/http"
	"net/url"
	"strings"

	"carillon/internal/sigv4"
)

// label stands for any one path segment.
const label = "{}"

// operation does one operation of the API. A nil reply is an empty answer.
type operation func(h *Handler, c call) (reply any, err error)

// route is one operation of the API and how it is recognised.
type route struct {
	name    string
	method  string
	path    string
	literal string    // value of the query member "operation", which tells some operations apart
	do      operation // nil: the API has the operation, this server does not
}

// routes are all operations of the API.
func routes() []route {
	const (
		meeting   = "/meetings/" + label
		attendees = meeting + "/attendees"
	)
	return []route{
		{"CreateMeeting", http.MethodPost, "/meetings", "", (*Handler).createMeeting},
		{"GetMeeting", http.MethodGet, meeting, "", (*Handler).getMeeting},
		{"DeleteMeeting", http.MethodDelete, meeting, "", (*Handler).deleteMeeting},
		{"CreateAttendee", http.MethodPost, attendees, "", (*Handler).createAttendee},
		{"CreateMeetingWithAttendees", http.MethodPost, "/meetings", "create-attendees", nil},
		{"BatchCreateAttendee", http.MethodPost, attendees, "batch-create", nil},
		{"ListAttendees", http.MethodGet, attendees, "", nil},
		{"GetAttendee", http.MethodGet, attendees + "/" + label, "", nil},
		{"DeleteAttendee", http.MethodDelete, attendees + "/" + label, "", nil},
		{"UpdateAttendeeCapabilities", http.MethodPut, attendees + "/" + label + "/capabilities", "", nil},
		{"BatchUpdateAttendeeCapabilitiesExcept", http.MethodPut, attendees + "/capabilities", "batch-update-except", nil},
		{"StartMeetingTranscription", http.MethodPost, meeting + "/transcription", "start", nil},
		{"StopMeetingTranscription", http.MethodPost, meeting + "/transcription", "stop", nil},
		{"TagResource", http.MethodPost, "/tags", "tag-resource", nil},
		{"UntagResource", http.MethodPost, "/tags", "untag-resource", nil},
		{"ListTagsForResource", http.MethodGet, "/tags", "", nil},
	}
}

// route finds the operation of a request. It works on the escaped path of the request line and decodes
// each segment only after the split, so that "%2F" inside a label stays inside it.
func (h *Handler) route(r *http.Request) (operation, []string, error) {
	path, ok := strings.CutPrefix(sigv4.RawPath(r), h.prefix)
	if !ok {
		return nil, nil, unknownOperation("There is no operation for this method and path.")
	}
	query, _ := url.ParseQuery(r.URL.RawQuery) // members that cannot be parsed are none of ours
	literal := strings.Join(query["operation"], ",")
	for _, candidate := range h.routes {
		if candidate.method != r.Method || candidate.literal != literal || query.Has("operation") != (candidate.literal != "") {
			continue
		}
		labels, ok := match(candidate.path, path)
		if !ok {
			continue
		}
		if candidate.do == nil {
			return nil, nil, unknownOperation("This server does not offer the operation " + candidate.name + ".")
		}
		return candidate.do, labels, nil
	}
	return nil, nil, unknownOperation("There is no operation for this method and path.")
}

// match compares an escaped path with a pattern and returns the decoded values of its labels. An empty
// segment is a value too: it is refused as an identifier, never taken for the path without it.
func match(pattern, escaped string) ([]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(escaped, "/")
	if len(want) != len(got) {
		return nil, false
	}
	var labels []string
	for i := range want {
		if want[i] != label {
			if want[i] != got[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, false
		}
		labels = append(labels, value)
	}
	return labels, true
}
