package rooms

import (
	"cmp"
	"slices"

	"carillon/internal/media/sdp"
)

// overview is what the indexes of all people in a room have in common. It is worked out once for all of them: in a
// full room it takes longer than everything else. The room's lock is held for as long as it is used.
type overview struct {
	room   *Room
	full   bool // there are as many cameras as there may be
	codecs []sdp.Format
}

func (r *Room) overviewLocked() overview {
	return overview{room: r, full: r.camerasLocked() >= MaxCameras, codecs: r.codecsLocked()}
}

func (r *Room) indexLocked(p *Participant) Index { return r.overviewLocked().index(p) }

// index is the picture of the room's video for p: what it may receive, and nothing for a connection that only shares a
// screen.
func (o overview) index(p *Participant) Index {
	full := o.full && p.camera == nil
	ix := Index{AtCapacity: full || !p.maySendVideoLocked(), Participants: o.room.people, Codecs: o.codecs}
	if p.content {
		return ix
	}
	for _, e := range o.room.streams {
		if !e.listed || !p.mayReceiveLocked(e.group) {
			continue
		}
		owner, st := e.group.owner.member, e.track.Stats()
		ix.Sources = append(ix.Sources, Source{
			StreamID: e.streamID, GroupID: e.group.id,
			AttendeeID: owner.AttendeeID, ExternalUserID: owner.ExternalUserID,
			MaxBitrateKbps: cmp.Or(e.maxKbps, defaultMaxKbps), AverageBitrateBps: uint32(st.BitrateBps),
			FrameRate: uint32(st.FrameRate + 0.5), Width: uint32(st.Width), Height: uint32(st.Height),
		})
	}
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
