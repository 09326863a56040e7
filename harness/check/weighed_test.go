package check

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const unindexed = `schema: 1
title: Redis is lost
system: {preset: two-datacenters}
broadcasters: [{name: rome, from: Rome, persona: butt}]
ends: 5m
expect: [fault-weighed]
variants:
  one: {timeline: [{at: 60s, blackhole: {from: eu-west/balancer-1, to: redis}, for: 2m}], verdict: pass}
  all: {timeline: [{at: 60s, blackhole: {from: ["eu-west/balancer-*", "us-east/balancer-*"], to: redis}, for: 2m}], verdict: pass}
  itself: {timeline: [{at: 60s, pause: redis, for: 2m}], verdict: pass}
  shortly: {timeline: [{at: 60s, pause: redis, for: 20s}], verdict: pass}
  old: {timeline: [{at: 60s, blackhole: {from: eu-west/balancer-1, to: redis, connections: existing}, for: 2m}], verdict: pass}
`

func TestFaultWeighed(t *testing.T) {
	for name, c := range map[string]struct {
		variant string
		play    func(r *run)
		want    Result
	}{
		"one is alone with it and leaves":  {"one", func(r *run) { r.vote(95*second, b1, false) }, Pass},
		"one is alone with it and stays":   {"one", func(*run) {}, Fail},
		"one is alone with it and is slow": {"one", func(r *run) { r.vote(150*second, b1, false) }, Fail},
		"another one leaves":               {"one", func(r *run) { r.vote(95*second, b2, false) }, Fail},
		"all have lost it and stay":        {"all", func(*run) {}, Pass},
		"all have lost it, and one leaves": {"all", func(r *run) { r.vote(95*second, v1, false) }, Fail},
		"it is away, and all stay":         {"itself", func(*run) {}, Pass},
		"it is away, and one leaves":       {"itself", func(r *run) { r.vote(95*second, v1, false) }, Fail},
		"it is away for a moment":          {"shortly", func(*run) {}, Inconclusive},
		"only old connections are lost":    {"old", func(*run) {}, Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, unindexed, c.variant, "virtual"))
			c.play(r)
			p := of(t, Judge(r.plan, r.history()), "fault-weighed")
			require.Equal(t, c.want, p.Result, "%v", p.Findings)
		})
	}
}
