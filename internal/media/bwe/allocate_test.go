package bwe

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// svc is a video of three spatial and three temporal layers in one encoding.
func svc(preference Preference) Video {
	v := Video{Group: 1, Priority: 1, Preference: preference, Current: Paused}
	for spatial, bps := range []int64{150_000, 500_000, 1_500_000} {
		for temporal, share := range []int64{50, 70, 100} {
			v.Layers = append(v.Layers, Layer{
				Spatial: spatial, Temporal: temporal, Bitrate: bps * share / 100,
				Width: 320 << spatial, Height: 180 << spatial, FrameRate: 7.5 * float64(int(1)<<temporal),
			})
		}
	}
	return v
}

func with(v Video, edit func(*Video)) Video {
	edit(&v)
	return v
}

func TestAllocate(t *testing.T) {
	at := func(current int) func(*Video) { return func(v *Video) { v.Current = current } }
	paused := func(group, priority uint32) Video { return with(simulcast(group, priority), at(Paused)) }
	tests := map[string]struct {
		now, sure int64
		videos    []Video
		want      []int
	}{
		"room for all":               {9e6, 9e6, []Video{paused(1, 1), paused(2, 1)}, []int{2, 2}},
		"nothing at all":             {0, 0, []Video{paused(1, 1)}, []int{Paused}},
		"the lowest layer":           {250e3, 250e3, []Video{paused(1, 1)}, []int{0}},
		"less than the lowest layer": {249e3, 249e3, []Video{paused(1, 1)}, []int{Paused}},
		"equals rise in turn":        {2e6, 2e6, []Video{paused(1, 1), paused(2, 1)}, []int{1, 1}},
		"one of two equals":          {1.2e6, 1.2e6, []Video{paused(2, 1), paused(1, 1)}, []int{0, 1}},
		"the more important first":   {2.4e6, 2.4e6, []Video{paused(1, 1), paused(2, 9)}, []int{0, 2}},
		"all shown before one rises": {740e3, 740e3, []Video{paused(1, 9), paused(2, 5), paused(3, 1)}, []int{0, 0, Paused}},
		"the least important pauses": {600e3, 600e3, []Video{paused(1, 1), paused(2, 2), paused(3, 3)}, []int{Paused, 0, 0}},
		"a screen before a camera": {2.4e6, 2.4e6, []Video{
			paused(1, 1), with(paused(2, 1), func(v *Video) { v.Content = true })}, []int{0, 2}},
		"priority before content": {2.4e6, 2.4e6, []Video{
			paused(1, 2), with(paused(2, 1), func(v *Video) { v.Content = true })}, []int{2, 0}},
		"a target below the top": {9e6, 9e6, []Video{
			with(paused(1, 1), func(v *Video) { v.Target = 600e3 })}, []int{1}},
		"a target below everything": {9e6, 9e6, []Video{
			with(paused(1, 1), func(v *Video) { v.Target = 100e3 })}, []int{0}},
		"paused by the user": {9e6, 9e6, []Video{
			with(paused(1, 9), func(v *Video) { v.UserPaused = true }), paused(2, 1)}, []int{Paused, 2}},
		"a step up waits until it is sure":  {3e6, 1e6, []Video{with(simulcast(1, 1), at(1))}, []int{1}},
		"a step down does not":              {800e3, 800e3, []Video{with(simulcast(1, 1), at(2))}, []int{1}},
		"what is sent stays":                {1.75e6, 1.75e6, []Video{with(simulcast(1, 1), at(2))}, []int{2}},
		"but would not be chosen anew":      {1.75e6, 1.75e6, []Video{with(simulcast(1, 1), at(1))}, []int{1}},
		"the lowest layer stays for longer": {200e3, 200e3, []Video{with(simulcast(1, 1), at(0))}, []int{0}},
		"but not for ever":                  {180e3, 180e3, []Video{with(simulcast(1, 1), at(0))}, []int{Paused}},
		"one gives way to a more important one": {1.1e6, 1.1e6, []Video{
			with(simulcast(1, 1), at(1)), with(simulcast(2, 9), at(1))}, []int{0, 1}},
		"layers that stopped": {9e6, 9e6, []Video{
			with(paused(1, 1), func(v *Video) { v.Layers[2].Bitrate = 0; v.Layers[0].Bitrate = 0 })}, []int{1}},
		"nothing comes":                 {9e6, 9e6, []Video{{Current: Paused, Layers: []Layer{{}}}}, []int{Paused}},
		"balanced SVC":                  {700e3, 700e3, []Video{svc(Balanced)}, []int{5}},
		"keep frame rate":               {700e3, 700e3, []Video{svc(KeepFrameRate)}, []int{5}},
		"keep frame rate to the bottom": {180e3, 180e3, []Video{svc(KeepFrameRate)}, []int{2}},
		"keep resolution":               {900e3, 900e3, []Video{svc(KeepResolution)}, []int{6}},
		"keep resolution to the bottom": {500e3, 500e3, []Video{svc(KeepResolution)}, []int{4}},
		"no videos":                     {1e6, 1e6, nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var a Allocator
			plan := a.Allocate(test.now, test.sure, test.videos)
			if !slices.Equal(plan.Choices, test.want) {
				t.Errorf("chose %v, want %v", plan.Choices, test.want)
			}
		})
	}
}

