package rtp_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	pion "github.com/pion/rtp"

	"carillon/internal/media/rtp"
	"carillon/internal/media/rtp/rtptest"
)

// protectedPackets are the packets of a stream with header extensions, of random sizes.
func protectedPackets(rng *rand.Rand, n int, first uint16) (all []pion.Packet) {
	for i := range n {
		p := pion.Packet{
			Header:  pion.Header{Version: 2, PayloadType: uint8(96 + i%2), SSRC: 7, SequenceNumber: first + uint16(i), Timestamp: rng.Uint32(), Marker: i%3 == 0},
			Payload: make([]byte, rng.IntN(1200)),
		}
		for j := range p.Payload {
			p.Payload[j] = byte(rng.Uint32())
		}
		if i%4 != 0 {
			if err := p.SetExtension(3, []byte{byte(i), 2, 3}); err != nil {
				panic(err)
			}
		}
		all = append(all, p)
	}
	return all
}

func addParity(t *testing.T, w *rtp.ParityWindow, payload []byte, first int64) {
	t.Helper()
	p, ok := rtp.ParseParity(payload)
	if !ok {
		t.Fatalf("a parity packet is refused: % x", payload)
	}
	w.Add(first+int64(p.Base-uint16(first)), p)
}

func TestRestoredPacketIsTheOneThatWasLost(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		var w rtp.ParityWindow
		n := 1 + rng.IntN(16)
		long := round%2 == 0
		if long {
			n = 1 + rng.IntN(48)
		}
		first := int64(1<<16 + 65500 + rng.IntN(60)) // across the wrap-around
		packets := protectedPackets(rng, n, uint16(first))
		lost := rng.IntN(n)
		keep := func(i int) {
			if i != lost {
				w.Keep(first+int64(i), &packets[i].Header, packets[i].Payload)
			}
		}
		early := rng.IntN(n + 1) // the parity packet may overtake
		for i := range early {
			keep(i)
		}
		addParity(t, &w, rtptest.Parity(long, packets...), first)
		for i := early; i < n; i++ {
			keep(i)
		}
		ext, h, payload, ok := w.Restore()
		if !ok || ext != first+int64(lost) {
			t.Fatalf("round %d: packet %d of %d was lost: restored %d, %v", round, lost, n, ext-first, ok)
		}
		want := packets[lost]
		if h.PayloadType != want.PayloadType || h.Timestamp != want.Timestamp || h.Marker != want.Marker ||
			h.SequenceNumber != want.SequenceNumber || !bytes.Equal(payload, want.Payload) || !bytes.Equal(h.GetExtension(3), want.GetExtension(3)) {
			t.Fatalf("round %d: restored %+v", round, h)
		}
		if _, _, _, again := w.Restore(); again || w.Waiting() {
			t.Fatal("it is restored twice")
		}
	}
}

// Two losses under one parity packet cannot be restored until another one, or the packet itself, helps.
func TestRestoringNeedsAllOthers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	packets := protectedPackets(rng, 6, 10)
	var w rtp.ParityWindow
	for _, i := range []int{0, 3, 4, 5} {
		w.Keep(int64(10+i), &packets[i].Header, packets[i].Payload)
	}
	addParity(t, &w, rtptest.Parity(false, packets...), 10)
	if _, _, _, ok := w.Restore(); ok {
		t.Fatal("two lost packets were made of one parity packet")
	}
	addParity(t, &w, rtptest.Parity(false, packets[0], packets[2], packets[4]), 10)
	for _, want := range []int64{12, 11} {
		if ext, _, payload, ok := w.Restore(); !ok || ext != want || !bytes.Equal(payload, packets[ext-10].Payload) {
			t.Fatalf("restored %d %v, want %d", ext, ok, want)
		}
	}
	if w.Waiting() {
		t.Error("something still waits")
	}
}

// A parity packet covers padding too, which is not there any more.
func TestPaddedPacketsRestoreNothing(t *testing.T) {
	packets := protectedPackets(rand.New(rand.NewPCG(11, 12)), 3, 100)
	var w rtp.ParityWindow
	for i := range 2 {
		h := packets[i].Header
		h.PaddingSize = byte(4 * i)
		w.Keep(int64(100+i), &h, packets[i].Payload)
	}
	addParity(t, &w, rtptest.Parity(false, packets...), 100)
	if ext, _, _, ok := w.Restore(); ok {
		t.Errorf("restored %d", ext)
	}
}

func TestPacketsFromLongAgoRestoreNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	packets := protectedPackets(rng, 3, 100)
	var w rtp.ParityWindow
	for i := range 2 {
		w.Keep(int64(100+i), &packets[i].Header, packets[i].Payload)
	}
	for i := range int64(200) { // others take their places
		w.Keep(103+i, &packets[0].Header, packets[0].Payload)
	}
	addParity(t, &w, rtptest.Parity(false, packets...), 100)
	if ext, _, _, ok := w.Restore(); ok {
		t.Errorf("restored %d", ext)
	}
}

func TestBrokenParityPackets(t *testing.T) {
	good := rtptest.Parity(true, protectedPackets(rand.New(rand.NewPCG(7, 8)), 3, 9)...)
	for n := range 18 {
		if _, ok := rtp.ParseParity(good[:n]); ok {
			t.Errorf("%d bytes are taken", n)
		}
	}
	if _, ok := rtp.ParseParity(good[:len(good)-1]); ok {
		t.Error("one that is cut off is taken")
	}
	extended := bytes.Clone(good)
	extended[0] |= 0x80
	if _, ok := rtp.ParseParity(extended); ok {
		t.Error("the extension bit, which is reserved, is taken")
	}
	none := bytes.Clone(good)
	clear(none[12:18])
	if _, ok := rtp.ParseParity(none); ok {
		t.Error("one that covers nothing is taken")
	}
}

// Whatever parity packets say, what is restored stays within what a packet may be.
func FuzzParityWindow(f *testing.F) {
	packets := protectedPackets(rand.New(rand.NewPCG(9, 10)), 5, 0)
	f.Add(rtptest.Parity(false, packets...), uint8(2))
	f.Add(rtptest.Parity(true, packets...), uint8(0))
	f.Fuzz(func(t *testing.T, payload []byte, lost uint8) {
		var w rtp.ParityWindow
		for i, p := range packets {
			if i != int(lost)%len(packets) {
				w.Keep(1<<16+int64(i), &p.Header, p.Payload)
			}
		}
		p, ok := rtp.ParseParity(payload)
		if !ok {
			return
		}
		w.Add(1<<16+int64(p.Base), p)
		for range 3 {
			if _, h, restored, ok := w.Restore(); ok && (h.MarshalSize()+len(restored) > 1500+12 || h.Padding) {
				t.Fatalf("restored %d bytes, padding %v", len(restored), h.Padding)
			}
		}
	})
}
