package check

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"deadair/harness/history"
)

// mutation breaks a good history in one way. It returns false when the history
// has nothing of that kind.
type mutation struct {
	name  string
	fails []string // properties that must be among the failing ones
	apply func(t *rapid.T, es []history.Event) bool
}

func mutations() []mutation {
	intact := []string{"recording-intact"}
	return []mutation{
		{"a run of frames is missing", intact, func(t *rapid.T, es []history.Event) bool { return hole(t, es, 30) }},
		{"one frame is missing", intact, func(t *rapid.T, es []history.Event) bool { return hole(t, es, 1) }},
		{"frames are doubled", intact, func(t *rapid.T, es []history.Event) bool {
			return inside(t, es, func(e *history.Event, n int64) {
				e.Ranges = []history.Range{{From: e.Ranges[0].From, To: n}, {From: n - rapid.Int64Range(0, 20).Draw(t, "again"), To: e.Ranges[0].To}}
			})
		}},
		{"ranges are swapped", intact, func(t *rapid.T, es []history.Event) bool {
			return inside(t, es, func(e *history.Event, n int64) {
				e.Ranges = []history.Range{{From: n + 1, To: e.Ranges[0].To}, {From: e.Ranges[0].From, To: n}}
			})
		}},
		{"frames are numbered one too high", intact, func(t *rapid.T, es []history.Event) bool {
			return inside(t, es, func(e *history.Event, _ int64) { e.Ranges[0].From++; e.Ranges[0].To++ })
		}},
		{"a file is gone", []string{"dead-air", "recording-intact"}, func(t *rapid.T, es []history.Event) bool {
			return inside(t, es, func(e *history.Event, _ int64) { e.Kind, e.Ranges = history.Probe, nil })
		}},
		{"foreign frames", intact, func(t *rapid.T, es []history.Event) bool {
			return inside(t, es, func(e *history.Event, _ int64) { e.Bad = rapid.IntRange(1, 9).Draw(t, "bad") })
		}},
		{"somebody else's session", intact, func(t *rapid.T, es []history.Event) bool {
			return inside(t, es, func(e *history.Event, _ int64) { e.Session += "x"; e.Node += "x" }) && cutInTwo(es)
		}},
		{"a lower epoch", []string{"single-writer"}, func(t *rapid.T, es []history.Event) bool {
			return later(t, es, func(e *history.Event) { e.Epoch = 0 })
		}},
		{"the epoch of before at another recorder", []string{"single-writer"}, func(t *rapid.T, es []history.Event) bool {
			return later(t, es, func(e *history.Event) { e.Epoch--; e.Node += "x" })
		}},
	}
}

// cutInTwo tells whether a broadcaster's pieces are of two sessions now.
func cutInTwo(es []history.Event) bool {
	of := map[string]string{}
	for _, e := range es {
		if e.Kind != history.SegmentFound {
			continue
		}
		if was, seen := of[e.Subject]; seen && was != e.Session {
			return true
		}
		of[e.Subject] = e.Session
	}
	return false
}

// inside changes a file at one of its frames, well away from both ends.
func inside(t *rapid.T, es []history.Event, f func(e *history.Event, frame int64)) bool {
	var long []int
	for i, e := range es {
		if e.Kind == history.SegmentFound && e.Count > 200 {
			long = append(long, i)
		}
	}
	e := &es[rapid.SampledFrom(long).Draw(t, "file")]
	e.Ranges = slices.Clone(e.Ranges)
	f(e, rapid.Int64Range(e.Ranges[0].From+50, e.Ranges[0].To-80).Draw(t, "frame"))
	return true
}

func hole(t *rapid.T, es []history.Event, n int64) bool {
	return inside(t, es, func(e *history.Event, at int64) {
		e.Ranges = []history.Range{{From: e.Ranges[0].From, To: at - 1}, {From: at + n, To: e.Ranges[0].To}}
	})
}

// later changes a file that is not its show's first.
func later(t *rapid.T, es []history.Event, f func(e *history.Event)) bool {
	var some []int
	for i, e := range es {
		if e.Kind == history.SegmentFound && e.Epoch > 1 {
			some = append(some, i)
		}
	}
	if len(some) == 0 {
		return false
	}
	f(&es[rapid.SampledFrom(some).Draw(t, "file")])
	return true
}

func TestEveryMutationIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRun(t, expand(t, dropped, "today", "virtual"))
		for _, name := range []string{"rome-01", "rome-02"} {
			for _, at := range []time.Duration{80 * second, 120 * second} {
				if rapid.Bool().Draw(t, name+" is hit") {
					jitter := time.Duration(rapid.IntRange(0, 900).Draw(t, "jitter")) * time.Millisecond
					r.again(name, at+jitter, rapid.SampledFrom([]string{"reset", "eof", "dropped"}).Draw(t, "class"), 1200*time.Millisecond+jitter)
				}
			}
		}
		good := r.history()
		require.Empty(t, failing(r.plan, good))
		m := rapid.SampledFrom(mutations()).Draw(t, "mutation")
		bad := slices.Clone(good)
		if !m.apply(t, bad) {
			return
		}
		require.Subset(t, failing(r.plan, bad), m.fails, m.name)
	})
}

func TestJudgeNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := oneDied(t, goodDNS)
		es := r.history()
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			i := rapid.IntRange(0, len(es)-1).Draw(t, "event")
			switch rapid.IntRange(0, 3).Draw(t, "how") {
			case 0:
				es = slices.Delete(es, i, i+1)
			case 1:
				es[i].At = time.Duration(rapid.Int64Range(-1, int64(10*time.Minute)).Draw(t, "at"))
			case 2:
				es[i].Frame = rapid.Int64Range(-5, 1<<40).Draw(t, "frame")
			case 3:
				es[i].Kind = rapid.SampledFrom([]history.Kind{history.Lost, history.Attempt, history.SegmentFound, history.AnswerChanged, history.OnAir, history.OffAir, history.Voted}).Draw(t, "kind")
			}
			if len(es) == 0 {
				return
			}
		}
		history.Sort(es)
		require.Equal(t, Judge(r.plan, es), Judge(r.plan, slices.Clone(es)))
	})
}
