package chime

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"carillon/internal/ids"
)

func TestMeetingLifeCycle(t *testing.T) {
	a := start(t)
	created := a.post(t, "/chime/meetings", newMeeting().String())
	var reply meetingReply
	created.decode(t, &reply)
	m := reply.Meeting
	if !ids.IsGUID(m.MeetingID) || m.ExternalMeetingID != "standup" || m.MediaRegion != region {
		t.Errorf("got %+v", m)
	}
	if want := "arn:aws:chime:eu-central-1:000000000000:meeting/" + m.MeetingID; m.MeetingArn != want {
		t.Errorf("got %s, want %s", m.MeetingArn, want)
	}

	path := "/chime/meetings/" + m.MeetingID
	got := a.send(t, sent{method: "GET", path: path})
	if got.StatusCode != http.StatusOK || string(got.text) != string(created.text) {
		t.Errorf("GetMeeting answered %d %s, CreateMeeting %s", got.StatusCode, got.text, created.text)
	}
	if upper := a.send(t, sent{method: "GET", path: "/chime/meetings/" + strings.ToUpper(m.MeetingID)}); string(upper.text) != string(created.text) {
		t.Errorf("in upper case: %d %s", upper.StatusCode, upper.text)
	}
	a.send(t, sent{method: "GET", path: path, key: otherKey}).refused(t, 404, "NotFoundException")
	a.send(t, sent{method: "DELETE", path: path, key: otherKey}).refused(t, 404, "NotFoundException")

	deleted := a.send(t, sent{method: "DELETE", path: path})
	if deleted.StatusCode != http.StatusNoContent || len(deleted.text) != 0 || deleted.Header.Get("x-amzn-RequestId") == "" {
		t.Errorf("DeleteMeeting answered %d %s", deleted.StatusCode, deleted.text)
	}
	a.send(t, sent{method: "GET", path: path}).refused(t, 404, "NotFoundException")
	a.send(t, sent{method: "DELETE", path: path}).refused(t, 404, "NotFoundException")
}

// The exact members, because clients in other languages tell null, empty and missing apart.
func TestMeetingDocument(t *testing.T) {
	a := start(t)
	read := func(body document) string {
		got := a.post(t, "/chime/meetings", body.String())
		var reply meetingReply
		got.decode(t, &reply)
		return strings.ReplaceAll(string(got.text), reply.Meeting.MeetingID, "ID")
	}
	const media = `"MediaPlacement":{"AudioHostUrl":"meet.example.org:8081","AudioFallbackUrl":"wss://meet.example.org/signal/ID","SignalingUrl":"wss://meet.example.org/signal/ID",` +
		`"TurnControlUrl":"","EventIngestionUrl":"https://meet.example.org/events","ScreenDataUrl":"","ScreenViewingUrl":"","ScreenSharingUrl":""}`
	const arn = `"MeetingArn":"arn:aws:chime:eu-central-1:000000000000:meeting/ID"`

	if got, want := read(newMeeting()), `{"Meeting":{"MeetingId":"ID","MeetingHostId":null,"ExternalMeetingId":"standup","MediaRegion":"eu-central-1",`+media+
		`,"PrimaryMeetingId":null,"TenantIds":[],`+arn+`}}`; got != want {
		t.Errorf("minimal:\ngot  %s\nwant %s", got, want)
	}
	full := newMeeting().with("MeetingHostId", "host").with("TenantIds", []string{"-_!@#$"}).
		with("MeetingFeatures", document{"Audio": document{"EchoReduction": "AVAILABLE"}, "Video": document{"MaxResolution": "FHD"}, "Content": document{"MaxResolution": "UHD"}, "Attendee": document{"MaxCount": 25}})
	if got, want := read(full), `{"Meeting":{"MeetingId":"ID","MeetingHostId":"host","ExternalMeetingId":"standup","MediaRegion":"eu-central-1",`+media+
		`,"MeetingFeatures":{"Audio":{"EchoReduction":"AVAILABLE"},"Video":{"MaxResolution":"FHD"},"Content":{"MaxResolution":"UHD"},"Attendee":{"MaxCount":25}}`+
		`,"PrimaryMeetingId":null,"TenantIds":["-_!@#$"],`+arn+`}}`; got != want {
		t.Errorf("full:\ngot  %s\nwant %s", got, want)
	}
	if got := read(newMeeting().with("MeetingFeatures", document{"Attendee": document{"MaxCount": 3}})); !strings.Contains(got, `"MeetingFeatures":{"Attendee":{"MaxCount":3}}`) {
		t.Errorf("only what was given is echoed: %s", got)
	}
}

