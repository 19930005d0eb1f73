package chime

import (
	"slices"
	"strings"

	"carillon/internal/api/placement"
	"carillon/internal/ids"
	"carillon/internal/meetings"
)

type meetingReply struct {
	Meeting meeting
}

type meetingsReply struct {
	Meetings  []meeting
	NextToken string `json:",omitempty"`
}

// meeting is the API's Meeting. Absent values of the first kind of member are null, as clients of the
// original service see them; MeetingFeatures holds only what was given, and is missing without any.
type meeting struct {
	MeetingID         string  `json:"MeetingId"`
	MeetingHostID     *string `json:"MeetingHostId"`
	ExternalMeetingID string  `json:"ExternalMeetingId"`
	MediaRegion       string
	MediaPlacement    mediaPlacement
	MeetingFeatures   *features `json:",omitempty"`
	PrimaryMeetingID  *string   `json:"PrimaryMeetingId"`
	TenantIDs         []string  `json:"TenantIds"`
	MeetingArn        string
}

// mediaPlacement adds members that only very old clients read, and which may be empty.
type mediaPlacement struct {
	placement.URLs
	ScreenDataURL    string `json:"ScreenDataUrl"`
	ScreenViewingURL string `json:"ScreenViewingUrl"`
	ScreenSharingURL string `json:"ScreenSharingUrl"`
}

type features struct {
	Audio    *audioFeatures      `json:",omitempty"`
	Video    *resolutionFeatures `json:",omitempty"`
	Content  *resolutionFeatures `json:",omitempty"`
	Attendee *attendeeFeatures   `json:",omitempty"`
}

type audioFeatures struct{ EchoReduction string }

type resolutionFeatures struct{ MaxResolution string }

type attendeeFeatures struct{ MaxCount int }

func (h *Handler) createMeeting(c call) (any, error) {
	in, err := h.readMeeting(c.body)
	if err != nil {
		return nil, err
	}
	in.MaxOpen = c.key.Limits.MaxConferences
	conference, _, err := h.meetings.CreateConferenceWithAttendees(c.context(), c.actor, in, nil)
	if err != nil {
		return nil, err
	}
	return h.meetingReply(c, conference), nil
}

// listMeetings is an operation of the older API only.
func (h *Handler) listMeetings(c call) (any, error) {
	limit, token, err := h.readPage(c)
	if err != nil {
		return nil, err
	}
	list, next, err := h.meetings.ListConferences(c.context(), c.actor, limit, token)
	if err != nil {
		return nil, err
	}
	reply := meetingsReply{Meetings: make([]meeting, 0, len(list)), NextToken: next}
	for _, conference := range list {
		reply.Meetings = append(reply.Meetings, h.meetingReply(c, conference).Meeting)
	}
	return reply, nil
}

func (h *Handler) getMeeting(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	conference, err := h.meetings.GetConference(c.context(), c.actor, id)
	if err != nil {
		return nil, err
	}
	return h.meetingReply(c, conference), nil
}

func (h *Handler) deleteMeeting(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	return nil, h.meetings.DeleteConference(c.context(), c.actor, id)
}

// meetingID is the first label of the path. Ids are lower case here, and compared in any case.
func meetingID(c call) (string, error) {
	if id := c.labels[0]; ids.IsGUID(id) {
		return strings.ToLower(id), nil
	}
	return "", notGUID("meetingId")
}

func notGUID(label string) failure {
	return validation("1 validation error detected: Value at '" + label + "' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}")
}

// readMeeting reads the input of CreateMeeting.
func (h *Handler) readMeeting(body []byte) (meetings.NewConference, error) {
	o, in := readObject(body)
	return h.readMeetingObject(o, in)
}

