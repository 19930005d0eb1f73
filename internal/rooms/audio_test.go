package rooms

import "testing"

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
