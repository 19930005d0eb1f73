package mixer

import (
	"fmt"
	"testing"

	"carillon/internal/media/opus"
)

// A sender that goes from mono to stereo and back, as encoders do when the bitrate changes, is followed without a
// break: what goes into the mix is what a stereo decoder makes of all its packets. Only in the first frame of stereo
// the sides grow apart a little later.
func TestDecodersFollowAChangeOfChannels(t *testing.T) {
	for _, loss := range []int{0, 20} { // with loss, the encoder uses the speech coder for stereo, too
		t.Run(fmt.Sprintf("expected loss %d", loss), func(t *testing.T) { changeOfChannels(t, loss) })
	}
}

func changeOfChannels(t *testing.T, expectedLoss int) {
	const hz = 440
	r := NewRoom(Config{})
	source, l, direct := r.AddSource(SourceConfig{}), newStereoListener(t), newStereoListener(t)
	r.AddSink(SinkConfig{Format: full, Owner: l})
	s := newStereoSender(t, tone(hz), func(at float64) float64 { return tone(hz)(at) / 2 })
	if err := s.enc.SetPacketLossPerc(expectedLoss); err != nil {
		t.Fatal(err)
	}
	var changes []int
	stereo := false
	for i := range 6 * 50 {
		rate := 10000
		if i/50%2 == 1 {
			rate = MaxBitrate
		}
		if err := s.enc.SetBitrate(rate); err != nil {
			t.Fatal(err)
		}
		p := s.next()
		if now := opus.Stereo(p.payload); now != stereo {
			stereo = now
			changes = append(changes, i)
		}
		direct.hear(p.payload, true)
		push(source, p)
		step(t, r)
		if i < 5 {
			continue
		}
		var mid, side [opus.FrameSamples]float32
		at := (i - 1) * opus.FrameSamples // one packet waits in the queue
		for k := range mid {
			left, right := direct.pcm[at+k], direct.right[at+k]
			mid[k], side[k] = (left+right)/2, (left-right)/2
		}
		if d := distance(source.frame(false), mid[:]); d > 0.005 {
			t.Errorf("mid is off by %.4f in step %d, changes at %v", d, i, changes)
		}
		if !source.pcm.wide {
			continue
		}
		if d := distance(source.frame(true), side[:]); d > 0.005 && !(len(changes) == 1 && changes[0] == i-1) {
			t.Errorf("side is off by %.4f in step %d, changes at %v", d, i, changes)
		}
	}
	if len(changes) != 5 {
		t.Fatalf("the sender changed in steps %v", changes)
	}
	if source.dec.Channels() != 2 {
		t.Error("the decoder of somebody who sends stereo is of mono")
	}
	// After a pause the decoder is again what the packets need.
	s.sound, s.right = silence, nil
	_ = s.enc.SetBitrate(10000)
	for range 60 {
		push(source, s.next())
		step(t, r)
	}
	s.sound = tone(hz)
	for range 20 {
		push(source, s.next())
		step(t, r)
	}
	if source.dec.Channels() != 1 || source.pcm.wide {
		t.Error("the decoder of somebody who sends mono is of stereo")
	}
	wantTone(t, "right", ending(l.right, 0.2), hz, true)
}

// Those who did not ask for stereo get a mix of it, and that does not keep it from being passed on to the others.
func TestStereoIsPassedOnOnlyToThoseWhoAsk(t *testing.T) {
	const hz = 437
	for name, format := range map[string]Format{"mono": {}, "less stereo": NewFormat(true, 64000)} {
		t.Run(name, func(t *testing.T) {
			c := newConversationIn(t, tone(hz), full, 2)
			other := newListener(t)
			var guest *Sink
			both := 0
			for i := range 28 * 50 {
				switch i % 311 {
				case 150:
					guest = c.room.AddSink(SinkConfig{Format: format, Owner: other})
				case 300:
					c.room.RemoveSink(guest)
					guest = nil
				}
				c.step(t, false)
				if guest != nil && guest.passing() {
					t.Fatalf("packets are passed on in step %d to somebody who did not ask for them", i)
				}
				if guest != nil && c.sink.passing() {
					both++
				}
			}
			if len(c.changes) < 12 || both < 200 {
				t.Fatalf("%d changes, packets passed on to one of two in %d steps: nothing is tested", len(c.changes), both)
			}
			for _, ch := range c.changes {
				for k := ch.step - 1; k < ch.step+4; k++ {
					if !steady(c.heard.pcm, k) {
						continue
					}
					if x := max(residue(c.heard.pcm, k, hz), residue(c.heard.right, k, hz)); x > 0.014 {
						t.Errorf("residue %.4f in step %d", x, k)
					}
				}
			}
			if other.stereo > 0 && !format.Stereo() {
				t.Errorf("%d stereo packets for mono", other.stereo)
			}
		})
	}
}

// A mono talker is passed on to everybody, whatever they asked for.
func TestMonoIsPassedOnToEverybody(t *testing.T) {
	c := newConversationIn(t, tone(437), full, 1)
	c.room.AddSink(SinkConfig{Owner: newListener(t)})
	for range 400 {
		c.step(t, false)
	}
	if c.passed < 50 {
		t.Errorf("packets passed on in %d steps", c.passed)
	}
}
