package accounts

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestThrottle(t *testing.T) {
	now := time.Unix(1000, 0)
	th := newThrottle(3, 10*time.Second)
	for i := range 3 {
		if wait := th.take("a", now); wait != 0 {
			t.Fatalf("try %d has to wait %v", i, wait)
		}
	}
	if wait := th.take("a", now); wait != 10*time.Second {
		t.Fatalf("wait %v, want 10s", wait)
	}
	if wait := th.take("b", now); wait != 0 {
		t.Fatalf("another key has to wait %v", wait)
	}
	if wait := th.take("a", now.Add(4*time.Second)); wait != 6*time.Second {
		t.Fatalf("wait %v, want 6s", wait)
	}
	now = now.Add(10 * time.Second)
	if wait := th.take("a", now); wait != 0 {
		t.Fatalf("wait %v after the refill", wait)
	}
	th.giveBack("a", now)
	if wait := th.take("a", now); wait != 0 {
		t.Fatalf("wait %v after a try was given back", wait)
	}
	if wait := th.take("a", now.Add(-time.Hour)); wait <= 0 || wait > 10*time.Second {
		t.Fatalf("wait %v when the clock went back", wait)
	}
	for range 100 {
		th.giveBack("a", now)
	}
	for range 3 {
		th.take("a", now)
	}
	if wait := th.take("a", now); wait == 0 {
		t.Fatal("giving back made the budget larger than it was")
	}
	if th.take("", now) != 0 || len(th.buckets) != 2 {
		t.Fatal("the empty key is not to be limited")
	}
}

func TestThrottleForgetsWhatIsFull(t *testing.T) {
	now := time.Unix(1000, 0)
	th := newThrottle(2, time.Minute)
	th.take("victim", now)
	th.take("victim", now)
	for i := range maxBuckets - 1 {
		th.take(fmt.Sprint("old", i), now.Add(-time.Hour)) // full again by now
	}
	th.take("new", now)
	if th.take("victim", now) == 0 {
		t.Error("room was made at the cost of a budget that is used up")
	}
	for i := range 2 * maxBuckets {
		th.take(fmt.Sprint("flood", i), now)
	}
	if len(th.buckets) > maxBuckets {
		t.Errorf("%d keys are remembered, at most %d may be", len(th.buckets), maxBuckets)
	}
}

func TestAddressKey(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":          "192.0.2.1",
		"::ffff:192.0.2.1":   "192.0.2.1",
		"2001:db8:1:2:3::4":  "2001:db8:1:2::/64",
		"2001:db8:1:2:ff::1": "2001:db8:1:2::/64",
		"fe80::1%eth0":       "fe80::/64",
	} {
		if got := addressKey(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if got := addressKey(netip.Addr{}); got != "" {
		t.Errorf("no address: got %s", got)
	}
}
