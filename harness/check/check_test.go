package check

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// dropped is a scenario in which connections drop and come back.
const dropped = `schema: 1
title: Connections drop
broadcasters:
  - {name: rome, from: Rome, count: 2, persona: butt}
  - {name: york, from: New York, count: 2, persona: ffmpeg-fifo, bitrate: 128k}
timeline:
  - {at: 80s, drop: {broadcasters: rome}}
  - {at: 120s, cut: {from: eu-west/balancer-*, to: eu-west/recorder-*}}
ends: 3m
expect: [sticky-reconnect, dead-air, {untouched: {broadcasters: york}}]
variants:
  today: {verdict: pass}
  worse: {mutant: x, verdict: {fail: [dead-air, recording-intact]}}
  half: {mutant: x, verdict: {fail: [dead-air, sticky-reconnect]}}
  short: {expect: [{dead-air: {at-most: 5s}}], verdict: pass}
`

const second = time.Second

// goodDrops is how it goes well.
func goodDrops(t require.TestingT, variant, world string) *run {
	r := newRun(t, expand(t, dropped, variant, world))
	for i, name := range []string{"rome-01", "rome-02"} {
		late := time.Duration(i) * 10 * time.Millisecond
		r.again(name, 80*second+late, "dropped", 1400*time.Millisecond)
		r.again(name, 120*second+late, "eof", 1500*time.Millisecond)
	}
	return r
}

func TestGoodHistoriesPass(t *testing.T) {
	for _, world := range []string{"virtual", "loopback"} {
		r := goodDrops(t, "today", world)
		v := Judge(r.plan, r.history())
		for _, p := range v.Properties {
			require.Equal(t, Pass, p.Result, "%s: %v", p.Name, p.Findings)
			require.NotEmpty(t, p.Sentence)
			require.Nil(t, p.FirstEvent)
		}
		require.Equal(t, Pass, v.Result)
		require.True(t, v.AsExpected)
		require.Len(t, v.Dead, 4)
		rome := v.Dead[0]
		require.Len(t, rome.Gaps, 3)
		require.Equal(t, []string{"start", "step-1", "step-2"}, []string{rome.Gaps[0].Cause, rome.Gaps[1].Cause, rome.Gaps[2].Cause})
		require.InDelta(t, 1.8, rome.Gaps[1].Length().Seconds(), 0.15)
		require.InDelta(t, 4.0, rome.Total.Seconds(), 0.3)
		require.Equal(t, rome.Total, rome.Unavoidable)
		require.Zero(t, rome.Avoidable)
		require.Contains(t, rome.Gaps[1].Legs, "first retry 1.5s")
	}
}

// edit changes events of one kind and subject (or node).
func edit(es []history.Event, kind history.Kind, who string, f func(*history.Event)) []history.Event {
	es = slices.Clone(es)
	for i := range es {
		if es[i].Kind == kind && (es[i].Subject == who || es[i].Node == who) {
			es[i].Ranges = slices.Clone(es[i].Ranges)
			f(&es[i])
		}
	}
	return es
}

// leave leaves some events out.
func leave(es []history.Event, out func(history.Event) bool) []history.Event {
	return slices.DeleteFunc(slices.Clone(es), out)
}

