package check

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// perished is a scenario in which one balancer dies, and then its twin as well.
const perished = `schema: 1
title: Balancers die
broadcasters:
  - {name: ez, from: Rome, count: 2, persona: ezstream}
  - {name: plain, from: Rome, persona: ffmpeg}
  - {name: dark, from: Rome, persona: darkice}
  - {name: butt, from: Rome, persona: butt}
timeline:
  - {at: 80s, kill: eu-west/balancer-1, for: 1m}
  - {at: 200s, kill: eu-west/balancer-*, for: 1m}
ends: 10m
expect: [first-reconnect-answered, lost-for-good, dead-air]
`

// dead1 is a moment after balancer-1 died, bothDead one after both had.
const (
	dead1    = 80*second + 50*time.Millisecond
	bothDead = 200*second + 50*time.Millisecond
)

// twinTook has everybody come back to the twin, apart from the client that never does.
func twinTook(t require.TestingT) *run {
	r := newRun(t, expand(t, perished, "today", "virtual"))
	for _, name := range []string{"ez-01", "ez-02", "butt-01"} {
		r.lose(name, dead1, "reset")
		r.told(name, dead1+700*time.Millisecond, b1, b2)
		r.refused(name, dead1+800*time.Millisecond, b1, "refused")
		r.back(name, dead1+900*time.Millisecond, b2)
	}
	r.lose("dark-01", dead1, "reset") // it knows the first address only
	for i := range 3 {
		at := dead1 + time.Duration(i)*second
		r.told("dark-01", at, b1, b2)
		r.refused("dark-01", at+100*time.Millisecond, b1, "refused")
	}
	r.told("dark-01", dead1+3*second, b2, b1)
	r.back("dark-01", dead1+3100*time.Millisecond, b2)
	r.lose("plain-01", dead1, "reset")
	r.gaveUp("plain-01", dead1, "reset")
	return r
}

func TestWhoComesBackIsTaken(t *testing.T) {
	r := twinTook(t)
	v := Judge(r.plan, r.history())
	for _, name := range []string{"first-reconnect-answered", "lost-for-good", "dead-air"} {
		require.Equal(t, Pass, of(t, v, name).Result, "%+v", of(t, v, name))
	}
	require.Equal(t, "4 of 4 reconnects taken at the first attempt that could be", of(t, v, "first-reconnect-answered").Measured)
	require.Equal(t, "1 of 5 shows ended for ever, 0 of them avoidably", of(t, v, "lost-for-good").Measured)
	plain := v.Dead[2]
	require.Equal(t, plain.Total, plain.Unavoidable, "nobody could have kept it")
	require.Equal(t, "its client gave up", plain.Gaps[1].Legs)
}

// TestNobodyLivedToAnswer: both balancers were down, and a client that makes one
// attempt met only them.
func TestNobodyLivedToAnswer(t *testing.T) {
	r := twinTook(t)
	for _, name := range []string{"ez-01", "butt-01"} {
		r.lose(name, bothDead, "reset")
		r.told(name, bothDead+700*time.Millisecond, b1, b2)
		r.refused(name, bothDead+800*time.Millisecond, b1, "refused")
		r.refused(name, bothDead+900*time.Millisecond, b2, "refused")
	}
	r.gaveUp("ez-01", bothDead+20*second, "refused")
	r.told("butt-01", bothDead+40*second, v1)
	r.back("butt-01", bothDead+41*second, v1)
	for _, name := range []string{"ez-02", "dark-01"} {
		r.lose(name, bothDead, "reset")
	}
	v := Judge(r.plan, r.history())
	require.Equal(t, Pass, of(t, v, "first-reconnect-answered").Result)
	require.Equal(t, Pass, of(t, v, "lost-for-good").Result)
	require.Equal(t, "2 of 5 shows ended for ever, 0 of them avoidably", of(t, v, "lost-for-good").Measured)
	require.Zero(t, v.Dead[0].Avoidable)
}

