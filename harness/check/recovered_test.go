package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// crowding is a scenario in which a balancer dies under a hundred shows.
const crowding = `schema: 1
title: A balancer dies under a hundred
broadcasters:
  - {name: butt, from: Rome, count: 100, persona: butt, on-air: 1s}
timeline:
  - {at: 80s, kill: eu-west/balancer-1}
ends: 160s
expect: [{recovered-within: {within: 60s, share: 99%}}, {admission-within: {within: 2s, share: 99%}}]
`

// crowdBack has all of a crowd come back to the twin after two seconds, apart from some
// that come later, or never when they need no time at all.
func crowdBack(t *testing.T, world string, late map[string]time.Duration) *run {
	r := newRun(t, expand(t, crowding, "today", world))
	for _, name := range r.order {
		r.lose(name, dead1, "reset")
		after, apart := late[name]
		switch {
		case !apart:
			after = 2 * second
		case after == 0:
			continue
		}
		r.told(name, dead1+after-100*time.Millisecond, b2, b1)
		r.back(name, dead1+after, b2)
	}
	return r
}

func TestRecoveredWithin(t *testing.T) {
	for name, c := range map[string]struct {
		late map[string]time.Duration
		want Result
		says string // measured, or the finding
	}{
		"all are":                      {nil, Pass, "99% of 100 back on air within 2s, the last one after 2s"},
		"one of a hundred is not":      {map[string]time.Duration{"butt-007": 61 * second}, Pass, "99% of 100 back on air within 2s, the last one after 1m1s"},
		"one of a hundred never comes": {map[string]time.Duration{"butt-007": 0}, Pass, "the last one after 1m19.95s"},
		"two of a hundred are not": {map[string]time.Duration{"butt-007": 61 * second, "butt-009": 65 * second}, Fail,
			"2 of 100 were not back on air within 1m0s, butt-009 the last of them, after 1m5s"},
		"the slow ones are just in time": {map[string]time.Duration{"butt-007": 60 * second, "butt-009": 60 * second}, Pass, "within 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			r := crowdBack(t, "virtual", c.late)
			p := of(t, Judge(r.plan, r.history()), "recovered-within")
			require.Equal(t, c.want, p.Result, "%+v", p)
			require.Equal(t, "99% within 1m0s", p.Limit)
			if c.want == Fail {
				require.Equal(t, c.says, p.Findings[0].Sentence)
				require.Equal(t, "butt-007", p.Findings[0].Subject)
				require.NotNil(t, p.FirstEvent)
				return
			}
			require.Contains(t, p.Measured, c.says)
		})
	}
}

// TestRecoveredTooSoonToTell: the shows end before the limit has passed.
func TestRecoveredTooSoonToTell(t *testing.T) {
	r := crowdBack(t, "virtual", map[string]time.Duration{"butt-007": 0, "butt-009": 0})
	r.plan.Expect[0].Within = 90 * second
	p := of(t, Judge(r.plan, r.history()), "recovered-within")
	require.Equal(t, Inconclusive, p.Result)
	require.Contains(t, p.Findings[0].Sentence, "the shows of 2 of 100 that lost their connection ended before 1m30s had passed")
}

// TestRecoveredLateAndTooSoon: who was late and who cannot be told of are together more
// than the share lets go, and neither is alone.
func TestRecoveredLateAndTooSoon(t *testing.T) {
	r := crowdBack(t, "virtual", map[string]time.Duration{"butt-007": 61 * second})
	r.lose("butt-009", 140*second, "reset")
	p := of(t, Judge(r.plan, r.history()), "recovered-within")
	require.Equal(t, Inconclusive, p.Result, "%+v", p)
	require.Equal(t, "the shows of 1 of 101 that lost their connection ended before 1m0s had passed, and 1 were late", p.Findings[0].Sentence)

	r = crowdBack(t, "virtual", map[string]time.Duration{"butt-007": 61 * second, "butt-008": 61 * second})
	r.lose("butt-009", 140*second, "reset")
	p = of(t, Judge(r.plan, r.history()), "recovered-within")
	require.Equal(t, Fail, p.Result, "%+v", p)
	require.Contains(t, p.Findings[0].Sentence, "2 of 101 were not back on air within 1m0s")
}

// TestRecoveredNobodyWasLost: without a loss nothing is proven.
func TestRecoveredNobodyWasLost(t *testing.T) {
	r := newRun(t, expand(t, crowding, "today", "virtual"))
	require.Equal(t, Inconclusive, of(t, Judge(r.plan, r.history()), "recovered-within").Result)
}

// TestRecoveredOrGivenUp: whom nobody could have taken does not count, and who gave up
// for a refusal does.
func TestRecoveredOrGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		first func(r *run)
		want  Result
	}{
		"its balancers were dead": {func(r *run) { r.refused("ez-01", bothDead+800*time.Millisecond, b1, "refused") }, Pass},
		"a living one refused it": {func(r *run) { r.answered("ez-01", bothDead-second, b2, 403) }, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			r := twinTook(t)
			r.plan.Expect = append(r.plan.Expect, expand(t, crowding, "today", "virtual").Expect...)
			at := bothDead
			if c.want == Fail {
				at = 199*second - 100*time.Millisecond
			}
			r.lose("ez-01", at, "reset")
			c.first(r)
			r.gaveUp("ez-01", bothDead+20*second, "refused")
			require.Equal(t, c.want, of(t, Judge(r.plan, r.history()), "recovered-within").Result)
		})
	}
}

