package lean

import (
	"testing"

	"carillon/test/load/sound"
)

// A muted client sends 4.8 packets per second, and somebody who talks leaves out most of each pause.
func TestDiscontinuous(t *testing.T) {
	count := func(say []sound.Packet, frames int) (whole, short int) {
		f := &Flow{cfg: FlowConfig{Sound: say}, silent: silentFrames(say)}
		for i := range frames {
			p := say[i%len(say)]
			f.level[0] = p.Level
			switch sent := f.discontinuous(p.Payload); len(sent) {
			case 0:
			case 1:
				short++
			default:
				whole++
			}
		}
		return whole, short
	}
	if whole, short := count(sound.Silence(), 50*21); whole != 50 || short != 50 {
		t.Errorf("silence: %d packets and %d of one byte in 21 s", whole, short)
	}
	want := sound.SpeechPackets + silenceSent
	if whole, short := count(sound.Speech(), 10*sound.AllPackets); whole != 10*want || short != 10 {
		t.Errorf("speech: %d packets and %d of one byte in 20 s, want %d", whole, short, 10*want)
	}
}
