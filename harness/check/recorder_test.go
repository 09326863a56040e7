package check

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// broken is a scenario whose first step a test fills in.
const broken = `schema: 1
title: One thing breaks
broadcasters:
  - {name: rome, from: Rome, count: 2, persona: butt}
  - {name: york, from: New York, count: 1, persona: ffmpeg-fifo}
timeline:
  - {at: 80s, %s}
ends: 8m
expect: [dead-air, sticky-reconnect]
variants: {today: {verdict: pass}}
`

const r2, r3 = "eu-west/recorder-2", "eu-west/recorder-3"

// broke is a run of the scenario in which a step did something.
func broke(t require.TestingT, step string) *run {
	return newRun(t, expand(t, fmt.Sprintf(broken, step), "today", "virtual"))
}

// results are the properties of a run that are no pass.
func results(t testing.TB, r *run) map[string]Result {
	t.Helper()
	other := map[string]Result{}
	for _, p := range Judge(r.plan, r.history()).Properties {
		if p.Result != Pass {
			other[p.Name] = p.Result
		}
	}
	return other
}

// move has a show go on at another recorder.
func (r *run) move(name, recorder string) { r.shows[name].recorder = recorder }

func TestARecorderThatDiesIsNotComeBackTo(t *testing.T) {
	never := map[string]Result{"sticky-reconnect": Inconclusive}
	for _, step := range []string{"kill: " + r2, "powercut: " + r2, "kill: " + r2 + ", for: 3m", "restart: " + r2} {
		r := broke(t, step)
		for _, name := range []string{"rome-01", "rome-02"} {
			r.lose(name, 80*second+10*time.Millisecond, "reset")
			r.move(name, r3)
			r.back(name, 81700*time.Millisecond, b1)
		}
		require.Equal(t, never, results(t, r), step)
	}
	r := broke(t, "drain: "+r2) // and something else ends the connections
	r.plan.Steps = append(r.plan.Steps, r.plan.Steps[0])
	r.plan.Steps[1].ID, r.plan.Steps[1].Do, r.plan.Steps[1].Nodes, r.plan.Steps[1].At = "step-2", "restart", []string{b1}, 90*second
	for _, k := range []history.Kind{history.FaultBegan, history.FaultTouched} {
		r.add(history.Event{At: 90 * second, Node: "harness", Kind: k, Fault: "step-2", Count: 1})
	}
	r.lose("rome-01", 90*second, "reset")
	r.move("rome-01", r3)
	r.back("rome-01", 92*second, b1)
	require.Equal(t, never, results(t, r), "a recorder that drains takes nobody back")

	r = broke(t, "kill: us-west/recorder-1")
	r.lose("rome-01", 80*second, "reset")
	r.move("rome-01", r3)
	r.back("rome-01", 81700*time.Millisecond, b1)
	require.Equal(t, map[string]Result{"sticky-reconnect": Fail, "no-unexplained-disconnect": Fail}, results(t, r), "another recorder's death explains nothing")
}

func TestAPowerCutMayTakeWhatWasNotSynced(t *testing.T) {
	play := func(step string, lost time.Duration, bad int) map[string]Result {
		r := broke(t, step)
		r.lose("rome-01", 80*second, "reset")
		r.shows["rome-01"].conns[0].to = r.shows["rome-01"].number(80*second-lost) - 1
		r.move("rome-01", r3)
		r.back("rome-01", 81*second, b1)
		es := edit(r.history(), history.SegmentFound, "rome-01", func(e *history.Event) {
			if e.Node == r2 {
				e.Bad = bad
			}
		})
		other := map[string]Result{}
		for _, p := range Judge(r.plan, es).Properties {
			if p.Result == Fail {
				other[p.Name] = p.Result
			}
		}
		return other
	}
	require.Empty(t, play("powercut: "+r2, 2200*time.Millisecond, 0))
	require.Empty(t, play("powercut: "+r2, 2200*time.Millisecond, 1), "the frame that was being written")
	require.Equal(t, map[string]Result{"recording-intact": Fail}, play("powercut: "+r2, 2200*time.Millisecond, 2))
	require.Equal(t, map[string]Result{"recording-intact": Fail}, play("kill: "+r2, 2200*time.Millisecond, 0), "a dead process loses nothing that it had written")
	require.Equal(t, Fail, play("pause: "+r3, 400*time.Millisecond, 1)["recording-intact"], "nobody died in the middle of a frame")
}

