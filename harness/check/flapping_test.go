package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
)

// tremors is a scenario in which checkers cannot reach a balancer for a moment.
const tremors = `schema: 1
title: A balancer is hard to reach
broadcasters:
  - {name: rome, from: Rome, persona: butt}
timeline:
  - {at: 80s, stall: {from: checkers, to: eu-west/balancer-1}, for: 12s}
ends: 20m
expect: [no-flapping]
variants:
  today: {verdict: pass}
  control: {timeline: none, verdict: pass}
`

// voted is a run in which the vote on balancers changes at some instants.
func voted(t *testing.T, variant string, at map[string][]time.Duration) Verdict {
	r := newRun(t, expand(t, tremors, variant, "virtual"))
	for b, all := range at {
		for i, one := range all {
			r.vote(one, b, i%2 == 1)
		}
	}
	return Judge(r.plan, r.history())
}

func TestFlapping(t *testing.T) {
	minutes := func(at ...float64) []time.Duration {
		var all []time.Duration
		for _, m := range at {
			all = append(all, time.Duration(m*float64(time.Minute)))
		}
		return all
	}
	for name, c := range map[string]struct {
		at   map[string][]time.Duration
		want Result
	}{
		"nothing moves":            {nil, Pass},
		"out and in":               {map[string][]time.Duration{b1: minutes(2, 3)}, Pass},
		"out, in, and much later":  {map[string][]time.Duration{b1: minutes(2, 3, 8, 9)}, Pass},
		"both out and in":          {map[string][]time.Duration{b1: minutes(2, 3), b2: minutes(2.5, 3.5)}, Pass},
		"out, in, out":             {map[string][]time.Duration{b1: minutes(2, 3, 4)}, Fail},
		"quick at the end":         {map[string][]time.Duration{b1: minutes(2, 12, 13, 14)}, Fail},
		"in, out, in, over a lull": {map[string][]time.Duration{b2: minutes(2, 6, 9, 10)}, Fail},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, of(t, voted(t, "today", c.at), "no-flapping").Result)
		})
	}
}

func TestFlappingProvesNothingWithoutDoubt(t *testing.T) {
	require.Equal(t, Inconclusive, of(t, voted(t, "control", nil), "no-flapping").Result)
}

func TestFlappingIsAboutTheNodesNamed(t *testing.T) {
	r := newRun(t, expand(t, tremors, "today", "virtual"))
	for i := range 4 {
		r.vote(time.Duration(2+i)*time.Minute, b1, i%2 == 1)
	}
	e := gather(r.plan, r.history())
	require.Len(t, noFlapping(e, scenario.Expectation{}).fails, 1)
	require.Empty(t, noFlapping(e, scenario.Expectation{Nodes: []string{b2}}).fails)
}
