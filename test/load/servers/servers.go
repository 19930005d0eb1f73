// Package servers starts the media servers that are compared, and lets people into meetings at each of them by its own
// protocol. What is sent and received there is the business of package lean.
package servers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"carillon/test/load/lean"
)

// Voice is what somebody's microphone does.
type Voice int

const (
	// Absent: there is no microphone.
	Absent Voice = iota
	// Muted: the client is muted. What that means on the wire is up to the protocol of the server: some clients go on
	// sending silence.
	Muted
	// Open: the microphone is on, and hears nobody.
	Open
	// Talking: the microphone hears speech with pauses.
	Talking
)

// Published reports whether others can subscribe to the microphone, where they subscribe to each.
func (v Voice) Published() bool { return v >= Open }

// Person is somebody who joins.
type Person struct {
	Name      string
	Camera    bool
	Simulcast bool // the camera is sent in three sizes
	Voice     Voice
	Layer     int                                 // of simulcast videos that are received, 0 the smallest
	Hear      func(payload []byte, arrival int64) // gets all audio, nil = nobody listens
}

// Server is a media server under load.
type Server interface {
	// Start runs the server, with dir for its files.
	Start(ctx context.Context, dir string) error
	// Pids are the processes to measure.
	Pids() []int
	// Room makes a meeting.
	Room(ctx context.Context, engine *lean.Engine) (Room, error)
	// Stop ends the server.
	Stop()
	// Info describes it.
	Info() Info
}

// Info describes a server for the report.
type Info struct {
	Name     string
	Version  string
	Settings string // in a few words
	Mixes    bool   // audio arrives as one mix
}

// Goroutines is implemented by servers that can tell how many there are.
type Goroutines interface {
	Goroutines(ctx context.Context) (int, error)
}

// Profiler is implemented by servers that can tell where their CPU time goes (pprof).
type Profiler interface {
	Profile(ctx context.Context, seconds int, file string) error
}

// Room is a meeting.
type Room interface {
	// Admit does what an application does before somebody joins; its result is for Join.
	Admit(ctx context.Context, p Person) (ticket string, err error)
	// Join returns when the person's media connections stand and what they send is announced.
	Join(ctx context.Context, p Person, ticket string) (Member, error)
}

// Member is somebody who has joined.
type Member interface {
	// Receive asks for what is wanted: that many cameras of others, and their sound. It returns when the server has
	// agreed.
	Receive(ctx context.Context, cameras, voices int) error
	// Receives is the connection that media comes from, Flows is what is sent.
	Receives() *lean.Conn
	Flows() []*lean.Flow
	Close()
}

// Options say where things are that cannot be found out.
type Options struct {
	CarillonURL, KeyID, Secret string // a Carillon that runs already
	CarillonPID                int
	Root                       string // of the repository
}

type factory struct {
	name string
	make func(Options) Server
}

func factories() []factory {
	return []factory{
		{"carillon", func(o Options) Server { return &carillon{options: o} }},
		{"plain", func(o Options) Server { return &plain{root: o.Root} }},
		{"livekit", func(o Options) Server { return &livekit{root: o.Root} }},
		{"mediasoup", func(o Options) Server { return &mediasoup{root: o.Root} }},
		{"janus", func(Options) Server { return &janus{} }},
		{"janus-audio", func(Options) Server { return &janus{bridge: true} }},
	}
}

// Names lists the servers there are.
func Names() []string {
	var names []string
	for _, f := range factories() {
		names = append(names, f.name)
	}
	return names
}

// Usual are the servers that are compared unless others are named.
const Usual = "carillon,plain,livekit,mediasoup,janus,janus-audio"

// New makes a server that is not started yet.
func New(name string, o Options) (Server, error) {
	list := factories()
	i := slices.IndexFunc(list, func(f factory) bool { return f.name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no server %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return list[i].make(o), nil
}
