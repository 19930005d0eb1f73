package meetings

import (
	"testing"

	"carillon/internal/errs"
)

func TestCapabilitiesOfNewAttendees(t *testing.T) {
	for _, tc := range []struct {
		name  string
		f     Features
		given *Capabilities
		want  Capabilities // zero = refused
	}{
		{"nothing given", Features{}, nil, Capabilities{"SendReceive", "SendReceive", "SendReceive"}},
		{"nothing given, no video", Features{VideoResolution: "None"}, nil, Capabilities{"SendReceive", "Receive", "SendReceive"}},
		{"nothing given, no content", Features{ContentResolution: "None"}, nil, Capabilities{"SendReceive", "SendReceive", "None"}},
		{"nothing given, neither", Features{VideoResolution: "None", ContentResolution: "None"}, nil, Capabilities{"SendReceive", "None", "None"}},
		{"no video, receive given", Features{VideoResolution: "None"}, &Capabilities{"Send", "Receive", "None"}, Capabilities{}},
		{"no video, content sent", Features{VideoResolution: "None"}, &Capabilities{"Send", "None", "Send"}, Capabilities{"Send", "None", "Send"}},
		{"no content, send given", Features{ContentResolution: "None"}, &Capabilities{"Send", "SendReceive", "Send"}, Capabilities{}},
		{"no content, none given", Features{ContentResolution: "None"}, &Capabilities{"None", "SendReceive", "None"}, Capabilities{"None", "SendReceive", "None"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.f.capabilities(tc.given)
			if refused := tc.want == (Capabilities{}); refused != (errs.CodeOf(err) == errs.Invalid) || !refused && err != nil {
				t.Fatalf("unexpected error %v", err)
			}
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

// Content can be received only together with video; every other pair is free, and audio always is.
func TestCapabilityMatrix(t *testing.T) {
	values := []string{"SendReceive", "Send", "Receive", "None"}
	refused := map[[2]string]bool{
		{"Send", "SendReceive"}: true, {"Send", "Receive"}: true,
		{"None", "SendReceive"}: true, {"None", "Receive"}: true,
	}
	for _, audio := range values {
		for _, video := range values {
			for _, content := range values {
				given := Capabilities{audio, video, content}
				got, err := Features{}.capabilities(&given)
				if refused[[2]string{video, content}] {
					if errs.CodeOf(err) != errs.Invalid || err == nil {
						t.Errorf("%+v: got %v, want Invalid", given, err)
					}
				} else if err != nil || got != given {
					t.Errorf("%+v: got %+v, %v", given, got, err)
				}
			}
		}
	}
}
