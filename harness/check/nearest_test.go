package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// near is a scenario whose broadcasters are in three places, some behind a resolver
// in another one.
const near = `schema: 1
title: Everybody has a nearest datacenter
broadcasters:
  - {name: rome, from: Rome, persona: butt}
  - {name: york, from: New York, persona: ffmpeg-fifo}
  - {name: told, from: Rome, persona: butt, resolver-in: New York}
  - {name: hidden, from: Rome, persona: butt, resolver-in: New York, client-subnet: hidden}
timeline:
  - {at: 80s, kill: eu-west/balancer-*, for: 90s}
ends: 5m
expect: [nearest-datacenter]
variants:
  today: {verdict: pass}
  quiet: {timeline: none, verdict: pass}
  table: {timeline: none, system: {dns: {latency: [{from: Rome, to: us-east, is: 20ms}]}}, verdict: pass}
  pinned: {resolvers: pinned, verdict: pass}
  alone: {timeline: none, system: {datacenters: [{name: eu-west, place: Ireland}]}, verdict: pass}
`

// irelandDied is a run in which Ireland's balancers die and come back.
func irelandDied(t require.TestingT, variant string) *run {
	r := newRun(t, expand(t, near, variant, "virtual"))
	if len(r.plan.Steps) == 0 {
		return r
	}
	for _, b := range []string{b1, b2} {
		r.vote(goodDNS.out, b, false)
		r.vote(goodDNS.in, b, true)
	}
	return r
}

func TestNearestDatacenter(t *testing.T) {
	const w1 = "us-west/balancer-1"
	type told struct {
		who  string
		at   time.Duration
		host string
	}
	for name, c := range map[string]struct {
		variant string
		answers []told
		want    Result
	}{
		"each the nearest":                      {"quiet", []told{{"rome-01", 11 * second, b1}, {"york-01", 11 * second, v1}, {"told-01", 11 * second, b2}, {"hidden-01", 11 * second, v2}}, Pass},
		"another one":                           {"quiet", []told{{"rome-01", 11 * second, v1}}, Fail},
		"one of two is another one's":           {"quiet", []told{{"rome-01", 11 * second, b1}, {"york-01", 12 * second, w1}}, Fail},
		"a client behind a resolver that tells": {"quiet", []told{{"told-01", 11 * second, v1}}, Fail},
		"one behind a resolver that does not":   {"quiet", []told{{"hidden-01", 11 * second, b1}}, Fail},
		"the table says otherwise":              {"table", []told{{"rome-01", 11 * second, v1}, {"told-01", 11 * second, v2}, {"hidden-01", 11 * second, v1}}, Pass},
		"the table is not read":                 {"table", []told{{"rome-01", 11 * second, b1}}, Fail},
		"the next one, the nearest being down":  {"today", []told{{"rome-01", 2 * time.Minute, v1}}, Pass},
		"not the next one":                      {"today", []told{{"rome-01", 2 * time.Minute, w1}}, Fail},
		"the one that is down, for too long":    {"today", []told{{"rome-01", 2*time.Minute + 5*second, b1}}, Fail},
		"the one that is down, from a cache":    {"today", []told{{"rome-01", goodDNS.out + 11*second, b1}}, Pass},
		"home again":                            {"today", []told{{"rome-01", 4 * time.Minute, b2}}, Pass},
		"not home again":                        {"today", []told{{"rome-01", 4 * time.Minute, v1}}, Fail},
		"from a resolver that never forgets":    {"pinned", []told{{"rome-01", 4 * time.Minute, b1}, {"rome-01", 2 * time.Minute, b1}}, Pass},
		"no answers":                            {"quiet", nil, Inconclusive},
		"no choice":                             {"alone", []told{{"rome-01", 11 * second, b1}}, Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			r := irelandDied(t, c.variant)
			for _, a := range c.answers {
				r.told(a.who, a.at, a.host)
			}
			p := of(t, Judge(r.plan, r.history()), "nearest-datacenter")
			require.Equal(t, c.want, p.Result, "%v", p.Findings)
		})
	}
}

func TestTheReportTellsWhoseResolverHidesThem(t *testing.T) {
	r := irelandDied(t, "quiet")
	r.told("hidden-01", 11*second, v1)
	p := of(t, Judge(r.plan, r.history()), "nearest-datacenter")
	require.Equal(t, "1 answers; hidden gets us-east and not eu-west, for it is in Rome behind a resolver in New York that does not tell who asks", p.Measured)
}
