package rooms

import (
	"slices"
	"strings"

	"carillon/internal/errs"
	"carillon/internal/media/forwarder"
	"carillon/internal/media/mixer"
	"carillon/internal/media/sdp"
	"carillon/internal/media/transport"
)

// Subscription is what a client asks for. Each one replaces the one before it.
type Subscription struct {
	Offer   *sdp.Offer
	Muted   bool
	Send    []SendStream // the encodings of its camera, none while that is off
	Receive []uint32     // stream ids, by position over the video sections of Offer; 0 = nothing
	Wishes  []Wish       // for sections of Offer
}

// SendStream is one encoding that a client announces; with simulcast they come in the order of the RIDs.
type SendStream struct{ MaxBitrateKbps uint32 } // 0 = not sent at present

// Subscribed is the outcome of a Subscription.
type Subscribed struct {
	Answer        string       // session description
	Allocations   []Allocation // one for each SendStream, by position; none if the camera is refused
	Tracks        []Track      // one for each section on which a video is sent
	CameraRefused bool         // there are too many cameras already, or the attendee may not send video
}

// Allocation is the identity of a stream that the client sends.
type Allocation struct{ StreamID, GroupID uint32 }

// Track says which stream is sent in a section of the answer.
type Track struct {
	Label    string // name of the media stream in the answer
	StreamID uint32
	SSRC     uint32
}

// audioStream and cname name what the server sends in session descriptions.
const (
	audioStream = "carillon-mix"
	cname       = "carillon"
)

// Subscribe negotiates the media of the connection. The first call opens the media connection and, when
// it succeeds, shows the participant to the others. The error has code Invalid for an offer that
// cannot be answered; the participant stays as it was.
func (p *Participant) Subscribe(s Subscription) (*Subscribed, error) {
	p.subscribing.Lock()
	defer p.subscribing.Unlock()
	n, err := p.negotiate(s) // before the room is held up: a large offer takes a while
	if err != nil {
		return nil, err
	}
	r := p.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.gone {
		return nil, errGone
	}
	m, err := p.openMediaLocked(s.Offer)
	if err != nil {
		return nil, err
	}
	p.setMutedLocked(s.Muted)
	n.applyLocked(p, m)
	m.version++
	n.result.Answer = sdp.Answer{
		SessionID:   m.sessionID,
		Version:     m.version,
		Ufrag:       m.conn.LocalUfrag(),
		Pwd:         m.conn.LocalPwd(),
		AllowMixed:  s.Offer.AllowMixed,
		Fingerprint: sdp.Fingerprint{Algorithm: "sha-256", Value: r.hub.cfg.Transport.Fingerprint()},
		Candidates:  candidates(r.hub.cfg.Transport.Candidates()),
		Sections:    n.sections,
	}.String()
	if !p.rosterSent {
		r.announceLocked(p)
	}
	return n.result, nil
}

// openMediaLocked makes the media connection that the offer describes, once. A client that wants a new one opens a new
// signaling connection; there is no ICE restart.
func (p *Participant) openMediaLocked(o *sdp.Offer) (*media, error) {
	if m := p.media.Load(); m != nil {
		if m.remoteUfrag != o.Ufrag {
			return nil, errs.New(errs.Invalid, "ICE restarts are not supported: open a new connection.")
		}
		m.up.SetExtensions(extensions(o))
		return m, nil
	}
	fingerprints := make([]transport.Fingerprint, 0, len(o.Fingerprints))
	for _, f := range o.Fingerprints {
		fingerprints = append(fingerprints, transport.Fingerprint{Algorithm: f.Algorithm, Value: f.Value})
	}
	ufrag := strings.Clone(o.Ufrag) // else all of the offer would stay in memory
	conn, err := p.room.hub.cfg.Transport.NewConn(transport.ConnConfig{
		RemoteUfrag: ufrag, RemotePwd: o.Pwd, RemoteFingerprints: fingerprints, Handler: p,
	})
	if err != nil {
		return nil, err
	}
	m := &media{owner: p, conn: conn, remoteUfrag: ufrag, sessionID: uint64(newSSRC())<<31 | uint64(newSSRC())}
	m.audioOut.open()
	config := extensions(o)
	config.Writer, config.MediaSSRC, config.Logger = conn, m.audioOut.header.SSRC, p.log
	m.up = forwarder.NewUpstream(config)
	m.down = forwarder.NewDownstream(forwarder.DownstreamConfig{
		Writer: conn, Logger: p.log, Wake: func() { p.room.hub.pacer.add(m) },
	})
	p.media.Store(m)
	return m, nil
}

