// Package sound has Opus packets made in advance, so that senders need no encoder.
package sound

import (
	_ "embed"
	"encoding/binary"
)

//go:generate go run -tags nolibopusfile ./generate

// Packet is 20 ms of sound.
type Packet struct {
	Payload []byte
	Level   uint8 // RFC 6464: dBov below full scale, and 0x80 for voice
}

// The parts of Speech, in packets.
const (
	// SpeechPackets of speech come first, then silence.
	SpeechPackets = 75
	// AllPackets is the length of one round.
	AllPackets = 100
)

//go:embed speech.bin
var packets []byte

// Speech is a second and a half of speech at about 32 kbit/s and half a second of silence.
func Speech() []Packet {
	var list []Packet
	for rest := packets; len(rest) >= 3; {
		n := int(binary.BigEndian.Uint16(rest[1:]))
		list = append(list, Packet{Level: rest[0], Payload: rest[3 : 3+n]})
		rest = rest[3+n:]
	}
	return list
}

// Silence is what a muted microphone sends.
func Silence() []Packet {
	all := Speech()
	return all[len(all)-1:]
}