func TestReconnectsThatAreNotTaken(t *testing.T) {
	for name, c := range map[string]struct {
		play func(r *run)
		says map[string]string // by property that fails
	}{
		"a living balancer refuses the one attempt": {
			func(r *run) {
				r.told("ez-01", dead1+700*time.Millisecond, b2, b1)
				r.answered("ez-01", dead1+800*time.Millisecond, b2, 403)
				r.gaveUp("ez-01", dead1+21*second, "answered")
			}, map[string]string{
				"first-reconnect-answered": "ez-01 came back, and eu-west/balancer-2, which lived, answered 403",
				"lost-for-good":            "the show of ez-01 ended for ever: eu-west/balancer-2, which lived, answered 403",
				"dead-air":                 "are unavoidable",
			},
		},
		"a living balancer lets it wait": {
			func(r *run) {
				r.told("ez-01", dead1+700*time.Millisecond, b2, b1)
				r.refused("ez-01", dead1+6*second, b2, "timeout")
				r.gaveUp("ez-01", dead1+26*second, "timeout")
			}, map[string]string{
				"first-reconnect-answered": "eu-west/balancer-2, which lived, did not take it (timeout)",
				"lost-for-good":            "did not take it (timeout)",
				"dead-air":                 "are unavoidable",
			},
		},
		"it is refused once, and taken then": {
			func(r *run) {
				r.told("ez-01", dead1+700*time.Millisecond, b2, b1)
				r.answered("ez-01", dead1+800*time.Millisecond, b2, 403)
				r.back("ez-01", dead1+1200*time.Millisecond, b2)
			}, map[string]string{"first-reconnect-answered": "answered 403"},
		},
		"DNS names only the dead one": {
			func(r *run) {
				r.told("ez-01", dead1+700*time.Millisecond, b1)
				r.refused("ez-01", dead1+800*time.Millisecond, b1, "refused")
				r.gaveUp("ez-01", dead1+21*second, "refused")
			}, map[string]string{
				"first-reconnect-answered": "ez-01 came back and was told of eu-west/balancer-1 only, which was down, while eu-west/balancer-2 lived",
				"lost-for-good":            "its client was told of eu-west/balancer-1 only, which was down, while eu-west/balancer-2 lived",
				"dead-air":                 "are unavoidable",
			},
		},
		"DNS names nobody": {
			func(r *run) {
				r.refused("ez-01", dead1+800*time.Millisecond, "", "unresolved")
				r.gaveUp("ez-01", dead1+21*second, "unresolved")
			}, map[string]string{
				"first-reconnect-answered": "DNS told it no address",
				"lost-for-good":            "DNS told it no address",
				"dead-air":                 "are unavoidable",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, perished, "today", "virtual"))
			r.lose("ez-01", dead1, "reset")
			c.play(r)
			v := Judge(r.plan, r.history())
			for _, property := range []string{"first-reconnect-answered", "lost-for-good", "dead-air"} {
				p := of(t, v, property)
				if want, fails := c.says[property]; fails {
					require.Equal(t, Fail, p.Result, property)
					require.Contains(t, p.Findings[0].Sentence, want)
					require.NotNil(t, p.FirstEvent)
				} else {
					require.Equal(t, Pass, p.Result, "%+v", p)
				}
			}
		})
	}
}

func TestALossThatNobodyCausedIsAvoidable(t *testing.T) {
	r := twinTook(t)
	r.lose("ez-02", 160*second, "reset")
	r.refused("ez-02", 161*second, b1, "refused") // it lives again, so this is one more fault of the system
	r.gaveUp("ez-02", 181*second, "refused")
	v := Judge(r.plan, r.history())
	require.Equal(t, Fail, of(t, v, "lost-for-good").Result)
	require.Contains(t, of(t, v, "lost-for-good").Findings[0].Sentence, "nothing was broken on that path")
}

func TestAShowThatNeverBegan(t *testing.T) {
	r := newRun(t, expand(t, perished, "today", "virtual"))
	es := r.history()
	es = leave(es, func(e history.Event) bool {
		return e.Node == "plain-01" && e.Kind == history.Attempt || e.Kind == history.SegmentFound && e.Subject == "plain-01"
	})
	es = append(es, history.Event{At: 11 * second, Node: "plain-01", Kind: history.Attempt, Peer: b1, Class: "answered", Status: 403},
		history.Event{At: 11 * second, Node: "plain-01", Kind: history.GaveUp, Peer: b1, Class: "answered", Status: 403})
	history.Sort(es)
	v := Judge(r.plan, es)
	require.Equal(t, Fail, of(t, v, "lost-for-good").Result)
	require.Contains(t, of(t, v, "lost-for-good").Findings[0].Sentence, "eu-west/balancer-1, which lived, answered 403")
}

func TestABalancerThatStartsAgainIsExcused(t *testing.T) {
	r := broke(t, "restart: "+b1)
	r.lose("rome-01", 80*second, "reset")
	r.refused("rome-01", 80500*time.Millisecond, b1, "refused")
	r.back("rome-01", 81500*time.Millisecond, b2)
	r.plan.Expect = append(r.plan.Expect, expand(t, perished, "today", "virtual").Expect[:2]...)
	require.Empty(t, results(t, r))
}

