package servertest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v3"
)

// leanMedia is the media connection of a Lean: one socket, on which the DTLS library is the only reader.
type leanMedia struct {
	socket   *net.UDPConn // nil until connect
	identity tls.Certificate
	check    []byte // a connectivity check
	session  *dtls.Conn
	media    chan []byte // SRTP and SRTCP; what nobody takes is dropped
	watched  uint32      // SSRC of the video that is received, 0 = none

	mu      sync.Mutex // guards what follows
	in, out *srtp.Context
	seq     uint16
}

const leanUfrag, leanPwd = "lean", "leanleanleanleanleanlean"

// leanIdentity is made once: certificates cost more than everything else about a Lean.
var leanIdentity = sync.OnceValues(selfsign.GenerateSelfSigned)

func newLeanMedia() (*leanMedia, error) {
	identity, err := leanIdentity()
	if err != nil {
		return nil, err
	}
	return &leanMedia{identity: identity, media: make(chan []byte, 64)}, nil
}

const (
	leanAudio, leanVideo, leanRTX = 1001, 1002, 1003 // SSRCs

	leanSection = "\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=ice-ufrag:" + leanUfrag + "\r\na=ice-pwd:" + leanPwd +
		"\r\na=fingerprint:sha-256 %s\r\na=setup:active\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid" +
		"\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	leanVP8 = "\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96"
)

// offer has the microphone, the camera, and a section for a video that is received.
func (m *leanMedia) offer() string {
	sum := sha256.Sum256(m.identity.Certificate[0])
	fingerprint := strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
	section := fmt.Sprintf(leanSection, fingerprint)
	return "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2" +
		"\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111" + section + "\r\na=mid:0\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2" +
		fmt.Sprintf("\r\na=ssrc:%d cname:lean", leanAudio) +
		"\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97" + section + "\r\na=mid:1\r\na=sendonly" + leanVP8 +
		fmt.Sprintf("\r\na=ssrc-group:FID %d %d\r\na=ssrc:%d cname:lean", leanVideo, leanRTX, leanVideo) +
		"\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97" + section + "\r\na=mid:2\r\na=recvonly" + leanVP8 + "\r\n"
}

// connect passes ICE and DTLS.
func (m *leanMedia) connect(ctx context.Context, answer string) error {
	ufrag, pwd, to, err := where(answer)
	if err != nil {
		return err
	}
	if m.socket, err = net.DialUDP("udp4", nil, to); err != nil {
		return err
	}
	m.check = stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername(ufrag+":"+leanUfrag),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: []byte("12345678")},
		stun.RawAttribute{Type: stun.AttrUseCandidate}, stun.NewShortTermIntegrity(pwd), stun.Fingerprint).Raw
	if err := m.validate(); err != nil {
		return fmt.Errorf("ICE: %w", err)
	}
	m.session, err = dtls.ClientWithOptions(leanPipe{m}, m.socket.RemoteAddr(), dtls.WithCertificates(m.identity),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM), dtls.WithInsecureSkipVerify(true))
	if err != nil {
		return err
	}
	if err := m.session.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("DTLS: %w", err)
	}
	state, ok := m.session.ConnectionState()
	if !ok {
		return errors.New("no DTLS state")
	}
	keys := srtp.Config{Profile: srtp.ProtectionProfileAeadAes128Gcm}
	if err := keys.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return err
	}
	in, err := srtp.CreateContext(keys.Keys.RemoteMasterKey, keys.Keys.RemoteMasterSalt, keys.Profile)
	if err != nil {
		return err
	}
	out, err := srtp.CreateContext(keys.Keys.LocalMasterKey, keys.Keys.LocalMasterSalt, keys.Profile)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.in, m.out = in, out
	return nil
}

// validate repeats the check until it is answered, as it may get lost.
func (m *leanMedia) validate() error {
	var answer [1500]byte
	for range 50 {
		if _, err := m.socket.Write(m.check); err != nil {
			return err
		}
		_ = m.socket.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if n, err := m.socket.Read(answer[:]); err == nil && n > 0 && answer[0] <= 3 {
			return m.socket.SetReadDeadline(time.Time{})
		}
	}
	return errors.New("no answer to the connectivity check")
}

// Refresh shows the server that the client is still there.
func (m *leanMedia) Refresh() { _, _ = m.socket.Write(m.check) }

// Play sends a packet of audio and one of video, which is a whole key frame.
func (m *leanMedia) Play() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq++
	key := append([]byte{0x90, 0x80, 0x80 | byte(m.seq>>8)&0x7f, byte(m.seq), 0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 36, 0}, make([]byte, 300)...)
	for _, p := range []rtp.Packet{
		{Header: rtp.Header{Version: 2, PayloadType: 111, SSRC: leanAudio, SequenceNumber: m.seq, Timestamp: uint32(m.seq) * 960}, Payload: []byte{0xf8, 0xff, 0xfe}},
		{Header: rtp.Header{Version: 2, PayloadType: 96, SSRC: leanVideo, SequenceNumber: m.seq, Timestamp: uint32(m.seq) * 1800, Marker: true}, Payload: key},
	} {
		raw, err := p.Marshal()
		if err != nil {
			return err
		}
		if raw, err = m.out.EncryptRTP(nil, raw, nil); err != nil {
			return err
		}
		if _, err = m.socket.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

// Receive waits until audio has come, and of the watched video, if there is one, a packet.
func (m *leanMedia) Receive() error {
	deadline := time.After(Patience)
	audio, video := false, m.watched == 0
	for !audio || !video {
		var datagram []byte
		select {
		case datagram = <-m.media:
		case <-deadline:
			return fmt.Errorf("not all came: audio %v, video %v", audio, video)
		}
		if datagram[1] >= 192 && datagram[1] <= 223 {
			continue // RTCP
		}
		var h rtp.Header
		m.mu.Lock()
		_, err := m.in.DecryptRTP(nil, datagram, &h)
		m.mu.Unlock()
		switch {
		case err != nil:
			return err
		case h.SSRC == m.watched:
			video = true
		case h.PayloadType == 111:
			audio = true
		}
	}
	return nil
}

func (m *leanMedia) close() {
	if m.socket != nil {
		m.socket.Close()
	}
	if m.session != nil {
		_ = m.session.Close() // its goodbye cannot be sent any more
	}
}

// leanPipe is the packet connection of the DTLS library: what is not DTLS goes elsewhere.
type leanPipe struct{ *leanMedia }

func (p leanPipe) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, err := p.socket.Read(b)
		if err != nil || n > 0 && b[0] >= 20 && b[0] <= 63 {
			return n, p.socket.RemoteAddr(), err
		}
		if n > 0 && b[0] >= 128 {
			select {
			case p.media <- append([]byte(nil), b[:n]...):
			default:
			}
		}
	}
}

func (p leanPipe) WriteTo(b []byte, _ net.Addr) (int, error) { return p.socket.Write(b) }
func (p leanPipe) Close() error                              { return p.socket.Close() }
func (p leanPipe) LocalAddr() net.Addr                       { return p.socket.LocalAddr() }
func (p leanPipe) SetDeadline(t time.Time) error             { return p.socket.SetDeadline(t) }
func (p leanPipe) SetReadDeadline(t time.Time) error         { return p.socket.SetReadDeadline(t) }
func (p leanPipe) SetWriteDeadline(t time.Time) error        { return p.socket.SetWriteDeadline(t) }