func TestAdmissionWithin(t *testing.T) {
	for name, c := range map[string]struct {
		world string
		slow  int // of the two hundred admissions
		took  time.Duration
		want  Result
	}{
		"all are":                                   {"virtual", 0, 0, Pass},
		"two of two hundred are not":                {"virtual", 2, 3 * second, Pass},
		"three of two hundred are not":              {"virtual", 3, 3 * second, Fail},
		"what counts is the world's clock":          {"loopback", 3, 19 * second, Pass},
		"and on that clock three take far too long": {"loopback", 3, 60 * second, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			r := crowdBack(t, c.world, nil)
			es := r.history()
			slow := 0
			for i := range es {
				if es[i].Kind == history.Attempt && es[i].At > dead1 && slow < c.slow {
					es[i].Took = c.took
					slow++
				}
			}
			p := of(t, Judge(r.plan, es), "admission-within")
			require.Equal(t, c.want, p.Result, "%+v", p)
			if c.want == Fail {
				require.Contains(t, p.Findings[0].Sentence, "3 of 200 were not taken within 2s")
			}
		})
	}
}

// TestAdmissionOfThoseWhoTryAgain: who is refused, or loses patience, still waits. Nobody
// waits at a balancer that is dead.
func TestAdmissionOfThoseWhoTryAgain(t *testing.T) {
	for name, c := range map[string]struct {
		balancer, class string
		after           time.Duration // from the attempt that failed until they are taken; 0: never
		want            Result
	}{
		"refused, and taken at once":          {b2, "answered", second, Pass},
		"refused, and taken after a minute":   {b2, "answered", 60 * second, Fail},
		"out of patience, and taken at last":  {b2, "timeout", 60 * second, Fail},
		"out of patience, and never taken":    {b2, "timeout", 0, Fail},
		"their balancer is dead for a minute": {b1, "timeout", 60 * second, Pass},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, crowding, "today", "virtual"))
			for _, show := range r.order[:10] {
				r.lose(show, dead1, "reset")
				r.refused(show, dead1+2*second, c.balancer, c.class)
				if c.after > 0 {
					r.back(show, dead1+2*second+c.after, b2)
				}
			}
			p := of(t, Judge(r.plan, r.history()), "admission-within")
			require.Equal(t, c.want, p.Result, "%+v", p)
		})
	}
}

// TestAClientsOwnPauseIsOfTheIncident: what it waits before it tries again is scaled in worlds
// of real time, and what it is held is not.
func TestAClientsOwnPauseIsOfTheIncident(t *testing.T) {
	for name, c := range map[string]struct {
		pause, held time.Duration
		want        Result
	}{
		"held for ten times as long as it seems": {time.Second, 8 * second, Pass},
		"a pause of nine seconds":                {9 * second, time.Second, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, crowding, "today", "loopback"))
			for _, show := range r.order[:10] {
				r.lose(show, dead1, "reset")
				r.answered(show, dead1+2*second, b2, 403)
				r.back(show, dead1+2*second+c.pause+c.held, b2)
			}
			es := r.history()
			for i, e := range es {
				if e.Kind == history.Attempt && e.At == dead1+2*second+c.pause+c.held {
					es[i].Took = c.held
				}
			}
			p := of(t, Judge(r.plan, es), "admission-within")
			require.Equal(t, c.want, p.Result, "%+v", p)
		})
	}
}

// noRecorder is a scenario in which all recorders of a datacenter die for a minute.
const noRecorder = `schema: 1
title: No recorder of Ireland lives
system: {preset: two-datacenters}
broadcasters: [{name: rome, from: Rome, persona: butt}]
timeline: [{at: 80s, kill: "eu-west/recorder-*", for: 1m}]
ends: 5m
expect: [{recovered-within: {within: 10s}}, {dead-air: {at-most: bound}}]
`

// TestTakenAndLeftAlone: a balancer says yes before a recorder does, and ends each
// connection soon after. No disk has a frame of them, so nobody was back by them.
func TestTakenAndLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		until time.Duration // the connections from then on are recorded
		want  Result
	}{
		"for a minute": {142 * second, Fail},
		"never":        {82 * second, Pass},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, noRecorder, "today", "virtual"))
			r.lose("rome-01", 80*second+20*time.Millisecond, "eof")
			s := r.shows["rome-01"]
			for at := 82 * second; at < c.until; at += 2 * second {
				end := at + 300*time.Millisecond
				r.add(history.Event{At: at, Node: "rome-01", Kind: history.Attempt, Peer: b1, Class: "accepted", Frame: s.number(at)})
				r.add(history.Event{At: end, Node: "rome-01", Kind: history.Lost, Peer: b1, Class: "eof", Frame: s.number(end) - 1})
			}
			r.move("rome-01", "us-east/recorder-1")
			r.back("rome-01", c.until, b1)
			v := Judge(r.plan, r.history())
			for _, property := range []string{"recovered-within", "dead-air"} {
				require.Equal(t, c.want, of(t, v, property).Result, "%+v", of(t, v, property))
			}
			require.Contains(t, of(t, v, "recovered-within").Measured, "of 1 ", "it is one loss, however often it tried")
		})
	}
}
