package lean

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/pion/stun/v3"
)

// ICE attributes of RFC 8445 section 16.1.
const priority = 126<<24 | 65535<<8 | 255

// rawAttribute is a STUN attribute with its value.
func rawAttribute(t stun.AttrType, value []byte) stun.Setter {
	return stun.RawAttribute{Type: t, Value: value}
}

// check sends a connectivity check that nominates the pair.
func (c *Conn) check() {
	var number [4]byte
	binary.BigEndian.PutUint32(number[:], priority)
	var tie [8]byte
	binary.BigEndian.PutUint64(tie[:], rand.Uint64())
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest,
		stun.NewUsername(c.remote.Ufrag+":"+c.Ufrag),
		rawAttribute(stun.AttrPriority, number[:]),
		rawAttribute(stun.AttrICEControlling, tie[:]),
		rawAttribute(stun.AttrUseCandidate, nil),
		stun.NewShortTermIntegrity(c.remote.Pwd), stun.Fingerprint)
	if err == nil {
		c.write(m.Raw)
	}
}

// handleSTUN takes answers to our checks, and answers those of servers that are full ICE agents.
func (c *Conn) handleSTUN(datagram []byte) {
	m := &stun.Message{Raw: append([]byte(nil), datagram...)}
	if m.Decode() != nil {
		return
	}
	switch m.Type {
	case stun.BindingSuccess:
		if stun.NewShortTermIntegrity(c.remote.Pwd).Check(m) == nil && c.checks.Add(1) == 1 {
			close(c.agreed)
		}
	case stun.BindingRequest:
		if stun.NewShortTermIntegrity(c.Pwd).Check(m) != nil {
			return
		}
		answer, err := stun.Build(m, stun.BindingSuccess,
			&stun.XORMappedAddress{IP: c.remote.Addr.Addr().AsSlice(), Port: int(c.remote.Addr.Port())},
			stun.NewShortTermIntegrity(c.Pwd), stun.Fingerprint)
		if err == nil {
			c.write(answer.Raw)
		}
	}
}
