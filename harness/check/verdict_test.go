package check

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

func TestWhatProvesNothingIsInconclusive(t *testing.T) {
	good := func() (*scenario.Plan, []history.Event) {
		r := goodDrops(t, "today", "virtual")
		return r.plan, r.history()
	}
	for name, c := range map[string]struct {
		change func(es []history.Event) []history.Event
		names  []string // of inconclusive properties; nil: all
		says   string
	}{
		"baseline": {func(es []history.Event) []history.Event {
			return append(es, history.Event{Node: "harness", Kind: history.BaselineFailed, Detail: "DNS does not name x"})
		}, nil, "DNS does not name x"},
		"ended early": {func(es []history.Event) []history.Event {
			return edit(es, history.RunEnded, "harness", func(e *history.Event) { e.Detail = "ended early" })
		}, nil, "could not be finished"},
		"no end": {func(es []history.Event) []history.Event {
			return leave(es, func(e history.Event) bool { return e.Kind == history.RunEnded })
		}, nil, "no beginning or no end"},
		"a disk not read": {func(es []history.Event) []history.Event {
			return leave(es, func(e history.Event) bool { return e.Kind == history.DiskHashed && e.Node == "us-west/recorder-3" })
		}, nil, "nobody read the disk of us-west/recorder-3"},
		"a show not played": {func(es []history.Event) []history.Event {
			return leave(es, func(e history.Event) bool { return e.Kind == history.OffAir && e.Node == "york-01" })
		}, nil, "york-01 did not play its show"},
		"a step touched nothing": {func(es []history.Event) []history.Event {
			return leave(es, func(e history.Event) bool { return e.Kind == history.FaultTouched && e.Fault == "step-2" })
		}, []string{"evidence"}, "step-2 (line 8: cut eu-west/balancer-1 eu-west/balancer-2 → eu-west/recorder-1 eu-west/recorder-2 eu-west/recorder-3, existing connections) touched nothing"},
		"nobody's owner differs from the hash's choice": {func(es []history.Event) []history.Event {
			for _, n := range []string{"rome-01", "rome-02"} {
				es = edit(es, history.HashChoice, n, func(e *history.Event) { e.Peer = "eu-west/recorder-2" })
			}
			return es
		}, []string{"sticky-reconnect"}, "never exercised"},
	} {
		t.Run(name, func(t *testing.T) {
			p, es := good()
			v := Judge(p, c.change(es))
			require.Equal(t, Inconclusive, v.Result)
			require.False(t, v.AsExpected)
			for _, one := range v.Properties {
				if c.names == nil || slices.Contains(c.names, one.Name) {
					require.Equal(t, Inconclusive, one.Result, one.Name)
					require.Contains(t, one.Findings[0].Sentence, c.says)
				} else {
					require.Equal(t, Pass, one.Result, one.Name)
				}
			}
		})
	}
}

func TestABaselineThatFailedBeatsEveryFailure(t *testing.T) {
	r := goodDrops(t, "today", "virtual")
	r.again("york-02", 100*second, "reset", 200*time.Millisecond)
	r.add(history.Event{Node: "harness", Kind: history.BaselineFailed})
	require.Equal(t, Inconclusive, Judge(r.plan, r.history()).Result)
}

func TestALateHarnessExcusesWhatASlowMachineCanCause(t *testing.T) {
	build := func(late time.Duration) Verdict {
		r := newRun(t, expand(t, dropped, "today", "loopback"))
		r.again("rome-01", 80*second, "dropped", 1400*time.Millisecond)
		r.again("rome-02", 80*second, "dropped", 20*second)
		r.add(history.Event{At: 60 * second, Node: "harness", Kind: history.Canary, Took: late})
		return Judge(r.plan, r.history())
	}
	require.Equal(t, Fail, of(t, build(0), "dead-air").Result)
	require.Equal(t, Fail, of(t, build(500*time.Millisecond), "dead-air").Result, "so much too long that no lateness excuses it")
	v := build(second)
	require.Equal(t, Inconclusive, of(t, v, "dead-air").Result)
	require.Contains(t, of(t, v, "dead-air").Findings[0].Sentence, "the harness ran 1s late")
	require.Equal(t, Inconclusive, v.Result)
	require.Equal(t, Pass, of(t, v, "recording-intact").Result, "what passed, passed")
}