func TestPlanTellsTheDemand(t *testing.T) {
	var a Allocator
	videos := []Video{with(simulcast(1, 1), func(v *Video) { v.Current = 0 })}
	plan := a.Allocate(500_000, 500_000, videos)
	if plan.Used != 250_000 || plan.Next != budgetFor(700_000, 1) || plan.All != budgetFor(1_800_000, 2) || plan.Least != 250_000 {
		t.Errorf("plan %+v", plan)
	}
	if again := a.Allocate(plan.Next, plan.Next, videos); again.Choices[0] != 1 {
		t.Errorf("the budget that the next step needs gives %v", again.Choices)
	}
	if again := a.Allocate(plan.All, plan.All, videos); again.Choices[0] != 2 || again.Next != 0 {
		t.Errorf("the budget for everything gives %+v", again)
	}
}

func randomVideos(r *rand.Rand) []Video {
	videos := make([]Video, r.IntN(12))
	for i := range videos {
		v := simulcast(uint32(r.IntN(20)), uint32(r.IntN(3)))
		if r.IntN(3) == 0 {
			v = svc(Preference(r.IntN(5)))
		}
		v.Layers = slices.Clone(v.Layers)
		for j := range v.Layers {
			v.Layers[j].Bitrate = int64(float64(v.Layers[j].Bitrate) * (0.5 + r.Float64()))
			if r.IntN(15) == 0 {
				v.Layers[j].Bitrate = 0
			}
		}
		v.Content, v.UserPaused = r.IntN(5) == 0, r.IntN(8) == 0
		v.Target = []int64{0, 300_000, 600_000, 1_500_000}[r.IntN(4)]
		v.Current = r.IntN(len(v.Layers)+1) - 1
		videos[i] = v
	}
	return videos
}

// TestAllocateProperties holds for any videos and any budget.
func TestAllocateProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var a, b Allocator
	for range 20_000 {
		videos := randomVideos(r)
		now := r.Int64N(10_000_000)
		sure := now * r.Int64N(101) / 100
		plan := a.Allocate(now, sure, videos)
		if other := b.Allocate(now, sure, videos); !slices.Equal(plan.Choices, other.Choices) {
			t.Fatalf("two answers: %v, %v", plan.Choices, other.Choices)
		}
		if plan.Used > int64(keepMargin*float64(now)) {
			t.Fatalf("used %d of %d", plan.Used, now)
		}
		sum := int64(0)
		for i, choice := range plan.Choices {
			v := &videos[i]
			if choice == Paused {
				continue
			}
			if v.UserPaused || v.Layers[choice].Bitrate == 0 {
				t.Fatalf("layer %d of %+v", choice, v)
			}
			sum += v.Layers[choice].Bitrate
		}
		if sum != plan.Used {
			t.Fatalf("used %d, but the choices need %d", plan.Used, sum)
		}
		settle(t, &a, now, videos, plan)
	}
}

// settle checks that a plan which was carried out stays: nothing swings while nothing changes.
func settle(t *testing.T, a *Allocator, now int64, videos []Video, plan Plan) {
	t.Helper()
	for range 20 {
		changed := false
		for i, choice := range plan.Choices {
			changed = changed || videos[i].Current != choice
			videos[i].Current = choice
		}
		if !changed {
			return
		}
		plan = a.Allocate(now, now, videos)
	}
	t.Fatalf("no end of changes with %d bit/s for %+v", now, videos)
}
