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
	literal string // value of the query member "operation", which tells some operations apart
	status  int    // of an answer that is no error
	do      operation
}

const (
	meetingPath   = "/meetings/" + label
	attendeesPath = meetingPath + "/attendees"
	attendeePath  = attendeesPath + "/" + label
)

// routes are all operations of a dialect.
func routes(d dialect) []route {
	const ok, empty = http.StatusOK, http.StatusNoContent
	both := []route{
		{"GetMeeting", http.MethodGet, meetingPath, "", ok, (*Handler).getMeeting},
		{"CreateMeeting", http.MethodPost, "/meetings", "", d.created, (*Handler).createMeeting},
		{"CreateMeetingWithAttendees", http.MethodPost, "/meetings", "create-attendees", d.created, (*Handler).createMeetingWithAttendees},
		{"DeleteMeeting", http.MethodDelete, meetingPath, "", empty, (*Handler).deleteMeeting},
		{"CreateAttendee", http.MethodPost, attendeesPath, "", d.created, (*Handler).createAttendee},
		{"BatchCreateAttendee", http.MethodPost, attendeesPath, "batch-create", d.created, (*Handler).batchCreateAttendee},
		{"ListAttendees", http.MethodGet, attendeesPath, "", ok, (*Handler).listAttendees},
		{"GetAttendee", http.MethodGet, attendeePath, "", ok, (*Handler).getAttendee},
		{"DeleteAttendee", http.MethodDelete, attendeePath, "", empty, (*Handler).deleteAttendee},
		{"StartMeetingTranscription", http.MethodPost, meetingPath + "/transcription", "start", ok, (*Handler).startMeetingTranscription},
		{"StopMeetingTranscription", http.MethodPost, meetingPath + "/transcription", "stop", ok, (*Handler).stopMeetingTranscription},
		{"TagResource", http.MethodPost, "/tags", "tag-resource", empty, (*Handler).tagResource},
		{"UntagResource", http.MethodPost, "/tags", "untag-resource", empty, (*Handler).untagResource},
		{"ListTagsForResource", http.MethodGet, "/tags", "", ok, (*Handler).listTagsForResource},
	}
	if d.old {
		return append(both, legacyRoutes()...)
	}
	return append(both,
		route{"UpdateAttendeeCapabilities", http.MethodPut, attendeePath + "/capabilities", "", ok, (*Handler).updateAttendeeCapabilities},
		route{"BatchUpdateAttendeeCapabilitiesExcept", http.MethodPut, attendeesPath + "/capabilities", "batch-update-except", ok, (*Handler).batchUpdateAttendeeCapabilitiesExcept},
	)
}

func legacyRoutes() []route {
	const ok, empty = http.StatusOK, http.StatusNoContent
	return []route{
		{"ListMeetings", http.MethodGet, "/meetings", "", ok, (*Handler).listMeetings},
		{"TagMeeting", http.MethodPost, meetingPath + "/tags", "add", empty, (*Handler).tagMeeting},
		{"UntagMeeting", http.MethodPost, meetingPath + "/tags", "delete", empty, (*Handler).untagMeeting},
		{"ListMeetingTags", http.MethodGet, meetingPath + "/tags", "", ok, (*Handler).listMeetingTags},
		{"TagAttendee", http.MethodPost, attendeePath + "/tags", "add", empty, (*Handler).tagAttendee},
		{"UntagAttendee", http.MethodPost, attendeePath + "/tags", "delete", empty, (*Handler).untagAttendee},
		{"ListAttendeeTags", http.MethodGet, attendeePath + "/tags", "", ok, (*Handler).listAttendeeTags},
		{"CreateMeetingDialOut", http.MethodPost, meetingPath + "/dial-outs", "", http.StatusCreated, (*Handler).createMeetingDialOut},
	}
}

// route finds the operation of a request and fills in the labels of its path and its query. It works on the
// escaped path of the request line and decodes each segment only after the split, so that "%2F" inside a
// label stays inside it.
func (h *Handler) route(c *call) (route, error) {
	unknown := unknownOperation("There is no operation for this method and path.")
	path, ok := strings.CutPrefix(sigv4.RawPath(c.request), h.prefix)
	if !ok {
		return route{}, unknown
	}
	c.query = sigv4.Query(c.request)
	literal := strings.Join(c.query["operation"], ",")
	for _, candidate := range h.routes {
		if candidate.method != c.request.Method || candidate.literal != literal || c.query.Has("operation") != (candidate.literal != "") {
			continue
		}
		if c.labels, ok = match(candidate.path, path); ok {
			return candidate, nil
		}
	}
	return route{}, unknown
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