func TestEachPropertyFailsOnWhatBreaksIt(t *testing.T) {
	second2 := func(e history.Event) bool { return e.Epoch == 2 }
	for name, c := range map[string]struct {
		change func(es []history.Event) []history.Event
		want   []string
	}{
		"comes back to another recorder": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "rome-01", func(e *history.Event) {
				if e.Epoch >= 2 {
					e.Node = "eu-west/recorder-3"
				}
			})
		}, []string{"sticky-reconnect"}},
		"comes back as another session": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "rome-01", func(e *history.Event) {
				if e.Epoch >= 2 {
					e.Session = "other"
				}
			})
		}, []string{"recording-intact", "sticky-reconnect"}},
		"epoch does not rise": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "rome-01", func(e *history.Event) {
				if second2(*e) {
					e.Epoch = 0
				}
			})
		}, []string{"single-writer"}},
		"two writers with one epoch": {func(es []history.Event) []history.Event {
			es = edit(es, history.SegmentFound, "rome-01", func(e *history.Event) {
				if second2(*e) {
					e.Epoch, e.Node = 1, "eu-west/recorder-3"
				}
			})
			return es
		}, []string{"single-writer", "sticky-reconnect"}},
		"two recorders hold the same frames": {func(es []history.Event) []history.Event {
			i := slices.IndexFunc(es, func(e history.Event) bool {
				return e.Kind == history.SegmentFound && e.Subject == "rome-01" && second2(e)
			})
			double := es[i]
			double.Node, double.Epoch = "eu-west/recorder-3", 5
			return slices.Insert(slices.Clone(es), i+1, double)
		}, []string{"recording-intact", "single-writer", "sticky-reconnect"}},
		"a frame is doubled in one file": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "york-01", func(e *history.Event) {
				r := e.Ranges[0]
				e.Ranges = []history.Range{{From: r.From, To: 500}, {From: 500, To: r.To}}
			})
		}, []string{"recording-intact"}},
		"frames are out of order": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "york-01", func(e *history.Event) {
				r := e.Ranges[0]
				e.Ranges = []history.Range{{From: 501, To: r.To}, {From: r.From, To: 500}}
			})
		}, []string{"recording-intact"}},
		"a second is missing in the middle": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "rome-02", func(e *history.Event) {
				if r := e.Ranges[0]; second2(*e) {
					e.Ranges = []history.Range{{From: r.From, To: r.From + 100}, {From: r.From + 115, To: r.To}}
				}
			})
		}, []string{"dead-air", "recording-intact"}},
		"too much is missing before a loss": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "rome-02", func(e *history.Event) {
				if second2(*e) {
					e.Ranges[0].To -= 60
				}
			})
		}, []string{"dead-air", "recording-intact"}},
		"what was sent after a reconnect is not there": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "rome-02", func(e *history.Event) {
				if second2(*e) {
					e.Ranges[0].From += 3
				}
			})
		}, []string{"recording-intact"}},
		"the last second is not there": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "york-02", func(e *history.Event) { e.Ranges[0].To -= 40 })
		}, []string{"dead-air", "recording-intact", "untouched"}},
		"there are more frames than the show has": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "york-02", func(e *history.Event) { e.Ranges[0].To++ })
		}, []string{"recording-intact"}},
		"bad frames": {func(es []history.Event) []history.Event {
			return edit(es, history.SegmentFound, "york-02", func(e *history.Event) { e.Bad = 1 })
		}, []string{"recording-intact"}},
		"frames of another show in the session": {func(es []history.Event) []history.Event {
			i := slices.IndexFunc(es, func(e history.Event) bool { return e.Kind == history.SegmentFound && e.Subject == "york-02" })
			es = slices.Insert(slices.Clone(es), i, es[i])
			own := es[i].Ranges[0]
			es[i].Ranges = []history.Range{{From: own.From, To: 999}, {From: 2001, To: own.To}}
			es[i+1].Ranges, es[i+1].Session = []history.Range{{From: 1000, To: 2000}}, "s-york-01"
			return es
		}, []string{"recording-intact"}},
		"a loss that nobody caused": {func(es []history.Event) []history.Event {
			r := goodDrops(t, "today", "virtual")
			r.again("york-02", 100*second, "reset", 200*time.Millisecond)
			return r.history()
		}, []string{"no-unexplained-disconnect", "untouched"}},
		"a loss by a fault on another path": {func(es []history.Event) []history.Event {
			r := goodDrops(t, "today", "virtual")
			r.again("york-02", 120*second, "reset", 200*time.Millisecond)
			return r.history()
		}, []string{"no-unexplained-disconnect", "untouched"}},
		"a loss long after its fault": {func(es []history.Event) []history.Event {
			r := goodDrops(t, "today", "virtual")
			r.again("rome-02", 128*second, "reset", 1200*time.Millisecond)
			return r.history()
		}, []string{"no-unexplained-disconnect"}},
		"nobody took somebody": {func(es []history.Event) []history.Event {
			return leave(es, func(e history.Event) bool {
				return e.Node == "york-02" && e.Kind == history.Attempt || e.Subject == "york-02" && e.Kind == history.SegmentFound
			})
		}, []string{"dead-air", "untouched"}},
		"back too late": {func(es []history.Event) []history.Event {
			r := newRun(t, expand(t, dropped, "today", "virtual"))
			r.again("rome-01", 80*second, "dropped", 1400*time.Millisecond)
			r.again("rome-02", 80*second, "dropped", 5800*time.Millisecond)
			return r.history()
		}, []string{"dead-air"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := goodDrops(t, "today", "virtual")
			good := r.history()
			require.Empty(t, failing(r.plan, good))
			es := c.change(good)
			v := Judge(r.plan, es)
			require.Equal(t, c.want, v.failed(), "%+v", v.Properties)
			require.Equal(t, Fail, v.Result)
			require.False(t, v.AsExpected)
			for _, p := range v.Properties {
				if p.Result == Fail {
					require.NotEmpty(t, p.Findings)
					require.NotNil(t, p.FirstEvent, p.Name)
					require.Less(t, *p.FirstEvent, len(es))
				}
			}
		})
	}
}