func TestNobodyCameBack(t *testing.T) {
	r := newRun(t, expand(t, perished, "today", "virtual"))
	v := Judge(r.plan, r.history())
	require.Equal(t, Inconclusive, of(t, v, "first-reconnect-answered").Result)
	require.Equal(t, Inconclusive, of(t, v, "lost-for-good").Result)
}

// TestTheTwinWorksAgainAndDNSDoesNotKnow: one balancer dies soon after the other one is
// back, and DNS, which has to look at it three times, names only the one that is dead now.
func TestTheTwinWorksAgainAndDNSDoesNotKnow(t *testing.T) {
	for name, c := range map[string]struct {
		dies time.Duration
		out  time.Duration // when checkers call the first one unhealthy
		want Result
	}{
		"since five seconds":  {145 * second, 105 * second, Pass},
		"since a second":      {141 * second, 138 * second, Pass}, // and answers still named it a moment before
		"since half a minute": {168 * second, 105 * second, Pass}, // and healthy since two seconds, which no answer knows yet
		"since a minute":      {200 * second, 105 * second, Fail},
		"since three minutes": {320 * second, 105 * second, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, fmt.Sprintf(rolling, c.dies), "today", "virtual"))
			r.vote(c.out, b1, false)
			r.vote(166*second, b1, true)
			r.lose("ez-01", dead1, "reset")
			r.told("ez-01", dead1+700*time.Millisecond, b1, b2)
			r.refused("ez-01", dead1+800*time.Millisecond, b1, "refused")
			r.back("ez-01", dead1+900*time.Millisecond, b2)
			r.lose("ez-01", c.dies+50*time.Millisecond, "reset")
			r.told("ez-01", c.dies+700*time.Millisecond, b2)
			r.refused("ez-01", c.dies+800*time.Millisecond, b2, "refused")
			r.gaveUp("ez-01", c.dies+20*second, "refused")
			v := Judge(r.plan, r.history())
			for _, property := range []string{"first-reconnect-answered", "lost-for-good"} {
				require.Equal(t, c.want, of(t, v, property).Result, "%+v", of(t, v, property))
			}
		})
	}
}

// rolling is a scenario in which one balancer dies after the other.
const rolling = `schema: 1
title: One balancer dies after the other
broadcasters: [{name: ez, from: Rome, persona: ezstream}]
timeline:
  - {at: 80s, kill: eu-west/balancer-1, for: 1m}
  - {at: %s, kill: eu-west/balancer-2, for: 1m}
ends: 10m
expect: [first-reconnect-answered, lost-for-good]
`

// TestNoRecorderLivedAnywhere: a living balancer refuses the one attempt of a client, and
// it can do nothing else unless a recorder lives, wherever that is.
func TestNoRecorderLivedAnywhere(t *testing.T) {
	for name, c := range map[string]struct {
		dead string
		want Result
	}{
		"all are dead":              {`"*/recorder-*"`, Pass},
		"those of Ireland are dead": {`"eu-west/recorder-*"`, Fail},
		"all but one are dead":      {`["eu-west/recorder-*", "us-east/recorder-[12]"]`, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, fmt.Sprintf(desertedAll, c.dead), "today", "virtual"))
			r.lose("rome-01", 80*second+20*time.Millisecond, "eof")
			r.told("rome-01", 80*second+500*time.Millisecond, b1, b2)
			r.answered("rome-01", 100*second, b1, 403)
			r.gaveUp("rome-01", 120*second, "answered")
			r.lose("york-01", 80*second+20*time.Millisecond, "eof")
			r.back("york-01", 150*second, v1)
			v := Judge(r.plan, r.history())
			require.Equal(t, c.want, of(t, v, "lost-for-good").Result, "%+v", of(t, v, "lost-for-good"))
			for _, property := range []string{"first-reconnect-answered", "cross-datacenter-failover"} {
				require.Equal(t, c.want == Fail, of(t, v, property).Result == Fail, "%+v", of(t, v, property))
			}
		})
	}
}

// desertedAll is a scenario in which some recorders die for a minute.
const desertedAll = `schema: 1
title: Recorders die
system: {preset: two-datacenters}
broadcasters:
  - {name: rome, from: Rome, persona: ezstream}
  - {name: york, from: New York, persona: butt}
timeline: [{at: 80s, kill: %s, for: 1m}]
ends: 5m
expect: [first-reconnect-answered, lost-for-good, cross-datacenter-failover]
`
