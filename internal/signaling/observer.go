package signaling

import (
	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"carillon/internal/media/sdp"
	"carillon/internal/rooms"
	"carillon/internal/signaling/signalpb"
)

// observer turns what a room says into frames. Sending only queues, as a room requires.
type observer struct{ s *session }

func (o observer) Index(ix *rooms.Shared[rooms.Index]) { tell(o.s, ix, indexFrame) }

// tell sends what a room tells several participants alike. It is encoded for the first of them.
func tell[T any](s *session, what *rooms.Shared[T], frame func(T) *signalpb.SdkSignalFrame) {
	s.put(what.Words(func(value T) []byte { return s.pack(frame(value)) }))
}

// codecCapabilities are the wire names of the video formats that the media plane forwards.
var codecCapabilities = map[sdp.Format]signalpb.SdkVideoCodecCapability{
	sdp.VP8:                 signalpb.SdkVideoCodecCapability_VP8,
	sdp.VP9Profile0:         signalpb.SdkVideoCodecCapability_VP9_PROFILE_0,
	sdp.H264Baseline:        signalpb.SdkVideoCodecCapability_H264_CONSTRAINED_BASELINE_PROFILE,
	sdp.H264High:            signalpb.SdkVideoCodecCapability_H264_HIGH_PROFILE,
	sdp.H264ConstrainedHigh: signalpb.SdkVideoCodecCapability_H264_CONSTRAINED_HIGH_PROFILE,
	sdp.AV1Main:             signalpb.SdkVideoCodecCapability_AV1_MAIN_PROFILE,
}

func indexFrame(ix rooms.Index) *signalpb.SdkSignalFrame {
	body := &signalpb.SdkIndexFrame{
		AtCapacity:        proto.Bool(ix.AtCapacity),
		PausedAtSourceIds: ix.Stalled,
		NumParticipants:   proto.Uint32(uint32(ix.Participants)),
	}
	for _, src := range ix.Sources {
		body.Sources = append(body.Sources, &signalpb.SdkStreamDescriptor{
			StreamId:       proto.Uint32(src.StreamID),
			GroupId:        proto.Uint32(src.GroupID),
			AttendeeId:     proto.String(src.AttendeeID),
			ExternalUserId: proto.String(src.ExternalUserID),
			MediaType:      signalpb.SdkStreamMediaType_VIDEO.Enum(),
			MaxBitrateKbps: proto.Uint32(src.MaxBitrateKbps),
			AvgBitrateBps:  proto.Uint32(src.AverageBitrateBps),
			Framerate:      proto.Uint32(src.FrameRate),
			Width:          proto.Uint32(src.Width),
			Height:         proto.Uint32(src.Height),
		})
	}
	for _, name := range ix.Codecs {
		if c, ok := codecCapabilities[name]; ok {
			body.SupportedReceiveCodecIntersection = append(body.SupportedReceiveCodecIntersection, c)
		}
	}
	f := &signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_INDEX.Enum(), Index: body}
	if ix.CameraRefused {
		f.Error = errorFrame(statusViewOnly, "the camera is no longer accepted")
	}
	return f
}

func (o observer) Roster(entries *rooms.Shared[[]rooms.RosterEntry]) { tell(o.s, entries, rosterFrame) }

func rosterFrame(entries []rooms.RosterEntry) *signalpb.SdkSignalFrame {
	body := &signalpb.SdkAudioStreamIdInfoFrame{}
	for i := range entries {
		e := &entries[i]
		info := &signalpb.SdkAudioStreamIdInfo{AudioStreamId: &e.AudioStreamID, Muted: e.Muted}
		if e.AttendeeID != "" {
			info.AttendeeId, info.ExternalUserId = &e.AttendeeID, &e.ExternalUserID
		}
		if e.Dropped {
			info.Dropped = &e.Dropped
		}
		body.Streams = append(body.Streams, info)
	}
	return &signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_AUDIO_STREAM_ID_INFO.Enum(), AudioStreamIdInfo: body}
}