func TestClientRequestToken(t *testing.T) {
	a := start(t)
	first := newMeeting().with("ClientRequestToken", "Token-1")
	m := a.createMeeting(t, first)
	if again := a.createMeeting(t, first.with("ExternalMeetingId", "other")); again.MeetingID != m.MeetingID || again.ExternalMeetingID != "standup" {
		t.Errorf("the same token made %+v, want %+v", again, m)
	}
	if other := a.createMeeting(t, first.with("ClientRequestToken", "token-1")); other.MeetingID == m.MeetingID {
		t.Error("tokens are compared with letter case")
	}
}

func TestTagsReachTheService(t *testing.T) {
	a := start(t)
	m := a.createMeeting(t, newMeeting().with("Tags", []document{{"Key": "Team", "Value": ""}, {"Key": "a+b=c_1", "Value": "x y@z"}}))
	c, err := a.store.Conference(t.Context(), m.MeetingID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(c.Tags)
	if err != nil || string(got) != `{"Team":"","a+b=c_1":"x y@z"}` {
		t.Errorf("got %s, %v", got, err)
	}
}

// ok, invalid, reserved and unreadable are what can come of a body.
const (
	ok         = ""
	broken     = "ValidationException"
	refused    = "BadRequestException"
	wrongShape = "SerializationException"
)

func (a api) try(t *testing.T, path, body, want string) {
	t.Helper()
	got := a.post(t, path, body)
	if want != ok {
		got.refused(t, http.StatusBadRequest, want)
		return
	}
	if got.StatusCode != http.StatusOK {
		t.Errorf("got %d: %s", got.StatusCode, got.text)
	}
}

func TestCreateMeetingInput(t *testing.T) {
	a := start(t)
	tags := func(n int) (list []document) {
		for i := range n {
			list = append(list, document{"Key": "k" + string(rune('A'+i/26)) + string(rune('a'+i%26)), "Value": "v"})
		}
		return list
	}
	oneTag := func(key, value any) []document { return []document{{"Key": key, "Value": value}} }
	feature := func(kind, member string, value any) document { return document{kind: document{member: value}} }
	type features = document
	for _, tc := range []struct {
		name   string
		member string
		value  any
		want   string
	}{
		{"token missing", "ClientRequestToken", absent{}, broken},
		{"token null", "ClientRequestToken", nil, broken},
		{"token a number", "ClientRequestToken", 12, wrongShape},
		{"token of 1", "ClientRequestToken", "a", broken},
		{"token of 2", "ClientRequestToken", "ab", ok},
		{"token of 64", "ClientRequestToken", strings.Repeat("a", 64), ok},
		{"token of 65", "ClientRequestToken", strings.Repeat("a", 65), broken},
		{"token with a dot", "ClientRequestToken", "a.b", broken},
		{"token with a line break at its end", "ClientRequestToken", "ab\n", broken},

		{"region missing", "MediaRegion", absent{}, broken},
		{"region of 1", "MediaRegion", "x", broken},
		{"region of 65", "MediaRegion", strings.Repeat("x", 65), broken},
		{"region of no known form", "MediaRegion", "mars-1", refused},
		{"region of another continent", "MediaRegion", "ap-northeast-1", ok},
		{"region of a government", "MediaRegion", "us-gov-west-1", ok},
		{"region from the settings", "MediaRegion", "attic", ok},

		{"external id missing", "ExternalMeetingId", absent{}, broken},
		{"external id of 1", "ExternalMeetingId", "x", broken},
		{"external id of 2", "ExternalMeetingId", "xy", ok},
		{"external id of 64", "ExternalMeetingId", strings.Repeat("x", 64), ok},
		{"external id of 65", "ExternalMeetingId", strings.Repeat("x", 65), broken},
		{"external id of 64 two-byte letters", "ExternalMeetingId", strings.Repeat("é", 64), ok},
		{"external id with every character", "ExternalMeetingId", "aZ0Àÿ -_&@+=,(){}[]/«».:|'\"#\t", ok},
		{"external id with a star", "ExternalMeetingId", "a*b", broken},
		{"external id with an emoji", "ExternalMeetingId", "a🔔b", broken},
		{"external id with NUL", "ExternalMeetingId", "a\x00b", broken},
		{"external id with a broken escape", "ExternalMeetingId", json.RawMessage(`"a\ud800b"`), broken},
		{"external id reserved", "ExternalMeetingId", "aws:x", refused},
		{"external id reserved, upper case", "ExternalMeetingId", "AWS:x", refused},
		{"external id with the prefix inside", "ExternalMeetingId", "xaws:", ok},

		{"host of 2", "MeetingHostId", "ab", ok},
		{"host of 1", "MeetingHostId", "a", broken},
		{"host reserved", "MeetingHostId", "aws:ab", refused},
		{"host null", "MeetingHostId", nil, ok},

		{"features null", "MeetingFeatures", nil, ok},
		{"features empty", "MeetingFeatures", features{}, ok},
		{"features a list", "MeetingFeatures", []int{}, wrongShape},
		{"echo reduction", "MeetingFeatures", feature("Audio", "EchoReduction", "UNAVAILABLE"), ok},
		{"echo reduction in lower case", "MeetingFeatures", feature("Audio", "EchoReduction", "available"), broken},
		{"echo reduction null", "MeetingFeatures", feature("Audio", "EchoReduction", nil), ok},
		{"video HD", "MeetingFeatures", feature("Video", "MaxResolution", "HD"), ok},
		{"video None", "MeetingFeatures", feature("Video", "MaxResolution", "None"), ok},
		{"video UHD", "MeetingFeatures", feature("Video", "MaxResolution", "UHD"), broken},
		{"video FHD without count", "MeetingFeatures", feature("Video", "MaxResolution", "FHD"), refused},
		{"video FHD for 25", "MeetingFeatures", features{"Video": document{"MaxResolution": "FHD"}, "Attendee": document{"MaxCount": 25}}, ok},
		{"video FHD for 26", "MeetingFeatures", features{"Video": document{"MaxResolution": "FHD"}, "Attendee": document{"MaxCount": 26}}, refused},
		{"content FHD", "MeetingFeatures", feature("Content", "MaxResolution", "FHD"), ok},
		{"content HD", "MeetingFeatures", feature("Content", "MaxResolution", "HD"), broken},
		{"content UHD for 25", "MeetingFeatures", features{"Content": document{"MaxResolution": "UHD"}, "Attendee": document{"MaxCount": 25}}, ok},
		{"content UHD for 250", "MeetingFeatures", features{"Content": document{"MaxResolution": "UHD"}, "Attendee": document{"MaxCount": 250}}, refused},
		{"count 0", "MeetingFeatures", feature("Attendee", "MaxCount", 0), broken},
		{"count 1", "MeetingFeatures", feature("Attendee", "MaxCount", 1), ok},
		{"count 250", "MeetingFeatures", feature("Attendee", "MaxCount", 250), ok},
		{"count 251", "MeetingFeatures", feature("Attendee", "MaxCount", 251), broken},
		{"count a string", "MeetingFeatures", feature("Attendee", "MaxCount", "10"), wrongShape},
		{"count a fraction", "MeetingFeatures", feature("Attendee", "MaxCount", 1.5), wrongShape},
		{"count too large for a number", "MeetingFeatures", feature("Attendee", "MaxCount", json.RawMessage("99999999999999999999")), wrongShape},

		{"no tenants", "TenantIds", []string{}, broken},
		{"5 tenants", "TenantIds", []string{"aa", "bb", "cc", "dd", "aa"}, ok},
		{"6 tenants", "TenantIds", []string{"aa", "bb", "cc", "dd", "ee", "ff"}, broken},
		{"tenant with three in a row", "TenantIds", []string{"aaab"}, ok},
		{"tenant with four in a row", "TenantIds", []string{"baaaa"}, broken},
		{"tenant with a dot", "TenantIds", []string{"a.b"}, broken},
		{"tenant of 1", "TenantIds", []string{"a"}, broken},
		{"tenant null", "TenantIds", []any{nil}, broken},
		{"tenants a string", "TenantIds", "aa", wrongShape},

		{"no tags", "Tags", []document{}, ok},
		{"50 tags", "Tags", tags(50), ok},
		{"51 tags", "Tags", tags(51), broken},
		{"tag value of 256", "Tags", oneTag("k", strings.Repeat("v", 256)), ok},
		{"tag value of 257", "Tags", oneTag("k", strings.Repeat("v", 257)), broken},
		{"tag value missing", "Tags", []document{{"Key": "k"}}, broken},
		{"tag null", "Tags", []any{nil}, broken},
		{"tag key with space", "Tags", oneTag("a b", "v"), broken},
		{"tag key with @", "Tags", oneTag("a@b", "v"), broken},
		{"tag key empty", "Tags", oneTag("", "v"), broken},
		{"tag key of 129", "Tags", oneTag(strings.Repeat("k", 129), "v"), broken},
		{"tag key twice", "Tags", append(oneTag("k", "1"), oneTag("k", "2")...), refused},
		{"tag key reserved", "Tags", oneTag("Aws:k", "v"), refused},
		{"tags an object", "Tags", document{"k": "v"}, wrongShape},

		{"queue to notify", "NotificationsConfiguration", document{"SqsQueueArn": "arn:aws:sqs:us-east-1:000000000000:q"}, ok},
		{"queue that is none", "NotificationsConfiguration", document{"SqsQueueArn": "foo"}, broken},
		{"function with a version", "NotificationsConfiguration", document{"LambdaFunctionArn": "arn:aws:lambda:us-east-1:0:function:f:$LATEST"}, broken},
		{"both families", "MediaPlacementNetworkType", "DualStack", ok},
		{"one family that is none", "MediaPlacementNetworkType", "Ipv6", broken},
		{"replica of nothing", "PrimaryMeetingId", ids.New(), refused},
		{"replica of what is no id", "PrimaryMeetingId", "xx", refused},
		{"replica of 1", "PrimaryMeetingId", "x", broken},
		{"unknown member", "Bell", document{"rings": true}, ok},
		{"known member in other letter case", "mediaregion", 5, ok},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a.try(t, "/chime/meetings", newMeeting().with(tc.member, tc.value).String(), tc.want)
		})
	}
}

