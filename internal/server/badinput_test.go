package server_test

import (
	"bytes"
	"compress/flate"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"carillon/internal/server/servertest"
	"carillon/internal/signaling/frame"
	"carillon/internal/signaling/signalpb"
)

// bystander is somebody in the meeting whom nothing that another client does may disturb.
type bystander struct {
	t     *testing.T
	audio *servertest.Stream
	next  uint16
}

func newBystander(t *testing.T, c *servertest.Client) *bystander {
	audio := c.Audio()
	return &bystander{t: t, audio: audio, next: audio.Next().SequenceNumber + 1}
}

// check reads what has come meanwhile and a second more, and finds no gap in it.
func (b *bystander) check() {
	b.t.Helper()
	packets := b.audio.Waiting() + 50
	start := time.Now()
	for range packets {
		if got := b.audio.Next().SequenceNumber; got != b.next {
			b.t.Fatalf("the bystander misses %d packets", got-b.next)
		}
		b.next++
	}
	if took := time.Since(start); took > 3*time.Second {
		b.t.Errorf("the bystander got %d packets in %v", packets, took)
	}
}

// The answer to a token that is not valid comes only after JOIN, where no client can miss it.
func TestInvalidTokens(t *testing.T) {
	m := newMeeting(t, 1)
	good := m.tickets[0]
	elsewhere := m.owner.Join(m.owner.CreateMeeting("Another"))
	for name, c := range map[string]struct{ conference, token string }{
		"unknown":                {good.ConferenceID, strings.Repeat("0123456789abcdef", 6)},
		"changed":                {good.ConferenceID, flipped(good.Token)},
		"short":                  {good.ConferenceID, "x"},
		"of another conference":  {good.ConferenceID, elsewhere.Token},
		"for an unknown meeting": {"6f0e9c1a-0000-4000-8000-000000000000", good.Token},
		"for no meeting at all":  {"nothing", good.Token},
		"twice a screen share's": {good.ConferenceID, good.Token + "#content#content"},
		"another modality's":     {good.ConferenceID, good.Token + "#video"},
	} {
		t.Run(name, func(t *testing.T) {
			ticket := good
			ticket.ConferenceID, ticket.Token = c.conference, c.token
			s := servertest.Dial(t, ticket.At(m.Server))
			s.Ping(7) // the connection stays open and speaks until JOIN
			s.SendJoin(1)
			if code := s.ExpectClose(); code != 4403 {
				t.Errorf("close code %d, want 4403", code)
			}
		})
	}
}

// flipped changes the last digit of a token.
func flipped(token string) string {
	last := byte('0')
	if strings.HasSuffix(token, "0") {
		last = '1'
	}
	return token[:len(token)-1] + string(last)
}