func TestADurationLimitsTheSumOfAShow(t *testing.T) {
	r := goodDrops(t, "short", "virtual")
	require.Empty(t, failing(r.plan, r.history()))
	r = goodDrops(t, "short", "virtual")
	r.again("rome-02", 121700*time.Millisecond, "eof", 1500*time.Millisecond)
	require.Equal(t, []string{"dead-air"}, failing(r.plan, r.history()))
	p := of(t, Judge(r.plan, r.events), "dead-air")
	require.Equal(t, "5s for each broadcaster", p.Limit)
	require.Contains(t, p.Measured, "rome-02")
}

func TestALossCountsThoughNothingIsMissing(t *testing.T) {
	r := goodDrops(t, "today", "virtual")
	frame := r.shows["york-01"].number(80 * second)
	r.add(history.Event{At: 80 * second, Node: "york-01", Kind: history.Lost, Peer: "us-east/balancer-1", Class: "reset", Frame: frame})
	r.add(history.Event{At: 80 * second, Node: "york-01", Kind: history.Attempt, Peer: "us-east/balancer-1", Class: "accepted", Frame: frame})
	require.Equal(t, []string{"no-unexplained-disconnect", "untouched"}, failing(r.plan, r.history()))
}

func TestAMeasurementHasATolerance(t *testing.T) {
	play := func(after time.Duration) []string {
		r := newRun(t, expand(t, dropped, "today", "virtual"))
		r.again("rome-01", 80*second, "dropped", after)
		return failing(r.plan, r.history())
	}
	bound := Judge(goodDrops(t, "today", "virtual").plan, goodDrops(t, "today", "virtual").history()).Dead[0].Gaps[1].Bound
	require.Empty(t, play(bound-held))
	require.Empty(t, play(bound-held+bound*12/100))
	require.Equal(t, []string{"dead-air"}, play(bound-held+bound*18/100))
}

// What is missing before a show's first connection is not the loss of that
// connection, however soon it comes.
func TestALossTakesNothingFromBeforeItsConnection(t *testing.T) {
	const soon = `schema: 1
title: A connection drops at once
broadcasters: [{name: rome, from: Rome, persona: mobile, on-air: 10s}]
timeline:
  - {at: 11500ms, drop: {broadcasters: rome}}
ends: 1m
expect: [dead-air]
variants: {today: {verdict: pass}}
`
	r := newRun(t, expand(t, soon, "today", "virtual"))
	r.again("rome-01", 11*second+500*time.Millisecond, "dropped", 10*second)
	v := Judge(r.plan, r.history())
	require.Equal(t, Pass, of(t, v, "dead-air").Result, "%v", of(t, v, "dead-air").Findings)
	gaps := v.Dead[0].Gaps
	require.Len(t, gaps, 2)
	require.Equal(t, "start", gaps[0].Cause)
	require.NotContains(t, gaps[0].Legs, "retry", "a start is not granted the time of a reconnect")
	require.Equal(t, "step-1", gaps[1].Cause)
}
