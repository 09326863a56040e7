package check

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

const stale = `schema: 1
title: Healthy and routing nobody
broadcasters:
  - {name: york, from: New York, count: 4, persona: butt}
timeline:
  - {at: 60s, blackhole: {from: us-east/balancer-1, to: redis, connections: existing}, stays: true}
  - {at: 2m, drop: {broadcasters: york, share: 50%}}
ends: 10m
expect: [{health-honest: {within: 2m}}]
variants:
  as-it-was: {verdict: {fail: [health-honest, dead-air]}, expect: [{health-honest: {within: 2m}}, dead-air]}
  today: {verdict: pass}
`

// hanging has the dropped broadcasters try the stale balancer again and again
// until an instant.
func hanging(t require.TestingT, variant string, until time.Duration) *run {
	r := newRun(t, expand(t, stale, variant, "virtual"))
	for _, name := range r.plan.Steps[1].Who {
		r.lose(name, 2*time.Minute, "dropped")
		for at := 2*time.Minute + 7*second; at < until; at += 5200 * time.Millisecond {
			r.told(name, at-5*second, v1, v2)
			r.refused(name, at, v1, "timeout")
		}
		r.back(name, until, v2)
	}
	return r
}

func TestHealthHonest(t *testing.T) {
	judge := func(r *run) (Result, time.Duration) {
		p := of(t, Judge(r.plan, r.history()), "health-honest")
		return p.Result, p.Worst
	}
	short := hanging(t, "today", 3*time.Minute)
	short.again(stayed(short), 4*time.Minute, "reset", 1400*time.Millisecond)
	result, worst := judge(short)
	require.Equal(t, Pass, result)
	require.Equal(t, worst, spanOfAttempts(hanging(t, "today", 3*time.Minute)), "from the first one's beginning")

	result, worst = judge(hanging(t, "today", 3*time.Minute))
	require.Equal(t, Inconclusive, result, "nobody tried again, and it was called healthy to the end")
	require.Equal(t, worst, spanOfAttempts(hanging(t, "today", 3*time.Minute)))

	result, worst = judge(hanging(t, "today", 8*time.Minute))
	require.Equal(t, Fail, result)
	require.InDelta(t, 6*60, worst.Seconds(), 15)

	out := hanging(t, "today", 8*time.Minute)
	out.vote(3*time.Minute, v1, false)
	result, worst = judge(out)
	require.Equal(t, Pass, result, "it was voted out after a minute")
	require.InDelta(t, 54, worst.Seconds(), 5)

	out = hanging(t, "today", 8*time.Minute)
	out.vote(150*second, v1, false)
	out.vote(160*second, v1, true)
	result, _ = judge(out)
	require.Equal(t, Fail, result, "it was voted in again")

	taken := hanging(t, "today", 8*time.Minute)
	for at := 150 * second; at < 9*time.Minute; at += time.Minute {
		taken.again(stayed(taken), at, "reset", 1400*time.Millisecond)
	}
	result, _ = judge(taken)
	require.Equal(t, Pass, result, "it takes somebody once a minute")
}

// TestWhomNobodyTries: a step is on a balancer's way to Redis, and nobody was turned away.
func TestWhomNobodyTries(t *testing.T) {
	untried := func() *run { return newRun(t, expand(t, stale, "today", "virtual")) }
	judge := func(r *run) Property { return of(t, Judge(r.plan, r.history()), "health-honest") }
	p := judge(untried())
	require.Equal(t, Inconclusive, p.Result)
	require.Contains(t, p.Findings[0].Sentence, "never exercised: no balancer turned anybody away")

	out := untried()
	out.vote(150*second, v1, false)
	require.Equal(t, Pass, judge(out).Result, "it was not called healthy, which is why nobody tried it")

	late := untried()
	late.vote(4*time.Minute, v1, false)
	require.Equal(t, Inconclusive, judge(late).Result)

	twice := untried()
	twice.lose(twice.order[0], 2*time.Minute, "dropped")
	twice.refused(twice.order[0], 2*time.Minute+7*second, v1, "timeout")
	twice.refused(twice.order[0], 2*time.Minute+13*second, v1, "timeout")
	twice.back(twice.order[0], 2*time.Minute+20*second, v2)
	require.Equal(t, Inconclusive, judge(twice).Result, "two attempts prove nothing")

	taken := untried()
	taken.again(taken.order[0], 90*second, "reset", 1400*time.Millisecond)
	require.Equal(t, Pass, judge(taken).Result)
}