func TestMalformedFramesAreRefused(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	other := newBystander(t, c[1])
	good, err := frame.Encode(&signalpb.SdkSignalFrame{TimestampMs: proto.Uint64(1), Type: signalpb.SdkSignalFrame_LEAVE.Enum()})
	if err != nil {
		t.Fatal(err)
	}
	for name, message := range map[string][]byte{
		"empty":                  {},
		"type byte only":         {5},
		"wrong type byte":        append([]byte{7}, good[1:]...),
		"truncated":              good[:len(good)-1],
		"no type":                {5, 8, 1},
		"random":                 {5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"length beyond the end":  {5, 8, 1, 16, 3, 0x32, 0xff, 0xff, 0xff, 0x07},
		"as large as may be":     bytes.Repeat([]byte{5}, frame.MaxSize),
		"group that never ends":  {5, 0x0b},
		"many empty submessages": append([]byte{5, 8, 1, 16, 1}, bytes.Repeat([]byte{0x32, 0}, 100_000)...),
	} {
		t.Run(name, func(t *testing.T) {
			c[0].SendRaw(message)
			if f := c[0].Expect(signalpb.SdkSignalFrame_NOTIFICATION); f.GetError().GetStatus() != 400 || f.GetNotification() == nil {
				t.Errorf("answer: %v", f)
			}
			c[0].Ping(1)
		})
	}
	t.Run("text", func(t *testing.T) {
		c[0].SendText(string(good))
		if f := c[0].Expect(signalpb.SdkSignalFrame_NOTIFICATION); f.GetError().GetStatus() != 400 {
			t.Errorf("answer: %v", f)
		}
	})
	t.Run("unknown type", func(t *testing.T) { // of a later client: no error
		c[0].SendRaw([]byte{5, 8, 1, 16, 99})
		c[0].Ping(2)
	})
	other.check()
}

func TestOversizedFrameEndsItsConnection(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	other := newBystander(t, c[1])
	c[0].SendRaw(make([]byte, frame.MaxSize+1))
	if code := c[0].ExpectClose(); code != 1009 {
		t.Errorf("close code %d, want 1009", code)
	}
	other.check()
}

func TestFloodOfFramesEndsItsConnection(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	other := newBystander(t, c[1])
	if code := c[0].Flood([]byte{5, 0xff}, 5000); code != 1008 {
		t.Errorf("close code %d, want 1008", code)
	}
	other.check()
}

func deflated(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// An offer that cannot be answered is refused, and leaves everything as it was.
func TestBadOffersAreRefused(t *testing.T) {
	const head = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
	const credentials = "a=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"
	fingerprint := "a=fingerprint:sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":") + "\r\n"
	text := func(s string) *signalpb.SdkSubscribeFrame {
		return &signalpb.SdkSubscribeFrame{SdpOffer: proto.String(s)}
	}
	compressed := func(b []byte) *signalpb.SdkSubscribeFrame { return &signalpb.SdkSubscribeFrame{CompressedSdpOffer: b} }

	m := newMeeting(t, 2)
	c := m.enter(t)
	other := newBystander(t, c[1])
	newcomer := servertest.Arrive(t, m.tickets[0], 3)
	for name, sub := range map[string]*signalpb.SdkSubscribeFrame{
		"no offer":             {},
		"empty":                text(""),
		"garbage":              text("hello"),
		"no sections":          text(head),
		"no credentials":       text(head + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n"),
		"no fingerprint":       text(head + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n" + credentials),
		"audio without Opus":   text(head + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtcp-mux\r\n" + credentials + fingerprint),
		"too many sections":    text(head + strings.Repeat("m=video 0 UDP/TLS/RTP/SAVPF 96\r\n", 10_000)),
		"not UTF-8":            text("v=0\r\n\xff\xfe\x00"),
		"compressed garbage":   compressed([]byte{0xde, 0xad, 0xbe, 0xef}),
		"compressed nonsense":  compressed(deflated(t, "hello")),
		"compressed bomb":      compressed(deflated(t, strings.Repeat("a", 64<<20))),
		"another connection's": text(head + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\na=setup:passive\r\na=mid:0\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			f := newcomer.SubscribeWith(sub)
			if f.GetError().GetStatus() != 400 || f.GetError().GetDescription() == "" || f.GetSuback() == nil || f.GetSuback().GetSdpAnswer() != "" {
				t.Errorf("answer: %v", f)
			}
		})
	}
	newcomer.Negotiate()
	newcomer.Audio().Next()
	other.check()
}

// A description of another connection would need an ICE restart, which there is not.
func TestOfferOfAnotherConnectionIsRefused(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	other := newBystander(t, c[1])
	stranger := servertest.Arrive(t, m.tickets[0].Content(), 3)
	if f := c[0].SubscribeWith(&signalpb.SdkSubscribeFrame{SdpOffer: proto.String(stranger.Offer())}); f.GetError().GetStatus() != 400 {
		t.Errorf("answer: %v", f)
	}
	c[0].Audio().Next()
	other.check()
}

// What comes from an address that has not passed ICE is not answered, and hurts nobody.
func TestStrangeDatagramsAreIgnored(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	other := newBystander(t, c[1])
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(m.MediaAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for range 200 {
		for _, datagram := range [][]byte{
			append([]byte{0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}, make([]byte, 160)...),                   // RTP
			{0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10},                     // SRTCP
			append([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 1, 0, 0, 28}, make([]byte, 36)...), // ClientHello
			{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},                     // STUN without a user
			bytes.Repeat([]byte{0xff}, 1400),
			{},
		} {
			if _, err := socket.Write(datagram); err != nil {
				t.Fatal(err)
			}
		}
	}
	other.check() // a second later, when all of it has long been read
	if err := socket.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1500)
	if n, err := socket.Read(answer); !os.IsTimeout(err) {
		t.Errorf("the server answered a stranger: %x, %v", answer[:n], err)
	}
	c[0].Speak(440)
	hears(t, "the bystander", c[1].Ear(), map[int]bool{440: true})
}