// extensions are the ids of the header extensions that a client may send.
func extensions(o *sdp.Offer) forwarder.UpstreamConfig {
	return forwarder.UpstreamConfig{
		MIDExt: extensionID(o, sdp.ExtensionMID), TWCCExt: extensionID(o, sdp.ExtensionTransportCC),
		RIDExt: extensionID(o, sdp.ExtensionRID), RepairedRIDExt: extensionID(o, sdp.ExtensionRepairedRID),
		DependencyExt: extensionID(o, sdp.ExtensionDependency),
	}
}

// extensionID is the id of a header extension, which is the same in all bundled sections (RFC 8843 section 9.2).
func extensionID(o *sdp.Offer, uri string) uint8 {
	for _, s := range o.Sections {
		if id := s.Extensions[uri]; id != 0 {
			return id
		}
	}
	return 0
}

func candidates(from []transport.Candidate) []sdp.Candidate {
	to := make([]sdp.Candidate, 0, len(from))
	for _, c := range from {
		to = append(to, sdp.Candidate{
			Foundation: c.Foundation, Component: int(c.Component), Protocol: c.Protocol,
			Priority: c.Priority, Addr: c.Addr, Type: c.Type,
		})
	}
	return to
}

// negotiation is what comes of one Subscription. It is worked out first, without side effects, and
// applied only when all of it is in order.
type negotiation struct {
	subscription Subscription
	estimates    bool // see Member.Estimates
	sections     []sdp.AnswerSection
	camera       int            // index of the section that the camera is sent on, or -1
	audio        int            // index of the audio section, or -1
	wanted       map[int]uint32 // stream id by index of the section it shall be sent on
	result       *Subscribed
}

func (p *Participant) negotiate(s Subscription) (*negotiation, error) {
	n := &negotiation{subscription: s, estimates: p.member.Estimates, camera: -1, audio: -1, wanted: make(map[int]uint32), result: &Subscribed{}}
	if s.Offer.Ufrag == "" || len(s.Offer.Fingerprints) == 0 {
		return nil, errs.New(errs.Invalid, "The offer describes no connection.")
	}
	camera := s.Offer.Camera()
	video := -1
	for i, section := range s.Offer.Sections {
		out := sdp.AnswerSection{Offer: section, Role: sdp.RoleRejected, CNAME: cname}
		var err error
		switch {
		case section.Kind == sdp.KindVideo:
			video++
			err = n.negotiateVideo(i, video, camera, &out)
		case section.Kind == sdp.KindAudio && n.audio < 0 && !section.Rejected:
			n.audio = i
			out.Role, out.Stream = sdp.RoleAudio, audioStream
			out.Negotiated, err = sdp.NegotiateAudio(section)
		}
		if err != nil {
			return nil, err
		}
		n.sections = append(n.sections, out)
	}
	return n, nil
}

func (n *negotiation) negotiateVideo(index, position int, camera *sdp.Section, out *sdp.AnswerSection) (err error) {
	section := out.Offer
	if section.Rejected {
		return nil
	}
	out.Role = sdp.RoleInactive
	var want uint32
	if position < len(n.subscription.Receive) {
		want = n.subscription.Receive[position]
	}
	switch {
	case section == camera && len(n.subscription.Send) > 0:
		n.camera = index
		out.Role = sdp.RoleCamera
		out.Negotiated, err = sdp.NegotiateVideoReceive(section)
	case section.Direction == sdp.RecvOnly && want != 0 && len(n.wanted) < MaxReceived:
		n.wanted[index] = want
		out.Role = sdp.RoleVideo
		out.Negotiated, err = sdp.NegotiateVideoSend(section, !n.estimates)
	case section.Direction == sdp.RecvOnly:
		out.Negotiated, err = sdp.NegotiateVideoSend(section, !n.estimates)
	default:
		out.Negotiated, err = sdp.NegotiateVideoReceive(section)
	}
	return err
}

