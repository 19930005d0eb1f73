package signaling

import (
	"fmt"
	"testing"
	"time"
)

func TestWhoUsesTheRelay(t *testing.T) {
	for _, test := range []struct {
		policy      RelayPolicy
		asked, want bool
	}{
		{RelayNever, false, false}, {RelayNever, true, false}, {RelayFallback, false, false},
		{RelayFallback, true, true}, {RelayAlways, false, true}, {RelayAlways, true, true},
	} {
		var a attempts
		if got := a.wantRelay(test.policy, test.asked, "x"); got != test.want {
			t.Errorf("%s, asked %v: %v", test.policy, test.asked, got)
		}
	}
}

func TestFallback(t *testing.T) {
	type step struct {
		reached bool
		after   time.Duration
		relay   bool // what the next attempt uses
	}
	const long, short = enoughTime, enoughTime - 1
	for name, steps := range map[string][]step{
		"direct works":                   {{true, long, false}, {true, short, false}},
		"who gives up early says little": {{false, short, false}},
		"relay after a failure":          {{false, long, true}, {true, long, true}},
		"a stay that was cut short":      {{false, long, true}, {true, short, true}},
		"neither works: take turns":      {{false, long, true}, {false, long, false}, {false, long, true}},
		"direct works again":             {{false, long, true}, {false, long, false}, {true, long, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var a attempts
			relay := a.wantRelay(RelayFallback, false, "x")
			for i, s := range steps {
				a.ended("x", relay, s.reached, s.after)
				if relay = a.wantRelay(RelayFallback, false, "x"); relay != s.relay {
					t.Fatalf("step %d: relay %v", i, relay)
				}
				if a.wantRelay(RelayFallback, false, "y") {
					t.Fatal("somebody else is sent through the relay")
				}
			}
		})
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	var a attempts
	for i := range maxAttempts + 50 {
		a.ended(fmt.Sprint(i), false, false, time.Hour)
	}
	if len(a.failed) != maxAttempts || !a.wantRelay(RelayFallback, false, fmt.Sprint(maxAttempts+49)) {
		t.Errorf("%d are remembered", len(a.failed))
	}
}
