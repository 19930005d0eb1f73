// Package bench runs scenarios against media servers, and measures what they cost and how well the media gets through.
package bench

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Scenario is what a server has to do.
type Scenario struct {
	Name    string
	Title   string
	Rooms   int
	People  int // in each room
	Cameras int // people of each room whose camera is on; everybody receives all of the others'
	Talkers int // people of each room who talk at the same time
	Open    int // people of each room whose microphones are on, talkers included; the others are muted
	// Simulcast cameras send three layers, and the people receive different ones by turns.
	Simulcast bool
	// Kind says what is measured.
	Kind Kind
}

// Kind is a kind of scenario.
type Kind int

const (
	// Media: people join one by one, then media flows.
	Media Kind = iota
	// Storm: everybody joins at the same moment.
	Storm
	// Idle: people are there, and send nothing.
	Idle
)

// Scenarios are all there are. The quick ones make a first impression.
func Scenarios() []Scenario {
	var list []Scenario
	for _, n := range []int{10, 50, 100, 200} {
		list = append(list, Scenario{Name: fmt.Sprint("webinar-", n), Title: fmt.Sprintf("webinar, 1 to %d", n), Rooms: 1, People: n + 1, Cameras: 1, Talkers: 1, Open: 1})
	}
	for _, m := range []struct{ rooms, people int }{{1, 10}, {4, 6}, {20, 3}} {
		list = append(list, Scenario{
			Name: fmt.Sprintf("meeting-%dx%d", m.rooms, m.people), Title: fmt.Sprintf("%d × %d people, all cameras on", m.rooms, m.people),
			Rooms: m.rooms, People: m.people, Cameras: m.people, Talkers: min(2, m.people-1), Open: m.people,
		})
	}
	list = append(list, Scenario{Name: "simulcast-8", Title: "8 people, simulcast, mixed layers", Rooms: 1, People: 8, Cameras: 8, Talkers: 2, Open: 8, Simulcast: true})
	for _, n := range []int{50, 100, 200} {
		list = append(list, Scenario{Name: fmt.Sprint("audio-", n), Title: fmt.Sprintf("audio only, %d people, 3 talk", n), Rooms: 1, People: n, Talkers: 3, Open: 3})
	}
	return append(list,
		Scenario{Name: "storm-200", Title: "200 people join at once", Rooms: 4, People: 50, Kind: Storm},
		Scenario{Name: "idle-1000", Title: "1,000 people who send nothing", Rooms: 20, People: 50, Kind: Idle},
	)
}

// Quick are the names of the scenarios for a first impression.
const Quick = "webinar-10,webinar-50,meeting-1x10,audio-50"

// Select returns the scenarios whose names match one of the patterns (path.Match), which are separated by commas.
func Select(patterns string) ([]Scenario, error) {
	var list []Scenario
	for pattern := range strings.SplitSeq(patterns, ",") {
		found := false
		for _, s := range Scenarios() {
			matches, err := path.Match(pattern, s.Name)
			if err != nil {
				return nil, fmt.Errorf("scenario pattern %q: %w", pattern, err)
			}
			found = found || matches
			if matches && !slices.ContainsFunc(list, func(x Scenario) bool { return x.Name == s.Name }) {
				list = append(list, s)
			}
		}
		if !found {
			return nil, fmt.Errorf("no scenario matches %q", pattern)
		}
	}
	return list, nil
}

// Participants is how many people there are in all rooms.
func (s Scenario) Participants() int { return s.Rooms * s.People }

// receives is how many cameras the i-th person of a room receives, voices how many microphones are on.
func (s Scenario) receives(i int) (cameras, voices int) {
	cameras, voices = s.Cameras, s.Open
	if i < s.Cameras {
		cameras--
	}
	if i < s.Open {
		voices--
	}
	return cameras, voices
}

// Cell is one scenario at one server.
type Cell struct {
	Scenario Scenario
	Server   string
}

// Suits reports whether a server takes part. Janus has one plugin that forwards and one that mixes: the first is for
// videos, the second for rooms without.
func (s Scenario) Suits(server string) bool {
	switch server {
	case "janus":
		return s.Cameras > 0 || s.Kind == Storm
	case "janus-audio":
		return s.Cameras == 0 && s.Kind == Media
	}
	return !s.Simulcast || server == "carillon" || server == "mediasoup" // the other clients here send no layers
}
