package rooms

import (
	"slices"

	"carillon/internal/errs"
	"carillon/internal/media/mixer"
)

// Capabilities say what an attendee may send and receive, on all of its connections. The zero value allows
// nothing. Whoever may not receive audio hears silence; whoever may not receive content does not hear its
// sound either.
type Capabilities struct{ Audio, Video, Content Capability }

// Capability is what is allowed with one kind of media.
type Capability struct{ Send, Receive bool }

// SetCapabilities changes what an attendee may do. It acts at once: what is no longer allowed stops, a shared
// screen by the end of its connection, and what is allowed again starts when the client asks for it. Nothing
// happens when the attendee is not there.
func (h *Hub) SetCapabilities(conferenceID, attendeeID string, c Capabilities) {
	h.withRoom(conferenceID, func(r *Room) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, p := range *r.members.Load() {
			if base(p.member.AttendeeID) == attendeeID {
				p.setCapabilitiesLocked(c)
			}
		}
	})
}

func (p *Participant) setCapabilitiesLocked(c Capabilities) {
	if p.can == c {
		return
	}
	p.can = c
	if p.content && !c.Content.Send {
		p.room.removeLocked(p, false)
		p.endLocked(ReasonContentRefused)
		return
	}
	p.applyMuteLocked()
	p.room.excludeLocked()
	for _, v := range p.received {
		if v.wanted != nil && !p.mayReceiveLocked(v.wanted.group) {
			v.show(nil)
		}
	}
	refused := p.camera != nil && !p.maySendVideoLocked()
	if refused {
		p.dropCameraLocked()
	}
	p.room.indexDirty = true
	if p.indexSent {
		ix := p.room.overviewLocked().view(p)
		ix.CameraRefused = refused
		p.member.Observer.Index(&Shared[Index]{Value: ix})
	}
}

// admissible is the error for a connection that the attendee may not open.
func (m Member) admissible() error {
	if m.content() && !m.Capabilities.Content.Send {
		return errs.New(errs.Forbidden, "This attendee may not share content.")
	}
	return nil
}

// maySendAudioLocked and maySendVideoLocked tell what this connection may send: a shared screen is content,
// sound included.
func (p *Participant) maySendAudioLocked() bool {
	return p.content && p.can.Content.Send || !p.content && p.can.Audio.Send
}

func (p *Participant) maySendVideoLocked() bool {
	return p.content && p.can.Content.Send || !p.content && p.can.Video.Send
}

// mayReceiveLocked reports whether p may see the video: not its own, and of a kind that it may receive.
func (p *Participant) mayReceiveLocked(g *videoGroup) bool {
	if base(g.owner.member.AttendeeID) == base(p.member.AttendeeID) {
		return false
	}
	if g.owner.content {
		return p.can.Content.Receive
	}
	return p.can.Video.Receive
}

// excludeLocked brings what each participant must not hear up to date: what its own attendee sends, shared
// screen included, on both connections alike, and what its capabilities leave out.
func (r *Room) excludeLocked() {
	members := *r.members.Load()
	for _, p := range members {
		if p.sink == nil {
			continue
		}
		var exclude []*mixer.Source
		for _, q := range members {
			if q != p && !q.content && !p.content {
				continue // two people; this spares a large room the comparisons
			}
			own := base(q.member.AttendeeID) == base(p.member.AttendeeID)
			if q.source != nil && (own || q.content && !p.can.Content.Receive) {
				exclude = append(exclude, q.source)
			}
		}
		p.sink.SetDeaf(!p.can.Audio.Receive)
		if !slices.Equal(exclude, p.excluded) {
			p.excluded = exclude
			p.sink.SetExclude(exclude)
		}
	}
}
