package rooms

import (
	"testing"

	"github.com/pion/rtp"

	"carillon/internal/media/mixer"
)

// Receivers find out how often the numbers have wrapped by the first packet that reaches them. If the first ones are
// lost and the numbers wrap meanwhile, they take all that follow for forged (RFC 3711 section 3.3.1).
func TestAudioNumbersDoNotBeginBeforeAWrap(t *testing.T) {
	for range 1000 {
		var o audioOut
		o.open()
		if o.header.SequenceNumber >= 1<<15 {
			t.Fatalf("the audio begins at number %d", o.header.SequenceNumber)
		}
	}
}

// Browsers send packets without audio to find out what their line carries. Those are not lost.
func TestPaddingIsNotLost(t *testing.T) {
	for name, c := range map[string]struct {
		payloadType uint8
		payload     []byte
	}{"Opus": {111, []byte{0xf8, 0xff, 0xfe}}, "RED": {63, []byte{111, 0xf8, 0xff, 0xfe}}} {
		t.Run(name, func(t *testing.T) {
			r := mixer.NewRoom(mixer.Config{})
			in := audioIn{payloadType: 111, red: 63, source: r.AddSource(mixer.SourceConfig{})}
			h := rtp.Header{PayloadType: c.payloadType}
			for i := range 100 {
				h.Timestamp += samplesPerFrame
				for n := range 1 + i%3 {
					payload := c.payload
					if n > 0 {
						payload = nil
					}
					h.SequenceNumber++
					if !in.push(&h, payload) {
						t.Fatal("not taken")
					}
				}
				r.Step(func(*mixer.Sink, *mixer.Frame) {})
			}
			if played, missing := in.source.Played(); missing != 0 || played < 98*samplesPerFrame {
				t.Errorf("%d samples played, %d missing", played, missing)
			}
		})
	}
}
