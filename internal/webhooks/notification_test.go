package webhooks

import (
	"encoding/json"
	"testing"
	"time"

	"carillon/internal/events"
	"carillon/internal/meetings"
)

const conferenceID = "5b0c7a0e-9d1b-4c7e-8a52-6f2f3c9a2713"

func told(t *testing.T, change events.Type, subjectID string, row any) map[string]any {
	t.Helper()
	payload, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	e := events.Event{Seq: 7, Type: change, Subject: subjectID, Payload: payload, At: time.Date(2026, 1, 31, 12, 0, 0, 123_456_000, time.UTC)}
	k, ok := kindOf(change)
	if !ok {
		t.Fatalf("%s is not told", change)
	}
	s, id, err := conferenceOf(e)
	if err != nil || id != conferenceID {
		t.Fatalf("%s is about conference %q: %v", change, id, err)
	}
	body, err := json.Marshal(notify(e, k, s, meetings.Conference{ID: conferenceID, ExternalID: "standup", MediaRegion: "eu-central-1"}))
	if err != nil {
		t.Fatal(err)
	}
	var n map[string]any
	if err := json.Unmarshal(body, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEnvelope(t *testing.T) {
	n := told(t, events.ConferenceCreated, conferenceID, meetings.Conference{ID: conferenceID})
	d := n["detail"].(map[string]any)
	delete(n, "detail")
	got, _ := json.Marshal(n)
	id := eventID(conferenceID, 7)
	if want := `{"account":"000000000000","detail-type":"Chime Meeting State Change","id":"` + id + `","region":"eu-central-1",` +
		`"resources":[],"source":"aws.chime","time":"2026-01-31T12:00:00Z","version":"0"}`; string(got) != want {
		t.Errorf("envelope\n%s, want\n%s", got, want)
	}
	got, _ = json.Marshal(d)
	if want := `{"eventType":"chime:MeetingStarted","externalMeetingId":"standup","mediaRegion":"eu-central-1","meetingId":"` + conferenceID +
		`","timestamp":1769860800123,"version":"0"}`; string(got) != want {
		t.Errorf("detail\n%s, want\n%s", got, want)
	}
	if eventID(conferenceID, 8) == id || eventID("x", 7) == id {
		t.Error("different events have the same id")
	}
}

func TestDetails(t *testing.T) {
	attendee := meetings.Attendee{ID: "a1", ConferenceID: conferenceID, ExternalUserID: "ann",
		Capabilities: meetings.Capabilities{Audio: "SendReceive", Video: "Receive", Content: "None"}}
	activity := meetings.Activity{ConferenceID: conferenceID, AttendeeID: "a1", ExternalUserID: "ann"}
	seen := 0
	for _, k := range kinds() {
		var row any = activity
		subjectID := "a1"
		switch k.change {
		case events.ConferenceCreated, events.ConferenceEnded:
			row, subjectID = meetings.Conference{ID: conferenceID}, conferenceID
		case events.AttendeeCreated, events.AttendeeDeleted, events.AttendeeUpdated:
			row = attendee
		}
		d := told(t, k.change, subjectID, row)["detail"].(map[string]any)
		if d["eventType"] != k.name {
			t.Errorf("%s is told as %v", k.change, d["eventType"])
		}
		if who := subjectID == "a1"; (d["attendeeId"] == "a1") != who || (d["externalUserId"] == "ann") != who {
			t.Errorf("%s: %v", k.name, d)
		}
		if (d["networkType"] == "Voip") != k.voip {
			t.Errorf("%s: network type %v", k.name, d["networkType"])
		}
		if k.change == events.AttendeeUpdated {
			seen++
			got, _ := json.Marshal(d["attendeeCapabilities"])
			if want := `{"audio":"SendReceive","content":"None","video":"Receive"}`; string(got) != want || d["success"] != "1" {
				t.Errorf("capabilities %s, success %v", got, d["success"])
			}
		} else if d["attendeeCapabilities"] != nil {
			t.Errorf("%s: capabilities %v", k.name, d["attendeeCapabilities"])
		}
	}
	if seen != 1 || len(EventTypes()) != 16 {
		t.Errorf("%d events are told: %q", len(EventTypes()), EventTypes())
	}
}