// TestABusyMachineExcusesWhatItCanCause: waits for processors, and for the disk, count beside
// the harness' own lateness, and only as far as they go.
func TestABusyMachineExcusesWhatItCanCause(t *testing.T) {
	const excess = 11800 * time.Millisecond // of a gap of twenty seconds
	processor := func(took time.Duration) history.Event {
		return history.Event{Node: "harness", Kind: history.Starved, Class: "processor", Took: took}
	}
	slowDisk := func(took time.Duration) history.Event {
		return history.Event{Node: "eu-west/recorder-1", Kind: history.Starved, Class: "disk", Took: took}
	}
	node := func(took time.Duration) history.Event {
		return history.Event{Node: "eu-west/recorder-1", Kind: history.Canary, Took: took}
	}
	for name, c := range map[string]struct {
		saw  history.Event
		at   time.Duration
		want Result
		why  string
	}{
		"short waits":             {processor(excess - second), 60 * second, Fail, ""},
		"waits as long":           {processor(excess + second), 60 * second, Inconclusive, "had to wait 12.8s for processors"},
		"waits after all":         {processor(excess + second), 4 * time.Minute, Fail, ""},
		"a slow disk":             {slowDisk(second), 60 * second, Fail, ""},
		"a disk beyond the slack": {slowDisk(2 * second), 60 * second, Inconclusive, "disk had eu-west/recorder-1 wait for 2s"},
		"a node":                  {node(500 * time.Millisecond), 60 * second, Fail, ""},
		"a node beyond the slack": {node(2 * second), 60 * second, Inconclusive, "eu-west/recorder-1 ran 2s late"},
		"a node, told at the end": {node(2 * time.Minute), 4 * time.Minute, Inconclusive, "eu-west/recorder-1 ran 2m0s late"},
		"a node, after all":       {node(2 * second), 4 * time.Minute, Fail, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, dropped, "today", "loopback"))
			r.again("rome-02", 80*second, "dropped", 20*second)
			c.saw.At = c.at
			r.add(c.saw)
			p := of(t, Judge(r.plan, r.history()), "dead-air")
			require.Equal(t, c.want, p.Result)
			require.Contains(t, p.Findings[0].Sentence, c.why)
		})
	}
}

func TestABusyMachineExcusesNoGuessedEpoch(t *testing.T) {
	r := goodDrops(t, "today", "loopback")
	r.add(history.Event{At: 60 * second, Node: "harness", Kind: history.Starved, Class: "processor", Took: 20 * second})
	high := edit(r.history(), history.SegmentFound, "rome-01", func(e *history.Event) { e.Epoch = 9 - e.Epoch })
	require.Equal(t, Fail, of(t, Judge(r.plan, high), "single-writer").Result)
}

func TestALateHarnessExcusesNoDisorderOnDisk(t *testing.T) {
	play := func(late time.Duration, change func(e *history.Event)) map[string]Result {
		r := goodDrops(t, "today", "loopback")
		r.again("york-02", 100*second, "reset", 200*time.Millisecond)
		r.add(history.Event{At: 60 * second, Node: "harness", Kind: history.Canary, Took: late})
		other := map[string]Result{}
		for _, p := range Judge(r.plan, edit(r.history(), history.SegmentFound, "york-01", change)).Properties {
			if p.Result != Pass {
				other[p.Name] = p.Result
			}
		}
		return other
	}
	hole := func(e *history.Event) {
		e.Ranges = []history.Range{{From: e.Ranges[0].From, To: 1000}, {From: 1010, To: e.Ranges[0].To}}
	}
	double := func(e *history.Event) {
		e.Ranges = []history.Range{{From: e.Ranges[0].From, To: 1000}, {From: 990, To: e.Ranges[0].To}}
	}
	require.Equal(t, map[string]Result{"recording-intact": Fail, "untouched": Fail, "no-unexplained-disconnect": Fail}, play(second, hole))
	require.Equal(t, map[string]Result{"recording-intact": Inconclusive, "untouched": Inconclusive, "no-unexplained-disconnect": Inconclusive}, play(2*second, hole))
	require.Equal(t, map[string]Result{"recording-intact": Fail, "untouched": Inconclusive, "no-unexplained-disconnect": Inconclusive}, play(2*second, double))
}

