package check

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

const stored = `schema: 1
title: Shows end in a store
system: {store: {in: us-east}, balancer: {window: 1m}, recorder: {window: 1m}}
broadcasters:
  - {name: rome, from: Rome, count: 2, persona: butt}
timeline:
  - {at: 100s, drop: {broadcasters: rome}}
  - {at: 200s, store: unavailable, for: 60s}
ends: 5m
expect: [published-once, {publish-delay: {within: 1m}}, dead-air]
`

// publishedAt has each show in the store as one track, of all that is on disk, from
// an instant on, and returns the events that say what is in it.
func (r *run) publishedAt(at time.Duration) (found []*history.Event) {
	es := r.history()
	for _, name := range r.order {
		track := history.Event{
			At: r.plan.End + 20*time.Second, Node: "store", Kind: history.TrackFound, Subject: name, Session: "s-" + name, File: "s-" + name + ".mp3", Revision: 1,
		}
		for _, e := range es {
			if e.Kind == history.SegmentFound && e.Subject == name {
				track.Ranges = append(track.Ranges, e.Ranges...)
				track.Count += e.Count
			}
		}
		slices.SortFunc(track.Ranges, func(a, b history.Range) int { return int(a.From - b.From) })
		for i := 1; i < len(track.Ranges); i++ {
			track.Gaps = append(track.Gaps, history.Gap{Length: time.Duration(track.Ranges[i].From-track.Ranges[i-1].To-1) * r.shows[name].frame})
		}
		r.add(history.Event{At: at, Node: "store", Kind: history.TrackStored, File: track.File, Session: track.Session})
		found = append(found, &track)
	}
	return found
}

func (r *run) inStore(found []*history.Event, left int) []history.Event {
	for _, e := range found {
		r.add(*e)
	}
	r.add(history.Event{At: r.plan.End + 20*time.Second, Node: "store", Kind: history.StoreRead, Count: 2 * len(found), Of: left})
	history.Sort(r.events)
	return r.events
}

// over is when the recorders take the shows for over.
const over = 5*time.Minute + 65*time.Second

func TestWhatIsInTheStoreIsJudged(t *testing.T) {
	second := func(es []*history.Event) *history.Event {
		copied := *es[0]
		copied.File = "s-rome-01-2.mp3"
		return &copied
	}
	for name, c := range map[string]struct {
		at     time.Duration
		change func([]*history.Event) []*history.Event
		left   int
		want   []string
	}{
		"all well":         {at: over + 30*time.Second},
		"late":             {at: over + 62*time.Second, want: []string{"publish-delay"}},
		"never":            {change: func(es []*history.Event) []*history.Event { return es[1:] }, want: []string{"dead-air", "published-once"}},
		"twice":            {change: func(es []*history.Event) []*history.Event { return append(es, second(es)) }, want: []string{"published-once"}},
		"half done upload": {left: 1, want: []string{"published-once"}},
		"somebody else's frames": {change: func(es []*history.Event) []*history.Event {
			es[1].File = es[0].File
			return es
		}, want: []string{"published-once"}},
		"frames of nobody": {change: func(es []*history.Event) []*history.Event {
			return append(es, &history.Event{At: es[0].At, Node: "store", Kind: history.TrackFound, File: "x.mp3", Count: 3})
		}, want: []string{"published-once"}},
		"a segment left out": {change: func(es []*history.Event) []*history.Event {
			es[0].Ranges = es[0].Ranges[1:]
			return es
		}, want: []string{"dead-air", "published-once"}},
		"out of order": {change: func(es []*history.Event) []*history.Event {
			slices.Reverse(es[0].Ranges)
			return es
		}, want: []string{"recording-intact"}},
		"damaged":       {change: func(es []*history.Event) []*history.Event { es[0].Bad = 1; return es }, want: []string{"recording-intact"}},
		"gap not told":  {change: func(es []*history.Event) []*history.Event { es[0].Gaps = nil; return es }, want: []string{"recording-intact"}},
		"gap told less": {change: func(es []*history.Event) []*history.Event { es[0].Gaps[0].Length /= 10; return es }, want: []string{"recording-intact"}},
		"frame twice": {change: func(es []*history.Event) []*history.Event {
			es[0].Ranges = append(es[0].Ranges, es[0].Ranges[1])
			return es
		}, want: []string{"published-once", "recording-intact"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, stored, "today", "virtual"))
			for _, who := range r.order {
				r.again(who, 100*time.Second+50*time.Millisecond, "dropped", 12*time.Second)
			}
			r.plan.Expect = slices.DeleteFunc(r.plan.Expect, func(x scenario.Expectation) bool { return x.Property == "dead-air" })
			r.plan.Expect = append(r.plan.Expect, scenario.Expectation{Property: "dead-air", AtMost: 20 * time.Second})
			found := r.publishedAt(max(c.at, over+time.Second))
			if c.change != nil {
				found = c.change(found)
			}
			es := r.inStore(found, c.left)
			require.Equal(t, c.want, failing(r.plan, es))
			v := Judge(r.plan, es)
			require.NotEqual(t, Inconclusive, of(t, v, "published-once").Result)
		})
	}
}

