package rooms

import "carillon/internal/media/sdp"

// Observer is how a room talks to the signaling session of a participant. The room calls it with its
// lock held, so methods must neither block nor call back into the room.
type Observer interface {
	// Index is a complete snapshot of the video streams this participant may receive.
	Index(*Shared[Index])
	// Roster is changes of the roster, in order; the first one a participant gets is the whole roster.
	Roster(*Shared[[]RosterEntry])
	// Volumes is a full picture of who is speaking; people not listed are silent.
	Volumes(*Shared[[]Volume])
	// Signals is a full picture of whose connection is not good; it is never empty, and people not listed are well
	// connected.
	Signals(*Shared[[]Signal])
	// Bitrates carries the measured bitrates of the streams in the last Index, and the estimated bandwidth to the
	// client in bit/s, 0 = not known.
	Bitrates(rates []Bitrate, available int64)
	// Paused says which groups are no longer sent, or sent again, as the bandwidth allows.
	Paused(groupIDs []uint32, paused bool)
	// Messages carries data messages, oldest first.
	Messages(*Shared[[]Message])
	// Ended says that the session is over. The participant is no longer in the room, or, with
	// ReasonMediaLost, only waits there for its next connection. It is called at most once and never after
	// Participant.Leave or Participant.Drop.
	Ended(Reason)
}

// Reason says why a room let a participant go.
type Reason int

// The reasons.
const (
	ReasonEnded           Reason = iota + 1 // the conference was ended
	ReasonRemoved                           // this attendee was removed
	ReasonJoinedElsewhere                   // the same attendee joined with another session
	ReasonReplaced                          // the same session reconnected; the old connection is void
	ReasonMediaLost                         // the media connection was lost or failed: come again
	ReasonRestart                           // the server goes away: come again
	ReasonContentRefused                    // the attendee may no longer share content
)

// Index is a snapshot of the video streams of a conference as one participant may see them.
type Index struct {
	Sources      []Source
	Stalled      []uint32     // stream ids of the sources whose sender does not get through at present
	AtCapacity   bool         // no camera of this participant is accepted
	Participants int          // people in the conference, the receiver included
	Codecs       []sdp.Format // that everybody can decode; shared, not to be changed

	CameraRefused bool // what this participant sent as its camera has just been refused
}

// Source is one video stream.
type Source struct {
	StreamID, GroupID          uint32
	AttendeeID, ExternalUserID string
	MaxBitrateKbps             uint32
	AverageBitrateBps          uint32
	FrameRate, Width, Height   uint32
}

// RosterEntry is one line of a roster frame. Present entries carry everything; an entry with only
// Muted set says that the mute state changed; Left and Dropped say that the attendee has gone.
type RosterEntry struct {
	AudioStreamID              uint32
	AttendeeID, ExternalUserID string // empty unless this announces the attendee
	Muted                      *bool
	Dropped                    bool
}

// Volume is the loudness of one attendee, in dB below full scale (RFC 6464: 0 loudest, 127 silent).
type Volume struct {
	AudioStreamID uint32
	Attenuation   uint8
}

// Strength is how well somebody is connected, as clients show it.
type Strength uint8

// The strengths.
const (
	NoSignal   Strength = 0 // nothing arrives
	WeakSignal Strength = 1 // losses can be heard, or the way is long
	GoodSignal Strength = 2
)

// Signal is the quality of one attendee's connection.
type Signal struct {
	AudioStreamID uint32
	Strength      Strength
}

// Bitrate is the measured bitrate of one stream, in bit/s.
type Bitrate struct {
	StreamID uint32
	Bps      uint32
}