func TestALateHarnessExcusesAGuessedEpoch(t *testing.T) {
	for late, want := range map[time.Duration]Result{second: Fail, 2 * second: Inconclusive} {
		r := goodDrops(t, "today", "loopback")
		r.add(history.Event{At: 60 * second, Node: "harness", Kind: history.Canary, Took: late})
		high := edit(r.history(), history.SegmentFound, "rome-01", func(e *history.Event) { e.Epoch = 9 - e.Epoch })
		require.Equal(t, want, of(t, Judge(r.plan, high), "single-writer").Result)
	}
}

func TestAVariantThatMustFailNamesTheExactSet(t *testing.T) {
	hole := func(es []history.Event) []history.Event {
		return edit(es, history.SegmentFound, "rome-02", func(e *history.Event) { e.Ranges[0].From += 3 })
	}
	big := func(es []history.Event) []history.Event {
		return edit(es, history.SegmentFound, "rome-02", func(e *history.Event) { e.Ranges[0].From += 100 })
	}
	for name, c := range map[string]struct {
		change func([]history.Event) []history.Event
		result Result
		as     bool
	}{
		"both":     {big, Fail, true},
		"one only": {hole, Fail, false},
		"none":     {func(es []history.Event) []history.Event { return es }, Pass, false},
		"one more": {func(es []history.Event) []history.Event {
			return edit(big(es), history.SegmentFound, "york-01", func(e *history.Event) { e.Ranges[0].To -= 9 })
		}, Fail, false},
		"both, but nothing counts": {func(es []history.Event) []history.Event {
			return append(big(es), history.Event{Kind: history.BaselineFailed})
		}, Inconclusive, false},
		"both, and a step was void": {func(es []history.Event) []history.Event {
			return leave(big(es), func(e history.Event) bool { return e.Kind == history.FaultTouched && e.Fault == "step-1" })
		}, Fail, true},
		"both, and no step touched anything": {func(es []history.Event) []history.Event {
			return leave(big(es), func(e history.Event) bool { return e.Kind == history.FaultTouched })
		}, Inconclusive, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := goodDrops(t, "worse", "virtual")
			v := Judge(r.plan, c.change(r.history()))
			require.Equal(t, c.result, v.Result, "%v", v.failed())
			require.Equal(t, c.as, v.AsExpected)
			require.Equal(t, "fail:dead-air,recording-intact", v.Expected)
		})
	}
}

func TestAFailureWhoseOtherHalfCouldNotBeJudgedProvesNothing(t *testing.T) {
	r := newRun(t, expand(t, dropped, "half", "virtual"))
	r.again("rome-01", 80*second, "dropped", 20*second)
	es := edit(r.history(), history.HashChoice, "rome-01", func(e *history.Event) { e.Peer = "eu-west/recorder-2" })
	v := Judge(r.plan, es)
	require.Equal(t, []string{"dead-air"}, v.failed())
	require.Equal(t, Inconclusive, v.Result)
	require.False(t, v.AsExpected)
	es = edit(es, history.SegmentFound, "york-01", func(e *history.Event) { e.Bad = 5 })
	require.Equal(t, Fail, Judge(r.plan, es).Result, "something else failed that should not")
}

func TestTableAndScenarioFormKnowTheSameProperties(t *testing.T) {
	names := Names()
	require.ElementsMatch(t, scenario.PropertyNames(), names)
	for _, p := range table() {
		form, ok := scenario.PropertyNamed(p.name)
		require.True(t, ok || p.name == evidenceName)
		require.True(t, form.Always == p.always || p.name == evidenceName, p.name)
		require.NotEmpty(t, Sentence(p.name))
	}
	require.Empty(t, Sentence("nothing"))
}

func TestEvidenceTellsWhatIsWrongOnce(t *testing.T) {
	r := goodDrops(t, "today", "virtual")
	r.add(history.Event{Node: "harness", Kind: history.BaselineFailed, Detail: "x"})
	p := of(t, Judge(r.plan, r.history()), "evidence")
	require.Len(t, p.Findings, 1)
	require.Equal(t, "2 steps, 57 events", p.Measured)
}
