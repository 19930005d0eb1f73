package transport

import (
	"fmt"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

type discard struct{}

func (discard) HandleRTP(*Batch, *rtp.Header, []byte, int64) {}
func (discard) HandleRTCP(*Batch, []byte, int64)             {}
func (discard) HandleConnected()                             {}
func (discard) HandleClosed(error)                           {}

func TestPacketsCostNoAllocations(t *testing.T) {
	for name, profile := range map[string]srtp.ProtectionProfile{
		"AES-GCM": srtp.ProtectionProfileAeadAes128Gcm, "AES-CM": srtp.ProtectionProfileAes128CmHmacSha1_80,
	} {
		t.Run(name, func(t *testing.T) {
			fallback := profile == srtp.ProtectionProfileAes128CmHmacSha1_80
			s := listen(t, Config{})
			k := newSink(t)
			c := wired(t, s, discard{}, k.addr(), profile)
			b := s.NewBatch()
			header := rtp.Header{Version: 2, PayloadType: 96, SSRC: 9}
			if err := header.SetExtension(1, []byte("0")); err != nil {
				t.Fatal(err)
			}
			payload := make([]byte, 1100)
			report := []byte{0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 7}
			if n := testing.AllocsPerRun(500, func() {
				for range 4 {
					header.SequenceNumber++
					if err := c.WriteRTP(b, &header, payload); err != nil {
						t.Fatal(err)
					}
				}
				b.Flush()
			}); n != 0 && !(raceDetector && fallback) {
				t.Errorf("sending RTP costs %v allocations", n)
			}
			limit := 0.0
			if fallback {
				limit = 2 // of the library, for SRTCP under the profile that is only a fallback
			}
			if n := testing.AllocsPerRun(500, func() {
				if err := c.WriteRTCP(b, report); err != nil {
					t.Fatal(err)
				}
				b.Flush()
			}); n > limit && !(raceDetector && fallback) {
				t.Errorf("sending RTCP costs %v allocations", n)
			}

			r := testReader(s, "192.0.2.7:4567")
			s.conns.claim(c, r.from, 1)
			var media, reports [][]byte
			out := testContext(t, profile)
			for range 502 {
				header.SequenceNumber++
				packet, err := (&rtp.Packet{Header: header, Payload: payload}).Marshal()
				if err != nil {
					t.Fatal(err)
				}
				datagram, err := out.EncryptRTP(nil, packet, nil)
				if err != nil {
					t.Fatal(err)
				}
				media = append(media, datagram)
				if datagram, err = out.EncryptRTCP(nil, report, nil); err != nil {
					t.Fatal(err)
				}
				reports = append(reports, datagram)
			}
			i := 0
			if n := testing.AllocsPerRun(500, func() {
				r.handle(media[i], 1)
				r.handle(reports[i], 1)
				i++
			}); n != 0 && !(raceDetector && fallback) {
				t.Errorf("receiving costs %v allocations", n)
			}
			if got := s.Stats().Undecrypted; got != 0 {
				t.Errorf("%d packets were not decrypted", got)
			}
		})
	}
}

// BenchmarkSend measures one packet of 1200 bytes to each of 50 receivers, in bursts as a video frame has packets.
func BenchmarkSend(b *testing.B) {
	for _, burst := range []int{1, 4, 8} {
		for _, segmented := range []bool{false, true} {
			b.Run(fmt.Sprintf("burst=%d/segmented=%v", burst, segmented), func(b *testing.B) {
				s := listen(b, Config{})
				s.socket.segmented.Store(segmented)
				k := newSink(b)
				var conns []*Conn
				for range 50 {
					conns = append(conns, wired(b, s, discard{}, k.addr(), srtp.ProtectionProfileAeadAes128Gcm))
				}
				batch := s.NewBatch()
				header := rtp.Header{Version: 2, PayloadType: 96, SSRC: 9}
				payload := make([]byte, 1172)
				b.ReportAllocs()
				for packets := 0; packets < b.N; {
					for range burst {
						header.SequenceNumber++
						for _, c := range conns {
							if err := c.WriteRTP(batch, &header, payload); err != nil {
								b.Fatal(err)
							}
							packets++
						}
					}
					batch.Flush()
				}
			})
		}
	}
}

// BenchmarkProtect measures our own part of sending: everything but the system call.
func BenchmarkProtect(b *testing.B) {
	s := listen(b, Config{})
	c := wired(b, s, discard{}, newSink(b).addr(), srtp.ProtectionProfileAeadAes128Gcm)
	batch := s.NewBatch()
	header := rtp.Header{Version: 2, PayloadType: 96, SSRC: 9}
	payload := make([]byte, 1172)
	b.ReportAllocs()
	for b.Loop() {
		header.SequenceNumber++
		if err := c.WriteRTP(batch, &header, payload); err != nil {
			b.Fatal(err)
		}
		if len(batch.packets) == maxSegments { // forget instead of sending
			batch.chains, batch.packets, batch.chunk, batch.used = batch.chains[:0], batch.packets[:0], 0, 0
		}
	}
}

// BenchmarkReceive measures from the datagram in memory to the Handler.
func BenchmarkReceive(b *testing.B) {
	s := listen(b, Config{})
	c := wired(b, s, discard{}, newSink(b).addr(), srtp.ProtectionProfileAeadAes128Gcm)
	r := testReader(s, "192.0.2.7:4567")
	s.conns.claim(c, r.from, 1)
	out := testContext(b, srtp.ProtectionProfileAeadAes128Gcm)
	header := rtp.Header{Version: 2, PayloadType: 96, SSRC: 9}
	packet := make([]byte, 1200, 1300)
	scratch := rtp.Header{}
	b.ReportAllocs()
	for b.Loop() { // protecting is in the measure too: a packet can be received only once
		header.SequenceNumber++
		if _, err := header.MarshalTo(packet[:1200]); err != nil {
			b.Fatal(err)
		}
		datagram, err := out.EncryptRTP(packet, packet[:1200], &scratch)
		if err != nil {
			b.Fatal(err)
		}
		r.handle(datagram, 1)
	}
	if n := s.Stats().Undecrypted; n != 0 {
		b.Fatalf("%d packets were not decrypted", n)
	}
}