func TestARecorderWhoseDiskLostTheShowIsStillTheCause(t *testing.T) {
	r := broke(t, "powercut: "+r2)
	r.lose("rome-01", 80*second, "reset")
	r.move("rome-01", r3)
	r.back("rome-01", 81*second, b1)
	es := leave(r.history(), func(e history.Event) bool {
		return e.Kind == history.SegmentFound && e.Node == r2 && e.Subject == "rome-01"
	})
	require.Equal(t, []string{"dead-air", "recording-intact"}, failing(r.plan, es))
}

func TestASilentRecorderHasToBeNoticed(t *testing.T) {
	play := func(after time.Duration) map[string]Result {
		r := broke(t, "pause: "+r2+", for: 3m")
		s := r.shows["rome-01"]
		r.lose("rome-01", 80*second+after, "reset")
		s.conns[0].to = s.number(80*second) - 1
		r.move("rome-01", r3)
		r.back("rome-01", 80*second+after+1500*time.Millisecond, b1)
		return results(t, r)
	}
	require.Equal(t, map[string]Result{"sticky-reconnect": Inconclusive}, play(6*second))
	require.Equal(t, map[string]Result{"sticky-reconnect": Inconclusive, "dead-air": Fail}, play(16*second))
}

func TestASilentWayIsAsLongAsTheClientDoesNotNotice(t *testing.T) {
	r := broke(t, "blackhole: {from: rome, to: eu-west/balancer-*, connections: existing}, for: 1m")
	s := r.shows["rome-01"]
	r.lose("rome-01", 130*second, "timeout")
	s.conns[0].to = s.number(80*second) - 1
	r.told("rome-01", 131*second, b1, b2)
	r.back("rome-01", 131500*time.Millisecond, b1)
	require.Empty(t, results(t, r))
	v := Judge(r.plan, r.events)
	require.Contains(t, v.Dead[0].Gaps[1].Legs, "nobody notices 50s")
	require.NotContains(t, v.Dead[0].Gaps[1].Legs, "checks", "a connection that is new would have worked")
}

func TestAClientThatWaitsForEverIsHeldByASilentBalancer(t *testing.T) {
	play := func(name string, after time.Duration) map[string]Result {
		r := broke(t, "pause: [us-east/balancer-1, eu-west/balancer-1], for: 3m")
		held, twin, wait := r.shows[name].conns[0].balancer, b2, 160*second
		if name == "york-01" {
			twin, wait = v2, 90*second
		}
		r.lose(name, wait, "timeout")
		r.told(name, wait+second, held, twin)
		r.shows[name].conns[0].to = r.shows[name].number(80*second) - 1
		r.back(name, wait+after, twin)
		return results(t, r)
	}
	require.NotContains(t, play("york-01", 172*second), "dead-air", "ffmpeg has no limit for an answer, so it hangs until the silence ends")
	require.Equal(t, Fail, play("york-01", 200*second)["dead-air"])
}

func TestASecondSessionNeedsALongAbsence(t *testing.T) {
	play := func(after time.Duration) map[string]Result {
		r := broke(t, "kill: [eu-west/balancer-1, eu-west/balancer-2]")
		r.lose("rome-01", 80*second, "reset")
		r.shows["rome-01"].session, r.shows["rome-01"].recorder = "other", r3
		r.back("rome-01", 80*second+after, v1)
		return results(t, r)
	}
	require.Equal(t, Fail, play(290 * second)["recording-intact"])
	require.Equal(t, Fail, play(290 * second)["sticky-reconnect"])
	require.NotContains(t, play(310*second), "recording-intact", "the window of 5 minutes has passed")
	require.Equal(t, Inconclusive, play(310 * second)["sticky-reconnect"])
}

func TestASecondSessionOfAShowThatNobodyKnowsAnyMore(t *testing.T) {
	play := func(steps string) Result {
		r := broke(t, steps)
		r.lose("rome-01", 80*second, "reset")
		r.shows["rome-01"].session, r.shows["rome-01"].recorder = "other", r3
		r.back("rome-01", 100*second, v1)
		return results(t, r)["recording-intact"]
	}
	require.Equal(t, Fail, play("kill: [eu-west/balancer-1, eu-west/balancer-2, redis]"), "its recorder lives and can be asked")
	require.Equal(t, Fail, play("kill: [eu-west/balancer-1, eu-west/balancer-2, eu-west/recorder-2]"), "the index knows it")
	require.NotEqual(t, Fail, play("kill: [eu-west/balancer-1, eu-west/balancer-2, eu-west/recorder-2, redis]"))
}

