package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// frozen is a scenario in which a server that delivers freezes for four minutes.
const frozen = `schema: 1
title: A server that delivers freezes
system: {preset: two-datacenters, web: {edge: 2}, balancer: {window: 2m}}
broadcasters:
  - {name: rome, from: Rome, count: 1, persona: butt}
visitors:
  - {name: paris, from: Paris, count: 1, ask: streaming}
  - {name: london, from: London, count: 1, ask: streaming}
timeline:
  - {at: 1m, pause: eu-west/edge-1, for: 4m}
ends: 8m
expect: [{listeners-on-air: {share: 90%, within: 1m, visitors: paris}}]
variants:
  today: {verdict: pass}
  control: {timeline: none, verdict: pass}
`

// hears has somebody listen for a stretch; class tells why he hears nothing, "" that he does.
func (r *run) hears(name string, from, to time.Duration, class string) {
	e := history.Event{At: to, Node: name, Kind: history.Listened, Peer: "eu-west/edge-1", OK: class == "", Class: class, Took: to - from}
	if class == "" {
		e.Class = "ok"
	}
	r.add(e)
}

func TestListenersOnAir(t *testing.T) {
	const minute = time.Minute
	for name, c := range map[string]struct {
		play   func(r *run)
		result Result
		says   string
	}{
		"all is heard": {func(r *run) { r.hears("paris-01", minute, 5*minute, "") }, Pass, "100.0% of 4m0s were heard"},
		"as little silence as allowed": {func(r *run) {
			r.hears("paris-01", minute, minute+24*second, "timeout")
			r.hears("paris-01", minute+24*second, 5*minute, "")
		}, Pass, "90.0% of 4m0s were heard"},
		"more than that": {func(r *run) {
			r.hears("paris-01", minute, minute+30*second, "timeout")
			r.hears("paris-01", minute+30*second, 5*minute, "")
		}, Fail, "listeners heard 87.5% of what they listened to, 90% are asked for: 30s are silence"},
		"little, and late": {func(r *run) {
			r.hears("paris-01", minute, 4*minute, "")
			r.hears("paris-01", 4*minute, 4*minute+5*second, "refused")
			r.hears("paris-01", 4*minute+5*second, 5*minute, "")
		}, Fail, "paris-01 heard nothing for 5s, later than 1m0s after all steps"},
		"time to tune in is no silence": {func(r *run) {
			r.hears("paris-01", 2*minute, 3*minute, "ok")
			r.hears("paris-01", 3*minute, 5*minute, "")
		}, Pass, "100.0% of 2m0s were heard"},
		"silence before and after does not count": {func(r *run) {
			r.hears("paris-01", 0, 30*second, "unresolved")
			r.hears("paris-01", minute, 5*minute, "")
			r.hears("paris-01", 6*minute, 7*minute, "unresolved")
		}, Pass, "100.0% of 4m0s were heard"},
		"nor what others hear": {func(r *run) {
			r.hears("paris-01", minute, 5*minute, "")
			r.hears("london-01", minute, 5*minute, "timeout")
		}, Pass, "100.0% of 4m0s were heard"},
		"nobody listens": {func(r *run) { r.hears("london-01", minute, 5*minute, "") }, Inconclusive, "never exercised: nobody listened while it mattered"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, frozen, "today", "virtual"))
			c.play(r)
			p := of(t, Judge(r.plan, r.history()), "listeners-on-air")
			require.Equal(t, c.result, p.Result, says(p))
			if c.result == Pass {
				require.Equal(t, c.says, p.Measured)
				return
			}
			require.Contains(t, says(p), c.says)
		})
	}
}

// TestListenersWithoutSteps: while nothing is broken all of the run counts.
func TestListenersWithoutSteps(t *testing.T) {
	r := newRun(t, expand(t, frozen, "control", "virtual"))
	r.hears("paris-01", 0, time.Minute, "unresolved")
	r.hears("paris-01", time.Minute, 8*time.Minute, "")
	require.Equal(t, []string{"listeners-on-air"}, failing(r.plan, r.history()))
}
