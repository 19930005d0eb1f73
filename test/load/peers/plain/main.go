// Command plain is the smallest server that forwards media with complete WebRTC peer connections (pion/webrtc): what
// somebody writes who begins with a library. It is the baseline of the comparison, with the library's defaults, save
// that all media goes over one UDP port.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// server holds the rooms. Everything is behind one lock, except the packets.
type server struct {
	api *webrtc.API

	mu      sync.Mutex
	clients map[string]*client
}

// client is one peer connection.
type client struct {
	room   string
	pc     *webrtc.PeerConnection
	tracks []*track
	taken  map[*track]bool
}

// track is what a client sends.
type track struct {
	owner *client
	local *webrtc.TrackLocalStaticRTP
	ssrc  uint32
}

// request is a join, or with the same id a subscription to what the others of the room send.
type request struct{ Room, ID, Offer string }

func main() {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		log.Fatal(err)
	}
	udp.SetReadBuffer(8 << 20)
	udp.SetWriteBuffer(8 << 20)
	settings := webrtc.SettingEngine{}
	settings.SetICEUDPMux(webrtc.NewICEUDPMux(nil, udp))
	settings.SetIncludeLoopbackCandidate(true)
	if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil { // the load generator is always the client
		log.Fatal(err)
	}
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	codecs, chain := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := codecs.RegisterDefaultCodecs(); err != nil {
		log.Fatal(err)
	}
	if err := webrtc.RegisterDefaultInterceptors(codecs, chain); err != nil {
		log.Fatal(err)
	}
	s := &server{
		api:     webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(codecs), webrtc.WithInterceptorRegistry(chain)),
		clients: make(map[string]*client),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /join", s.handle(s.join))
	http.HandleFunc("POST /subscribe", s.handle(s.subscribe))
	http.HandleFunc("GET /goroutines", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, runtime.NumGoroutine()) })
	json.NewEncoder(os.Stdout).Encode(map[string]string{"url": "http://" + listener.Addr().String()})
	log.Fatal(http.Serve(listener, nil))
}

func (s *server) handle(f func(request) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in request
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := f(in)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"answer": answer})
	}
}

func (s *server) join(in request) (string, error) {
	pc, err := s.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	c := &client{room: in.Room, pc: pc, taken: make(map[*track]bool)}
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { s.forward(c, remote) })
	s.mu.Lock()
	s.clients[in.ID] = c
	s.mu.Unlock()
	return c.answer(in.Offer)
}

// forward sends a track to all who have subscribed to it, until it ends.
func (s *server) forward(c *client, remote *webrtc.TrackRemote) {
	local, err := webrtc.NewTrackLocalStaticRTP(remote.Codec().RTPCodecCapability, remote.ID(), fmt.Sprint(remote.SSRC()))
	if err != nil {
		log.Print(err)
		return
	}
	s.mu.Lock()
	c.tracks = append(c.tracks, &track{owner: c, local: local, ssrc: uint32(remote.SSRC())})
	s.mu.Unlock()
	buffer := make([]byte, 1500)
	for {
		n, _, err := remote.Read(buffer)
		if err != nil {
			return
		}
		local.Write(buffer[:n]) // those who cannot be reached are no reason to stop
	}
}

// subscribe adds everything that the others send to the client's connection.
func (s *server) subscribe(in request) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[in.ID]
	if c == nil {
		return "", fmt.Errorf("there is no client %q", in.ID)
	}
	for _, other := range s.clients {
		if other == c || other.room != c.room {
			continue
		}
		for _, t := range other.tracks {
			if c.taken[t] {
				continue
			}
			c.taken[t] = true
			sender, err := c.pc.AddTrack(t.local)
			if err != nil {
				return "", err
			}
			go t.listen(sender)
		}
	}
	return c.answer(in.Offer)
}

// listen hands key frame requests to the sender.
func (t *track) listen(sender *webrtc.RTPSender) {
	t.requestKeyFrame()
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				t.requestKeyFrame()
			}
		}
	}
}

func (t *track) requestKeyFrame() {
	t.owner.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: t.ssrc}})
}

func (c *client) answer(offer string) (string, error) {
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	answer, err := c.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return c.pc.LocalDescription().SDP, nil
}