func TestNothingOnAnyDisk(t *testing.T) {
	r := broke(t, "kill: "+r3)
	es := leave(r.history(), func(e history.Event) bool { return e.Kind == history.SegmentFound })
	v := Judge(r.plan, es)
	require.Equal(t, Inconclusive, of(t, v, "single-writer").Result)
	require.Equal(t, Fail, of(t, v, "dead-air").Result)
	require.Equal(t, Fail, of(t, v, "recording-intact").Result)
}

func TestFramesOfNobody(t *testing.T) {
	r := broke(t, "kill: "+r3)
	r.add(history.Event{At: 8 * time.Minute, Node: r3, Kind: history.SegmentFound, Session: "s", File: "s/1-1.mp3", Count: 3})
	require.Equal(t, Fail, results(t, r)["recording-intact"])
}

func TestFramesHeldTwiceByTwoWriters(t *testing.T) {
	r := broke(t, "restart: "+b1)
	r.lose("rome-01", 80*second, "reset")
	r.back("rome-01", 81500*time.Millisecond, b1)
	es := edit(r.history(), history.SegmentFound, "rome-01", func(e *history.Event) {
		if e.Epoch == 2 {
			e.Ranges[0].From -= 60
		}
	})
	require.Equal(t, []string{"recording-intact", "single-writer"}, failing(r.plan, es))
}

// TestWhatWasHeldBackIsNotWrittenLater: a connection's bytes that arrive when the next
// one is on air belong to nobody.
func TestWhatWasHeldBackIsNotWrittenLater(t *testing.T) {
	link := func(fault, more string) string {
		return fault + ": {from: rome, to: eu-west/balancer-*" + more + "}, for: 25s"
	}
	for name, c := range map[string]struct {
		step   string
		back   time.Duration
		change func(e *history.Event) // of the segment of the connection before
		writer bool                   // a fail of single-writer
	}{
		"its bytes were held":      {link("stall", ", connections: existing"), 88 * second, nil, true},
		"its balancer was frozen":  {"pause: " + b1 + ", for: 25s", 88 * second, nil, true},
		"the fault was over":       {link("stall", ", connections: existing"), 106 * second, nil, false},
		"answers were held":        {link("stall", ", direction: back"), 88 * second, nil, false},
		"its bytes were slow":      {link("throttle", ", rate: 500"), 88 * second, nil, false},
		"sent before":              {link("stall", ", connections: existing"), 88 * second, func(e *history.Event) { e.Ranges[0].To -= 70 }, false},
		"another recorder had it":  {link("stall", ", connections: existing"), 88 * second, func(e *history.Event) { e.Node = r3 }, false},
		"and the epoch was lower":  {link("stall", ", connections: existing"), 88 * second, func(e *history.Event) { e.Epoch = 0 }, true},
		"and it was not known who": {link("stall", ", connections: existing"), 88 * second, func(e *history.Event) { e.Ranges = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := broke(t, c.step)
			r.lose("rome-01", 85*second, "dropped")
			r.back("rome-01", c.back, "eu-west/balancer-2")
			es := r.history()
			if c.change != nil {
				es = edit(es, history.SegmentFound, "rome-01", func(e *history.Event) {
					if e.Epoch == 1 {
						c.change(e)
					}
				})
			}
			p := of(t, Judge(r.plan, es), "single-writer")
			require.Equal(t, c.writer, p.Result == Fail, "%v", p.Findings)
			if c.writer {
				require.Contains(t, p.Findings[0].Sentence, "frames 973 to 1036 of rome-01 were held back until after it was on air again, and eu-west/recorder-2 wrote them all the same (")
			}
		})
	}
}

// TestAConnectionMadeMeanwhileIsNotHeldBack: a fault of existing connections says
// nothing about one that was made during it.
func TestAConnectionMadeMeanwhileIsNotHeldBack(t *testing.T) {
	r := broke(t, "stall: {from: rome, to: eu-west/balancer-*, connections: existing}, for: 25s")
	r.lose("rome-01", 85*second, "dropped")
	r.back("rome-01", 88*second, b1)
	r.lose("rome-01", 95*second, "dropped")
	r.back("rome-01", 97*second, b1)
	es := edit(r.history(), history.SegmentFound, "rome-01", func(e *history.Event) {
		if e.Epoch == 1 {
			e.Ranges[0].To -= 70
		}
	})
	require.Equal(t, Pass, of(t, Judge(r.plan, es), "single-writer").Result)
}