// applyLocked makes the participant what the negotiation says.
func (n *negotiation) applyLocked(p *Participant, m *media) {
	n.applyCodecs(p)
	n.applyAudio(p, m)
	n.applyCamera(p, m)
	n.applyReceived(p, m)
}

// applyCodecs notes what the participant can decode: what any of its video sections lists, as those that
// only receive may list more.
func (n *negotiation) applyCodecs(p *Participant) {
	var formats []sdp.Format
	for _, s := range n.sections {
		if s.Offer.Kind != sdp.KindVideo {
			continue
		}
		for _, c := range s.Negotiated.Codecs {
			if !slices.Contains(formats, c.Format) {
				formats = append(formats, c.Format)
			}
		}
	}
	if len(formats) > 0 && !slices.Equal(formats, p.codecs) {
		p.codecs = formats
		p.room.indexDirty = true
	}
}

func (n *negotiation) applyAudio(p *Participant, m *media) {
	if n.audio < 0 {
		return
	}
	section := &n.sections[n.audio]
	section.SSRC = m.audioOut.header.SSRC
	pt, red := section.Negotiated.PayloadType(sdp.Opus), section.Negotiated.PayloadType(sdp.RED)
	if p.source == nil {
		p.source = p.room.mix.AddSource(mixer.SourceConfig{})
		p.source.SetMuted(p.muted)
		p.sink = p.room.mix.AddSink(mixer.SinkConfig{Owner: p})
		p.room.excludeLocked()
	}
	if m.audioOut.payloadType.Load() == 0 && !p.member.Estimates {
		m.audioOut.number(section.Negotiated.Extensions[sdp.ExtensionTransportCC])
	}
	wish := section.Negotiated.Audio
	p.sink.SetFormat(mixer.NewFormat(wish.Stereo, wish.MaxBitrate))
	m.audioOut.sink.Store(p.sink)
	m.audioIn.Store(&audioIn{payloadType: pt, red: red, levelExt: section.Negotiated.Extensions[sdp.ExtensionAudioLevel], source: p.source})
	m.audioOut.payloadType.Store(uint32(pt))
	m.audioOut.red.Store(uint32(red))
}

func (n *negotiation) applyCamera(p *Participant, m *media) {
	if n.camera < 0 {
		p.dropCameraLocked()
		return
	}
	section := &n.sections[n.camera]
	if !p.maySendVideoLocked() || p.camera == nil && !p.content && p.room.camerasLocked() >= MaxCameras {
		section.Role = sdp.RoleInactive
		n.result.CameraRefused = true
		return
	}
	encodings := p.setCameraLocked(m, section, n.subscription.Send)
	for i := range n.subscription.Send {
		e := encodings[min(i, len(encodings)-1)]
		n.result.Allocations = append(n.result.Allocations, Allocation{StreamID: e.streamID, GroupID: p.camera.id})
	}
}

func (n *negotiation) applyReceived(p *Participant, m *media) {
	keep := make(map[string]bool)
	for i, id := range n.wanted {
		section := &n.sections[i]
		e := p.room.streams[id]
		if e == nil || !p.mayReceiveLocked(e.group) {
			section.Role = sdp.RoleInactive // gone or forbidden meanwhile; the next index says so too
			continue
		}
		mid := section.Offer.MID
		keep[mid] = true
		r := p.receiveLocked(m, section, n.subscription.Offer.AllowMixed)
		section.SSRC, section.RTXSSRC = r.ssrc, r.rtxSSRC
		if r.wanted != e {
			r.pause(false, r.serverPaused)
			r.show(e)
		}
		n.result.Tracks = append(n.result.Tracks, Track{Label: sdp.VideoStream(mid), StreamID: id, SSRC: r.ssrc})
	}
	for mid := range p.received {
		if !keep[mid] {
			p.dropReceivedLocked(mid)
		}
	}
	for _, w := range n.subscription.Wishes {
		if v := p.received[w.MID]; v != nil {
			v.wish = w
		}
	}
	p.allocateLocked(transport.Now())
}
