package rooms

import (
	"log/slog"
	"strconv"
	"strings"
	"testing"
)

// While the report of the first activity hangs, the others gather without making anybody wait, up to the bound.
func TestActivityQueue(t *testing.T) {
	entered, release := make(chan struct{}, 1), make(chan struct{})
	var got []string
	var log strings.Builder
	q := newActivityQueue(func(list []Activity) {
		for _, a := range list {
			got = append(got, a.AttendeeID)
		}
		if len(got) == 1 {
			entered <- struct{}{}
			<-release
		}
	}, slog.New(slog.NewTextHandler(&log, nil)))
	q.put(Activity{AttendeeID: "first"})
	<-entered
	for i := range maxActivities + 7 {
		q.put(Activity{AttendeeID: strconv.Itoa(i)})
	}
	close(release)
	q.close()
	if len(got) != maxActivities+1 || got[0] != "first" {
		t.Fatalf("%d activities were reported, the first of %q", len(got), got[0])
	}
	for i, id := range got[1:] {
		if id != strconv.Itoa(i) {
			t.Fatalf("activity %d is that of %s", i, id)
		}
	}
	if !strings.Contains(log.String(), "lost=7") {
		t.Errorf("the log says %q", log.String())
	}
}
