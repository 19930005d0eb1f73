package forwarder

import (
	"testing"

	"github.com/pion/rtcp"
)

// hostileNACK asks for as many packets as fit a datagram, all of them long known to be gone.
func hostileNACK(tb testing.TB, newest uint16) []byte {
	tb.Helper()
	var pairs []rtcp.NackPair
	for i := range 250 {
		pairs = append(pairs, rtcp.NackPair{PacketID: newest - uint16(i%50)*17 - 17, LostPackets: 0xffff})
	}
	n := &rtcp.TransportLayerNack{MediaSSRC: outSSRC, Nacks: pairs}
	raw, err := rtcp.Marshal([]rtcp.Packet{n, n})
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// One reader works for everybody, so what a receiver can make it search for is bounded.
func TestFloodOfNACKsIsCutShort(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	for i := range 200 {
		s.send(s.frame(i == 0, 5)...)
	}
	sent := r.out.take()
	newest := sent[len(sent)-1].SequenceNumber
	raw := hostileNACK(t, newest)
	r.down.HandleRTCP(nil, raw, s.now)
	if got := len(r.out.take()); got == 0 || got > retransmitBurst {
		t.Errorf("%d packets were sent again", got)
	}
	if r.d.rtx.asks.left >= 1_000_000_000 {
		t.Error("the searches were not counted")
	}
	if r.d.retransmit(nil, newest, s.now) {
		t.Error("it is still listened to")
	}
	s.now += 1000 * ms
	r.feedback(t, s.now, nack(newest))
	if got := len(r.out.take()); got != 1 {
		t.Errorf("a second later an honest request is answered by %d packets", got)
	}
}

// A datagram that asks for 8500 packets, when the receiver has asked for too much already.
func BenchmarkHostileNACK(b *testing.B) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	for i := range 200 {
		s.send(s.frame(i == 0, 5)...)
	}
	sent := r.out.take()
	raw := hostileNACK(b, sent[len(sent)-1].SequenceNumber)
	b.ReportAllocs()
	for b.Loop() {
		r.down.HandleRTCP(nil, raw, s.now)
	}
}