// readMeetingObject reads first the constraints of the model, all of which are reported at once, then the
// rules beyond it.
func (h *Handler) readMeetingObject(o object, in *input) (meetings.NewConference, error) {
	meeting := meetings.NewConference{
		ClientRequestToken: o.required("ClientRequestToken", clientRequestToken...),
		HostID:             o.text("MeetingHostId", h.externalID()...),
		PrimaryID:          o.text("PrimaryMeetingId", length(2, 64)),
		TenantIDs:          o.texts("TenantIds", 1, 5, tenantID...),
		Features:           readFeatures(o),
	}
	if h.old {
		meeting.ExternalID = o.text("ExternalMeetingId", h.externalID()...)
		meeting.MediaRegion = o.text("MediaRegion", length(2, 64))
		if meeting.MediaRegion == "" {
			meeting.MediaRegion = defaultRegion
		}
	} else {
		meeting.ExternalID = o.required("ExternalMeetingId", h.externalID()...)
		meeting.MediaRegion = o.required("MediaRegion", length(2, 64))
	}
	// Accepted and checked, and without effect here: the media address is the same for both families, and
	// who is to be notified is not decided by requests.
	o.text("MediaPlacementNetworkType", oneOf("Ipv4Only", "DualStack"))
	notifications, _ := o.child("NotificationsConfiguration")
	for _, target := range []string{"LambdaFunctionArn", "SnsTopicArn", "SqsQueueArn"} {
		notifications.text(target, arn...)
	}
	tags, twice := h.readTags(o, h.minTags, 50)
	meeting.Tags = tags
	if err := in.err(); err != nil {
		return meeting, err
	}
	switch {
	case reserved(meeting.ExternalID):
		return meeting, badRequest("ExternalMeetingId must not start with aws:, which is reserved.")
	case reserved(meeting.HostID):
		return meeting, badRequest("MeetingHostId must not start with aws:, which is reserved.")
	case !h.knowsRegion(meeting.MediaRegion):
		return meeting, badRequest("MediaRegion is not the name of a region.")
	case twice:
		return meeting, badRequest("Tags must not hold a key twice.")
	}
	if err := checkTagKeys(tags); err != nil {
		return meeting, err
	}
	return meeting, checkFeatures(meeting.Features)
}

// knowsRegion accepts any name of the usual form: there is one place where media is, whatever it is called.
func (h *Handler) knowsRegion(name string) bool {
	return regionName.MatchString(name) || slices.Contains(h.mediaRegions, name)
}

func readFeatures(o object) meetings.Features {
	given, _ := o.child("MeetingFeatures")
	audio, _ := given.child("Audio")
	video, _ := given.child("Video")
	content, _ := given.child("Content")
	attendee, _ := given.child("Attendee")
	return meetings.Features{
		EchoReduction:     audio.text("EchoReduction", oneOf("AVAILABLE", "UNAVAILABLE")),
		VideoResolution:   video.text("MaxResolution", oneOf("None", "HD", "FHD")),
		ContentResolution: content.text("MaxResolution", oneOf("None", "FHD", "UHD")),
		MaxAttendees:      attendee.integer("MaxCount", 1, 250),
	}
}

// checkFeatures: the highest resolutions are for small meetings, which have to say that they are small.
func checkFeatures(f meetings.Features) error {
	const small = 25
	if (f.VideoResolution == "FHD" || f.ContentResolution == "UHD") && (f.MaxAttendees == 0 || f.MaxAttendees > small) {
		return badRequest("Video at FHD and content at UHD need an Attendee MaxCount of at most 25.")
	}
	return nil
}

func (h *Handler) meetingReply(c call, conference meetings.Conference) meetingReply {
	tenants := conference.TenantIDs
	if tenants == nil {
		tenants = []string{}
	}
	return meetingReply{Meeting: meeting{
		MeetingID:         conference.ID,
		MeetingHostID:     optional(conference.HostID),
		ExternalMeetingID: conference.ExternalID,
		MediaRegion:       conference.MediaRegion,
		MediaPlacement:    mediaPlacement{URLs: h.placement.ForRequest(c.request, conference.ID)},
		MeetingFeatures:   featuresReply(conference.Features),
		PrimaryMeetingID:  optional(conference.PrimaryID),
		TenantIDs:         tenants,
		MeetingArn:        arnPrefix + c.region + ":" + account + arnKind + conference.ID,
	}}
}

func featuresReply(f meetings.Features) *features {
	if f == (meetings.Features{}) {
		return nil
	}
	var reply features
	if f.EchoReduction != "" {
		reply.Audio = &audioFeatures{f.EchoReduction}
	}
	if f.VideoResolution != "" {
		reply.Video = &resolutionFeatures{f.VideoResolution}
	}
	if f.ContentResolution != "" {
		reply.Content = &resolutionFeatures{f.ContentResolution}
	}
	if f.MaxAttendees != 0 {
		reply.Attendee = &attendeeFeatures{f.MaxAttendees}
	}
	return &reply
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
