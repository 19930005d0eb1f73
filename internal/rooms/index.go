package rooms

import (
	"cmp"
	"slices"

	"carillon/internal/media/sdp"
)

// overview is what the indexes of all people in a room have in common. It is worked out once for all of them: in a
// full room it takes longer than everything else. The room's lock is held for as long as it is used.
type overview struct {
	room    *Room
	full    bool // there are as many cameras as there may be
	codecs  []sdp.Format
	senders map[string]bool // attendees who send video, by id without modality
	common  *Shared[Index]  // of those who only watch; nil until the first of them
}

func (r *Room) overviewLocked() *overview {
	o := &overview{room: r, full: r.camerasLocked() >= MaxCameras, codecs: r.codecsLocked(), senders: make(map[string]bool)}
	for _, e := range r.streams {
		o.senders[base(e.group.owner.member.AttendeeID)] = true
	}
	return o
}

// index is the picture of the room's video for p.
func (o *overview) index(p *Participant) *Shared[Index] {
	if !o.watches(p) {
		return &Shared[Index]{Value: o.view(p)}
	}
	if o.common == nil {
		o.common = &Shared[Index]{Value: o.view(p)}
	}
	return o.common
}

// watches tells whether p may do everything with video and sends none: those see the same.
func (o *overview) watches(p *Participant) bool {
	return !p.content && p.camera == nil && p.can.Video.Send && p.can.Video.Receive && p.can.Content.Receive &&
		!o.senders[base(p.member.AttendeeID)]
}

// view is what p may receive, and nothing for a connection that only shares a screen.
func (o *overview) view(p *Participant) Index {
	full := o.full && p.camera == nil
	ix := Index{AtCapacity: full || !p.maySendVideoLocked(), Participants: o.room.people, Codecs: o.codecs}
	if p.content {
		return ix
	}
	for _, e := range o.room.streams {
		if !e.listed || !p.mayReceiveLocked(e.group) {
			continue
		}
		if e.group.stalled {
			ix.Stalled = append(ix.Stalled, e.streamID)
		}
		owner, st := e.group.owner.member, e.track.Stats()
		ix.Sources = append(ix.Sources, Source{
			StreamID: e.streamID, GroupID: e.group.id,
			AttendeeID: owner.AttendeeID, ExternalUserID: owner.ExternalUserID,
			MaxBitrateKbps: cmp.Or(e.maxKbps, defaultMaxKbps), AverageBitrateBps: uint32(st.BitrateBps),
			FrameRate: uint32(st.FrameRate + 0.5), Width: uint32(st.Width), Height: uint32(st.Height),
		})
	}
	slices.Sort(ix.Stalled)
	slices.SortFunc(ix.Sources, func(a, b Source) int { return cmp.Compare(a.StreamID, b.StreamID) })
	return ix
}

func (r *Room) camerasLocked() int {
	n := 0
	for _, p := range *r.members.Load() {
		if p.camera != nil && !p.content {
			n++
		}
	}
	return n
}

// codecsLocked is the set of video formats that every person in the room can decode.
func (r *Room) codecsLocked() []sdp.Format {
	var common []sdp.Format
	first := true
	for _, p := range *r.members.Load() {
		if p.content || p.codecs == nil {
			continue
		}
		if first {
			common, first = slices.Clone(p.codecs), false
			continue
		}
		common = slices.DeleteFunc(common, func(c sdp.Format) bool { return !slices.Contains(p.codecs, c) })
	}
	return common
}
