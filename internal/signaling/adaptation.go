package signaling

import (
	"slices"
	"strconv"
	"strings"

	"carillon/internal/rooms"
	"carillon/internal/signaling/signalpb"
)

const serverSide = signalpb.SdkServerSideNetworkAdaption_BANDWIDTH_PROBING_AND_VIDEO_QUALITY_ADAPTION

// agreed is the mode of adaptation that JOIN_ACK names: the server's, if the client can. Nothing means that the
// client goes on as it would by itself.
func agreed(join *signalpb.SdkJoinFrame) *signalpb.SdkServerSideNetworkAdaption {
	if slices.Contains(join.GetSupportedServerSideNetworkAdaptions(), serverSide) {
		return serverSide.Enum()
	}
	return nil
}

// adaptation is who fits the videos to the bandwidth. A client that says nothing about it takes what it is sent,
// or switches encodings by itself, which the room finds out.
func adaptation(join *signalpb.SdkJoinFrame) rooms.Adaptation {
	if agreed(join) != nil {
		return rooms.AdaptAll
	}
	switch join.GetServerSideNetworkAdaption() {
	case signalpb.SdkServerSideNetworkAdaption_NONE, signalpb.SdkServerSideNetworkAdaption_BANDWIDTH_PROBING:
		return rooms.AdaptNone
	}
	return rooms.AdaptLayers
}

// takesEstimates tells whether a client of that version reads the estimate in BITRATES, which 3.15 began
// with. Clients without a version are not of the SDK and take what the protocol has.
func takesEstimates(version string) bool {
	major, rest, ok := strings.Cut(version, ".")
	if !ok {
		return true
	}
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	return err != nil || err2 != nil || a > 3 || a == 3 && b >= 15
}
