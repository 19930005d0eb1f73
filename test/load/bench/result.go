package bench

import (
	"fmt"

	"carillon/test/load/servers"
)

// Result is what one run of a scenario at one server has shown. Times are in ms unless said otherwise.
type Result struct {
	Scenario, Server string
	Participants     int
	Round            int
	Failure          string `json:",omitempty"` // why there is no more
	Info             servers.Info

	CPU          float64 // of the server: seconds for each second of the window
	CPUPerPacket float64 // µs for each packet that was delivered, which is seconds for each million

	Video, Audio                 uint64 // packets that were delivered
	ExpectedVideo, ExpectedAudio uint64 // that should have been; 0 = cannot be told
	RTX, Forged                  uint64

	VideoDelayP50, VideoDelayP99 float64
	AudioDelayP50, AudioDelayP99 float64
	AudioDelaySamples            uint64

	JoinP50, JoinP95, CPUPerJoin float64

	RSSPerParticipant        float64 // KiB
	GoroutinesPerParticipant float64 // 0 = the server does not tell
	ThreadsPerParticipant    float64

	GeneratorPerPacket float64 // µs of CPU time of the load generator for each packet delivered
	Others             float64 // processors that were busy with something else
}

// Delivered is the share of the expected packets that arrived.
func (r *Result) Delivered() float64 {
	expected, got := r.ExpectedVideo+r.ExpectedAudio, r.Audio
	if r.ExpectedVideo > 0 {
		got += r.Video
	}
	if expected == 0 {
		return 0
	}
	return float64(got) / float64(expected)
}

// Line is the result in one line, for people who wait.
func (r *Result) Line() string {
	head := fmt.Sprintf("%-14s %-12s", r.Scenario, r.Server)
	if r.Failure != "" {
		return head + " failed: " + r.Failure
	}
	return fmt.Sprintf("%s CPU %5.1f %%  %6.2f µs/packet  delivered %6.2f %%  delay %.2f/%.2f ms  join %.1f/%.1f ms, %.2f ms CPU  RSS %.0f KiB  (generator %.2f µs/packet, others %.1f cores)",
		head, 100*r.CPU, r.CPUPerPacket, 100*r.Delivered(), r.VideoDelayP50, r.VideoDelayP99, r.JoinP50, r.JoinP95, r.CPUPerJoin,
		r.RSSPerParticipant, r.GeneratorPerPacket, r.Others)
}
