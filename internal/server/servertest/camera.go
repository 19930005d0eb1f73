package servertest

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	cameraPeriod = 50 * time.Millisecond // 20 frames a second
	cameraWidth  = 640
)

// Camera sends VP8 frames of one packet each. They hold no picture, but the true headers, a number
// and a label. Key frames come only at the start and when they are asked for, as with browsers.
type Camera struct {
	label  byte
	track  *webrtc.TrackLocalStaticRTP
	sender *webrtc.RTPSender
	stop   context.CancelFunc

	keyWanted atomic.Bool
	requests  atomic.Int64 // key frame requests
	frames    atomic.Uint32
}

// Frames is the number of the last frame that was sent, from 1.
func (c *Camera) Frames() uint32 { return c.frames.Load() }

// StartCamera switches the camera on, for the next offer. The label tells its frames from those of others.
func (p *Peer) StartCamera(label byte) *Camera {
	p.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(vp8Codec, "camera", "me")
	must(p.t, err)
	sender, err := p.pc.AddTrack(track)
	must(p.t, err)
	ctx, stop := context.WithCancel(p.ctx)
	c := &Camera{label: label, track: track, sender: sender, stop: stop}
	c.keyWanted.Store(true)
	p.camera = c
	p.work.Go(func() { every(ctx, cameraPeriod, c.sendFrame) })
	p.work.Go(func() { context.AfterFunc(ctx, func() { _ = sender.Stop() }); c.listen() })
	return c
}

// StopCamera switches the camera off, for the next offer.
func (p *Peer) StopCamera() {
	p.t.Helper()
	p.camera.stop()
	must(p.t, p.pc.RemoveTrack(p.camera.sender))
	p.camera = nil
}

// listen notes the key frame requests of the server until the camera is stopped.
func (c *Camera) listen() {
	for {
		packets, _, err := c.sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				c.requests.Add(1)
				c.keyWanted.Store(true)
			}
		}
	}
}

// sendFrame sends the next frame. A track that is not connected takes packets and drops them.
func (c *Camera) sendFrame() {
	number := c.frames.Add(1)
	_ = c.track.WriteRTP(&rtp.Packet{
		Header: rtp.Header{
			Version: 2, Marker: true, SequenceNumber: uint16(number),
			Timestamp: number * uint32(cameraPeriod/time.Millisecond) * 90,
		},
		Payload: vp8Frame(c.label, number, c.keyWanted.Swap(false), cameraWidth),
	})
}

// vp8Frame is a payload descriptor with a 15-bit picture id (RFC 7741 section 4.2), the frame header (RFC 6386 section
// 9.1), and in place of a picture the label and the number.
func vp8Frame(label byte, number uint32, key bool, width uint16) []byte {
	payload := []byte{0x90, 0x80, 0x80 | byte(number>>8)&0x7f, byte(number)}
	if key {
		payload = append(payload, 0x10, 0, 0, 0x9d, 0x01, 0x2a)
		payload = binary.LittleEndian.AppendUint16(payload, width)
		payload = binary.LittleEndian.AppendUint16(payload, width*9/16)
	} else {
		payload = append(payload, 0x11, 0, 0)
	}
	return binary.BigEndian.AppendUint32(append(payload, label), number)
}

// Frame is what arrived of a Camera's frame.
type Frame struct {
	Label  byte
	Number uint32
	Key    bool
	Packet *rtp.Packet
}

// NextFrame returns the next packet of a video stream as the frame that it holds.
func (s *Stream) NextFrame() Frame {
	s.t.Helper()
	packet := s.Next()
	const descriptor = 4
	if len(packet.Payload) < descriptor+8 || packet.Payload[0] != 0x90 {
		s.t.Fatalf("this is no frame of a test camera: %x", packet.Payload)
	}
	end := len(packet.Payload) - 4
	return Frame{
		Label:  packet.Payload[end-1],
		Number: binary.BigEndian.Uint32(packet.Payload[end:]),
		Key:    packet.Payload[descriptor]&1 == 0,
		Packet: packet,
	}
}