// silence is the attenuation sent with id 0 to say that nobody talks.
const silence = 127

func (o observer) Volumes(volumes *rooms.Shared[[]rooms.Volume]) { tell(o.s, volumes, volumesFrame) }

func volumesFrame(volumes []rooms.Volume) *signalpb.SdkSignalFrame {
	body := &signalpb.SdkAudioMetadataFrame{}
	for _, v := range volumes {
		body.AttendeeStates = append(body.AttendeeStates, &signalpb.SdkAudioAttendeeState{
			AudioStreamId: proto.Uint32(v.AudioStreamID), Volume: proto.Uint32(uint32(v.Attenuation)),
		})
	}
	if len(volumes) == 0 {
		body.AttendeeStates = []*signalpb.SdkAudioAttendeeState{{AudioStreamId: proto.Uint32(0), Volume: proto.Uint32(silence)}}
	}
	return &signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_AUDIO_METADATA.Enum(), AudioMetadata: body}
}

func (o observer) Signals(signals *rooms.Shared[[]rooms.Signal]) { tell(o.s, signals, signalsFrame) }

func signalsFrame(signals []rooms.Signal) *signalpb.SdkSignalFrame {
	body := &signalpb.SdkAudioMetadataFrame{}
	for _, v := range signals {
		body.AttendeeStates = append(body.AttendeeStates, &signalpb.SdkAudioAttendeeState{
			AudioStreamId: proto.Uint32(v.AudioStreamID), SignalStrength: proto.Uint32(uint32(v.Strength)),
		})
	}
	return &signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_AUDIO_METADATA.Enum(), AudioMetadata: body}
}

func (o observer) Bitrates(rates []rooms.Bitrate, available int64) {
	body := &signalpb.SdkBitrateFrame{}
	if available > 0 {
		body.ServerAvailableOutgoingBitrate = proto.Uint32(uint32(available / 1000))
	}
	for _, b := range rates {
		body.Bitrates = append(body.Bitrates, &signalpb.SdkBitrate{SourceStreamId: proto.Uint32(b.StreamID), AvgBitrateBps: proto.Uint32(b.Bps)})
	}
	o.s.send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_BITRATES.Enum(), Bitrates: body})
}

func (o observer) Paused(groupIDs []uint32, paused bool) {
	kind := signalpb.SdkSignalFrame_RESUME
	if paused {
		kind = signalpb.SdkSignalFrame_PAUSE
	}
	o.s.send(&signalpb.SdkSignalFrame{Type: kind.Enum(), Pause: &signalpb.SdkPauseResumeFrame{GroupIds: groupIDs}})
}

// audioStatus is the frame that ends or restarts a client's meeting.
func audioStatus(status uint32) *signalpb.SdkSignalFrame {
	return &signalpb.SdkSignalFrame{
		Type:        signalpb.SdkSignalFrame_AUDIO_STATUS.Enum(),
		AudioStatus: &signalpb.SdkAudioStatusFrame{AudioStatus: proto.Uint32(status)},
	}
}

// Ended implements rooms.Observer. A client that is ended for good says LEAVE first; one that shall
// come again is closed at once with a code that makes it do so.
func (o observer) Ended(reason rooms.Reason) {
	goodbye := ending{code: websocket.StatusNormalClosure, wait: leaveTimeout}
	switch reason {
	case rooms.ReasonEnded:
		o.s.send(audioStatus(410))
	case rooms.ReasonRemoved:
		o.s.send(audioStatus(411))
	case rooms.ReasonJoinedElsewhere:
		o.s.send(audioStatus(301))
	case rooms.ReasonContentRefused:
		o.s.send(audioStatus(statusFull))
	case rooms.ReasonReplaced:
		goodbye.wait = 0
	case rooms.ReasonMediaLost, rooms.ReasonRestart:
		o.s.send(audioStatus(statusUnavailable))
		goodbye = ending{code: closeRetry, reason: "come again"}
	}
	o.s.end(goodbye)
}
