package chime

import (
	"encoding/json"
	"strings"
	"testing"

	"carillon/internal/ids"
)

func TestCreateAttendee(t *testing.T) {
	a := start(t)
	path := a.attendees(a.createMeeting(t, newMeeting()).MeetingID)
	var ann, again, ben attendeeReply
	a.post(t, path, `{"ExternalUserId":"ann"}`).decode(t, &ann)
	if !ids.IsGUID(ann.Attendee.AttendeeID) || ann.Attendee.ExternalUserID != "ann" || len(ann.Attendee.JoinToken) != 96 {
		t.Errorf("got %+v", ann)
	}
	if want := (capabilities{"SendReceive", "SendReceive", "SendReceive"}); ann.Attendee.Capabilities != want {
		t.Errorf("got %+v, want %+v", ann.Attendee.Capabilities, want)
	}
	a.post(t, path, `{"ExternalUserId":"ann"}`).decode(t, &again)
	if again != ann {
		t.Errorf("the same user got %+v, then %+v", ann, again)
	}
	a.post(t, path, `{"ExternalUserId":"ben","Capabilities":{"Audio":"Receive","Video":"None","Content":"Send"}}`).decode(t, &ben)
	if want := (capabilities{"Receive", "None", "Send"}); ben.Attendee.Capabilities != want || ben.Attendee.AttendeeID == ann.Attendee.AttendeeID {
		t.Errorf("got %+v, want %+v", ben, want)
	}

	a.send(t, sent{method: "POST", path: path, body: `{"ExternalUserId":"eve"}`, key: otherKey}).refused(t, 404, "NotFoundException")
	a.post(t, a.attendees(ids.New()), `{"ExternalUserId":"ann"}`).refused(t, 404, "NotFoundException")
	a.post(t, a.attendees("x"), `{"ExternalUserId":"ann"}`).refused(t, 400, broken)
}

func TestCreateAttendeeInput(t *testing.T) {
	a := start(t)
	path := a.attendees(a.createMeeting(t, newMeeting()).MeetingID)
	all := document{"Audio": "SendReceive", "Video": "SendReceive", "Content": "SendReceive"}
	for _, tc := range []struct {
		name   string
		member string
		value  any
		want   string
	}{
		{"user missing", "ExternalUserId", absent{}, broken},
		{"user of 1", "ExternalUserId", "u", broken},
		{"user of 2", "ExternalUserId", "uu", ok},
		{"user of 64", "ExternalUserId", strings.Repeat("u", 64), ok},
		{"user of 65", "ExternalUserId", strings.Repeat("u", 65), broken},
		{"user with every character", "ExternalUserId", "aZ0Àÿ -_&@+=,(){}[]/«».:|'\"#", ok},
		{"user with a question mark", "ExternalUserId", "a?b", broken},
		{"user reserved", "ExternalUserId", "aws:bot", refused},
		{"user reserved, mixed case", "ExternalUserId", "Aws:bot", refused},
		{"user a number", "ExternalUserId", 7, wrongShape},
		{"capabilities", "Capabilities", all, ok},
		{"capabilities null", "Capabilities", nil, ok},
		{"capabilities empty", "Capabilities", document{}, broken},
		{"capabilities lack content", "Capabilities", all.with("Content", absent{}), broken},
		{"capability null", "Capabilities", all.with("Audio", nil), broken},
		{"capability in lower case", "Capabilities", all.with("Video", "sendreceive"), broken},
		{"capability a boolean", "Capabilities", all.with("Video", true), wrongShape},
		{"capabilities a string", "Capabilities", "SendReceive", wrongShape},
		{"unknown member", "Tags", []string{"x"}, ok},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a.try(t, path, document{"ExternalUserId": "ann"}.with(tc.member, tc.value).String(), tc.want)
		})
	}
}

// A rule about tags holds for each attendee of a list as it does for one alone.
func TestReservedTagsOfAttendees(t *testing.T) {
	a := startOld(t)
	var reply meetingWithAttendeesReply
	got := a.post(t, "/console/meetings?operation=create-attendees", document{"ClientRequestToken": ids.New(), "Attendees": []document{
		{"ExternalUserId": "ann", "Tags": []document{{"Key": "AWS:x", "Value": "v"}}},
		{"ExternalUserId": "ben", "Tags": []document{{"Key": "x", "Value": "v"}}},
	}}.String())
	if err := json.Unmarshal(got.text, &reply); err != nil || got.StatusCode != 201 {
		t.Fatalf("%d %s: %v", got.StatusCode, got.text, err)
	}
	if len(reply.Attendees) != 1 || len(reply.Errors) != 1 || reply.Errors[0].ExternalUserID != "ann" || reply.Errors[0].ErrorCode != "BadRequest" {
		t.Errorf("got %s", got.text)
	}
	a.post(t, "/console/meetings/"+reply.Meeting.MeetingID+"/attendees", `{"ExternalUserId":"eve","Tags":[{"Key":"aws:x","Value":"v"}]}`).refused(t, 400, "BadRequestException")
}
