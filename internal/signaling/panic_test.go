package signaling_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"carillon/internal/media/transport"
	"carillon/internal/meetings"
	"carillon/internal/rooms"
	"carillon/internal/server/servertest"
	"carillon/internal/signaling"
)

// gate lets everybody in, by their tokens, until it is armed: then it panics for ann.
type gate struct{ armed atomic.Bool }

func (g *gate) Authenticate(_ context.Context, conferenceID, token string) (meetings.Conference, meetings.Attendee, error) {
	if token == "ann" && g.armed.Load() {
		panic("boom")
	}
	all := meetings.Capabilities{Audio: "SendReceive", Video: "SendReceive", Content: "SendReceive"}
	return meetings.Conference{ID: conferenceID}, meetings.Attendee{ID: token, ExternalUserID: token, Capabilities: all}, nil
}

// A panic in the handling of a frame closes that client's socket with the code that makes it come again. The others of
// the conference, and those who come later, notice nothing.
func TestPanicInFrameEndsOneSession(t *testing.T) {
	media, err := transport.Listen(transport.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	hub := rooms.NewHub(rooms.Config{Transport: media, Logger: slog.New(slog.DiscardHandler)})
	g := &gate{}
	server := signaling.New(signaling.Config{Meetings: g, Hub: hub, Logger: slog.New(slog.DiscardHandler)})
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		hub.Close()
		server.Close(ctx)
		web.Close()
		media.Close()
	})
	url := "ws" + strings.TrimPrefix(web.URL, "http") + "/signal/c"
	ben := servertest.Dial(t, servertest.Ticket{SignalingURL: url, Token: "ben"})
	ben.Join(1)
	ann := servertest.Dial(t, servertest.Ticket{SignalingURL: url, Token: "ann"})
	g.armed.Store(true)
	ann.SendJoin(2)
	if code := ann.ExpectClose(); code != 4500 {
		t.Errorf("ann's socket was closed with %d", code)
	}
	ben.Ping(7)
	later := servertest.Dial(t, servertest.Ticket{SignalingURL: url, Token: "cy"})
	later.Join(3)
	if n := hub.Participants(); n != 2 {
		t.Errorf("%d people are in, not ben and cy", n)
	}
	g.armed.Store(false)
	again := servertest.Dial(t, servertest.Ticket{SignalingURL: url, Token: "ann"})
	again.Join(2)
}