// stayed is somebody whom the step of stale does not drop.
func stayed(r *run) (name string) {
	for _, name = range r.order {
		if r.shows[name].on && !contains(r.plan.Steps[1].Who, name) {
			return name
		}
	}
	return ""
}

// TestAttemptsToldOnceAMinuteAreAllCounted: two events can stand for many attempts.
func TestAttemptsToldOnceAMinuteAreAllCounted(t *testing.T) {
	play := func(counts ...int) Property {
		r := newRun(t, expand(t, stale, "today", "virtual"))
		name := r.plan.Steps[1].Who[0]
		r.lose(name, 2*time.Minute, "dropped")
		for i, n := range counts {
			at := 2*time.Minute + 7*second + time.Duration(i)*4*time.Minute
			r.add(history.Event{At: at, Node: name, Kind: history.Attempt, Peer: v1, Class: "timeout", Took: second, Count: n})
		}
		r.back(name, 8*time.Minute, v2)
		r.again(stayed(r), 9*time.Minute, "reset", 1400*time.Millisecond)
		return of(t, Judge(r.plan, r.history()), "health-honest")
	}
	require.Equal(t, Pass, play(0, 0).Result, "two attempts prove nothing")
	require.Equal(t, Pass, play(0, 1).Result)
	p := play(0, 40)
	require.Equal(t, Fail, p.Result)
	require.Equal(t, v1+" was called healthy for 4m1s while it took none of 41 broadcasters' attempts", p.Findings[0].Sentence)
	require.Len(t, p.Findings[0].Events, 2)
}

func TestAsItWas(t *testing.T) {
	r := hanging(t, "as-it-was", 8*time.Minute)
	v := Judge(r.plan, r.history())
	require.Equal(t, Fail, v.Result)
	require.True(t, v.AsExpected, "%v", v.failed())
	for _, d := range v.Dead {
		if contains(r.plan.Steps[1].Who, d.Broadcaster) {
			require.Contains(t, d.Gaps[1].Legs, "admission 2.", "the way to Redis is silent, so the deadlines are granted")
		}
	}
}

// spanOfAttempts is the time from the beginning of the first failed attempt to the end of the last.
func spanOfAttempts(r *run) time.Duration {
	from, to := time.Hour, time.Duration(0)
	for _, e := range r.events {
		if e.Kind == history.Attempt && e.Class == "timeout" {
			from, to = min(from, e.At-e.Took), max(to, e.At)
		}
	}
	return to - from
}

// TestNobodyWhoCouldRecord: balancers that can lead to no living recorder are no liars.
func TestNobodyWhoCouldRecord(t *testing.T) {
	for dead, want := range map[string]Result{`"*/recorder-*"`: Inconclusive, `["eu-west/recorder-*", "us-east/recorder-*", "us-west/recorder-[12]"]`: Fail} {
		text := strings.Replace(stale, "blackhole: {from: us-east/balancer-1, to: redis, connections: existing}, stays: true", "kill: "+dead+", for: 8m", 1)
		r := newRun(t, expand(t, text, "today", "virtual"))
		name := r.order[0]
		r.lose(name, 60*second+20*time.Millisecond, "eof")
		for at := 70 * second; at < 8*time.Minute; at += 10 * second {
			r.answered(name, at, v1, 403)
		}
		require.Equal(t, want, of(t, Judge(r.plan, r.history()), "health-honest").Result, dead)
	}
}
