package rooms

import (
	"fmt"
	"log/slog"
	"testing"

	"carillon/internal/media/sdp"
)

// BenchmarkIndex is an index for everybody in a full room, without writing it to the wire.
func BenchmarkIndex(b *testing.B) {
	r := newRoom(&Hub{cfg: Config{Logger: slog.New(slog.DiscardHandler)}}, "c")
	all := Capability{Send: true, Receive: true}
	var members []*Participant
	for i := range MaxParticipants {
		members = append(members, &Participant{
			room: r, member: Member{AttendeeID: fmt.Sprint(i), Observer: &listener{}}, indexSent: true, can: Capabilities{all, all, all},
			codecs: []sdp.Format{sdp.VP8, sdp.VP9Profile0, sdp.H264Baseline, sdp.AV1Main, sdp.H264High, sdp.H264ConstrainedHigh},
		})
	}
	r.members.Store(&members)
	b.ReportAllocs()
	for b.Loop() {
		r.indexDirty = true
		r.flushIndexLocked()
	}
}
