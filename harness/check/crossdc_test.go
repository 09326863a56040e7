package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// desolate is a scenario in which all recorders of a datacenter die.
const desolate = `schema: 1
title: No recorder of Ireland lives
system: {preset: two-datacenters}
broadcasters:
  - {name: rome, from: Rome, persona: butt}
  - {name: new, from: Rome, persona: butt, on-air: 100s}
  - {name: later, from: Rome, persona: butt, on-air: 4m}
timeline:
  - {at: 80s, kill: "eu-west/recorder-*", for: 1m}
ends: 5m
expect: [cross-datacenter-failover]
variants:
  today: {verdict: pass}
  quiet: {timeline: none, verdict: pass}
  all: {timeline: [{at: 80s, outage: eu-west/balancer-*, for: 1m}], verdict: pass}
`

// ledOn is a run of it in which sources are led to Virginia, and later to Ireland again.
func ledOn(t require.TestingT, variant string) *run {
	r := newRun(t, expand(t, desolate, variant, "virtual"))
	r.shows["new-01"].conns[0].recorder = "us-east/recorder-1"
	if variant != "quiet" {
		r.lose("rome-01", 80*second+20*time.Millisecond, "eof")
		r.move("rome-01", "us-east/recorder-1")
		r.back("rome-01", 83*second, b1)
	}
	return r
}

func TestCrossDatacenterFailover(t *testing.T) {
	const name = "cross-datacenter-failover"
	for what, c := range map[string]struct {
		variant string
		play    func(r *run)
		want    Result
	}{
		"all is well":                         {"today", func(*run) {}, Pass},
		"a balancer leaves DNS":               {"today", func(r *run) { r.vote(110*second, b1, false) }, Fail},
		"a balancer that had left comes back": {"today", func(r *run) { r.vote(110*second, b1, true) }, Pass},
		"another one's balancer leaves DNS":   {"today", func(r *run) { r.vote(110*second, v1, false) }, Pass},
		"a source is turned away":             {"today", func(r *run) { r.answered("new-01", 110*second, b2, 403) }, Fail},
		"a source is turned away later":       {"today", func(r *run) { r.answered("later-01", 240*second, b2, 403) }, Pass},
		"a show that begins later stays away": {"today", func(r *run) { r.shows["later-01"].conns[0].recorder = "us-east/recorder-1" }, Fail},
		"nobody had to be led on": {"today", func(r *run) {
			for _, n := range []string{"rome-01", "new-01"} {
				for i := range r.shows[n].conns {
					r.shows[n].conns[i].balancer = v1
				}
			}
			for i := range r.events {
				if e := &r.events[i]; e.Peer == b1 && e.Node != "later-01" {
					e.Peer = v1
				}
			}
		}, Inconclusive},
		"nothing died":               {"quiet", func(*run) {}, Inconclusive},
		"its balancers died as well": {"all", func(*run) {}, Inconclusive},
	} {
		t.Run(what, func(t *testing.T) {
			r := ledOn(t, c.variant)
			c.play(r)
			p := of(t, Judge(r.plan, r.history()), name)
			require.Equal(t, c.want, p.Result, "%v", p.Findings)
		})
	}
}

// A machine that is gone is as silent as one that is frozen, and its disk is as whole
// as that of one whose process died.
func TestAnOutageIsSilent(t *testing.T) {
	r := newRun(t, expand(t, desolate, "all", "virtual"))
	s := gather(r.plan, r.history()).steps[1]
	require.True(t, s.silent())
	require.True(t, s.ends(b1))
	require.True(t, s.breaks("rome-01", b1))
	require.False(t, s.breaks("rome-01", v1))
}