func TestBodiesThatAreNoObjects(t *testing.T) {
	a := start(t)
	for body, want := range map[string]string{
		`not json`: wrongShape, `[]`: wrongShape, `null`: wrongShape, `"text"`: wrongShape, `{`: wrongShape, `{} {}`: wrongShape,
		`{}`: broken, ``: broken, ` `: broken,
	} {
		t.Run(body, func(t *testing.T) { a.try(t, "/chime/meetings", body, want) })
	}
}

func TestValidationNamesEveryViolationAndNoValue(t *testing.T) {
	a := start(t)
	got := a.post(t, "/chime/meetings", `{"ExternalMeetingId":"private*","MeetingFeatures":{"Video":{"MaxResolution":"8K"}}}`)
	got.refused(t, 400, broken)
	text := string(got.text)
	for _, want := range []string{"4 validation errors", "clientRequestToken", "externalMeetingId", "mediaRegion", "meetingFeatures.video.maxResolution"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	if strings.Contains(text, "private") {
		t.Errorf("external ids are private: %s", text)
	}
}

func TestMeetingIDs(t *testing.T) {
	a := start(t)
	for path, want := range map[string]struct {
		status int
		name   string
	}{
		"/chime/meetings/" + ids.New():              {404, "NotFoundException"},
		"/chime/meetings/not-a-guid":                {400, broken},
		"/chime/meetings/not%2Fa%20guid":            {400, broken},
		"/chime/meetings/":                          {400, broken},
		"/chime/meetings/" + ids.New() + "%0A":      {400, broken},
		"/chime/meetings/" + ids.New() + "/../x":    {404, "UnknownOperationException"},
		"/chime/meetings/" + ids.New() + "?x=1&y=;": {404, "NotFoundException"},
	} {
		t.Run(path, func(t *testing.T) {
			a.send(t, sent{method: "GET", path: path}).refused(t, want.status, want.name)
		})
	}
}
