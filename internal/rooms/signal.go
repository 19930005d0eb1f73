package rooms

import (
	"slices"
	"time"
)

// What makes a connection a weak one.
const (
	weakLoss = 50 // permille, either way
	weakRTT  = 400 * time.Millisecond
)

// reception is how much of a participant's audio had its turn, and how much of that was missing, in samples.
type reception struct{ played, missing uint64 }

// reportSignals tells everybody whose connection is not good, when that has changed. A picture in which all are well
// names one of them: clients take everybody who is not named as well connected.
func (r *Room) reportSignals() {
	r.mu.Lock()
	defer r.mu.Unlock()
	members := *r.members.Load()
	var signals []Signal
	var somebody uint32
	for _, p := range members {
		if !p.announced || p.content {
			continue
		}
		if s := p.strengthLocked(); s != GoodSignal {
			signals = append(signals, Signal{AudioStreamID: p.audioID, Strength: s})
		} else {
			somebody = p.audioID
		}
	}
	if slices.Equal(signals, r.signals) {
		return
	}
	r.signals = signals
	if len(signals) == 0 {
		if somebody == 0 {
			return // nobody is left
		}
		signals = []Signal{{AudioStreamID: somebody, Strength: GoodSignal}}
	}
	told := &Shared[[]Signal]{Value: signals}
	for _, p := range members {
		if p.rosterSent && !p.content {
			p.member.Observer.Signals(told)
		}
	}
}

// strengthLocked judges the connection by what has happened since the last look.
func (p *Participant) strengthLocked() Strength {
	m := p.media.Load()
	if p.grace != nil || m == nil {
		return NoSignal
	}
	if m.audioOut.line.loss() >= weakLoss || m.audioOut.line.rtt() >= weakRTT {
		return WeakSignal
	}
	if p.source == nil {
		return GoodSignal
	}
	before := p.heard
	p.heard.played, p.heard.missing = p.source.Played()
	played, missing := p.heard.played-before.played, p.heard.missing-before.missing
	switch {
	case played == 0 && before.played > 0:
		return NoSignal
	case missing*1000 >= max(played, 1)*weakLoss:
		return WeakSignal
	}
	return GoodSignal
}