// TestATrackThatNeverComesIsLate, once the time that it had is over.
func TestATrackThatNeverComesIsLate(t *testing.T) {
	for read, want := range map[time.Duration]Result{over + 30*time.Second: Inconclusive, over + 62*time.Second: Fail, time.Hour: Fail} {
		r := newRun(t, expand(t, stored, "today", "virtual"))
		found := r.publishedAt(over + time.Second)
		r.inStore(found[1:], 0)
		for i := range r.events {
			if r.events[i].Kind == history.StoreRead {
				r.events[i].At = read
			}
		}
		history.Sort(r.events)
		p := of(t, Judge(r.plan, r.events), "publish-delay")
		require.Equal(t, want, p.Result, read)
		require.Contains(t, p.Findings[0].Sentence, "the track of rome-01")
		require.NotEmpty(t, p.Findings[0].Events, "its files on the disks")
	}
}

// TestNothingThatHadToBePublished: a group that was never recorded proves nothing.
func TestNothingThatHadToBePublished(t *testing.T) {
	r := newRun(t, expand(t, stored, "today", "virtual"))
	r.publishedAt(over)
	es := slices.DeleteFunc(r.inStore(nil, 0), func(e history.Event) bool {
		return e.Kind == history.SegmentFound || e.Kind == history.TrackStored
	})
	for _, name := range []string{"published-once", "publish-delay"} {
		p := of(t, Judge(r.plan, es), name)
		require.Equal(t, Inconclusive, p.Result)
		require.Equal(t, "never exercised: nothing was recorded that had to be in the store", p.Findings[0].Sentence)
	}
}

// TestATrackOfARecorderThatIsLost is not due, and one that may still come is told as that.
func TestATrackOfARecorderThatIsLost(t *testing.T) {
	p := expand(t, stored, "today", "virtual")
	p.Steps = append(p.Steps, scenario.Step{ID: "step-3", At: 4 * time.Minute, Do: "kill", Nodes: []string{"eu-west/recorder-2"}, Stays: true})
	r := newRun(t, p)
	r.history()
	delay := of(t, Judge(p, r.inStore(nil, 0)), "publish-delay")
	require.Contains(t, delay.Findings[0].Sentence, "never exercised")

	r = newRun(t, expand(t, stored, "today", "virtual"))
	r.history()
	delay = of(t, Judge(r.plan, r.inStore(nil, 0)), "publish-delay")
	require.Len(t, delay.Findings, 2)
	for _, f := range delay.Findings {
		require.Contains(t, f.Sentence, "the store was read before the track of rome-0")
	}
}

// TestNobodyLookedIntoTheStore: without evidence there is no verdict.
func TestNobodyLookedIntoTheStore(t *testing.T) {
	r := newRun(t, expand(t, stored, "today", "virtual"))
	v := Judge(r.plan, r.history())
	require.Equal(t, Inconclusive, v.Result)
	require.Contains(t, of(t, v, "published-once").Findings[0].Sentence, "nobody read what is in the store")
}
