package check

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// sick is a scenario in which one of two web servers answers 503 for ten minutes.
const sick = `schema: 1
title: A web server is sick
system: {preset: two-datacenters, web: {website: 2}, balancer: {window: 2m}}
broadcasters:
  - {name: rome, from: Rome, count: 1, persona: butt}
  - {name: phone, from: Rome, count: 1, persona: app}
visitors:
  - {name: readers, from: Paris, count: 1, every: 1s}
  - {name: apps, from: London, count: 1, every: 1s, ask: api}
timeline:
  - {at: 2m, answer: {nodes: eu-west/web-2, status: 503}, for: 10m}
ends: 15m
expect: [{error-rate: {at-most: 1%, within: 1m, visitors: readers}}, {error-rate: {at-most: 1%, within: 1m, visitors: apps}}]
variants:
  today: {verdict: pass}
  control: {timeline: none, verdict: pass}
`

// asked has a visitor ask each second for a while; what it gets tells class.
func (r *run) asked(visitor, peer string, from, to time.Duration, class string) {
	for at := from; at < to; at += second {
		e := history.Event{At: at, Node: visitor, Kind: history.Requested, Peer: peer, Class: class, Count: 1, Took: 20 * time.Millisecond}
		if class == "answered" {
			e.Status = 503
		}
		r.add(e)
	}
}

// well has all requests of a visitor succeed.
func (r *run) well(visitor string) { r.asked(visitor, "eu-west/web-1", second, r.plan.End, "ok") }

const w2 = "eu-west/web-2"

func TestErrorRate(t *testing.T) {
	const readers, minute = "readers-01", time.Minute
	for name, c := range map[string]struct {
		change func(*run)
		result Result
		says   string
	}{
		"all well":        {func(*run) {}, Pass, "0.0% of 601 requests failed"},
		"a few, soon":     {func(r *run) { r.asked(readers, w2, 2*minute+second, 2*minute+6*second, "answered") }, Pass, "0.8% of 606 requests failed"},
		"too many, soon":  {func(r *run) { r.asked(readers, w2, 2*minute+second, 2*minute+20*second, "answered") }, Fail, "3.1% of the visitors' requests failed, 1% are allowed: 19 of 19 at eu-west/web-2"},
		"one, too late":   {func(r *run) { r.asked(readers, w2, 4*minute, 4*minute+second, "answered") }, Fail, "1 requests failed later than 1m0s after step-1, the last one 2m0s after it"},
		"one, afterwards": {func(r *run) { r.asked(readers, w2, 13*minute, 13*minute+second, "answered") }, Fail, "1 requests failed while nothing was broken"},
		"one, before":     {func(r *run) { r.asked(readers, w2, minute, minute+second, "reset") }, Fail, "1 requests failed while nothing was broken"},
		"nobody's name":   {func(r *run) { r.asked(readers, "", 3*minute+10*second, 3*minute+20*second, "unresolved") }, Fail, "1.6% of the visitors' requests failed, 1% are allowed: 10 of 10 at no server"},
		"an app's":        {func(r *run) { r.asked("phone-01", w2, 5*minute, 6*minute, "answered") }, Pass, "0.0% of 601 requests failed"},
		"somebody else's": {func(r *run) { r.asked("apps-01", w2, 5*minute, 6*minute, "answered") }, Pass, "0.0% of 601 requests failed"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, sick, "today", "virtual"))
			r.well(readers)
			r.well("apps-01")
			c.change(r)
			p := of(t, Judge(r.plan, r.history()), "error-rate")
			require.Equal(t, c.result, p.Result)
			if c.result == Pass {
				require.Equal(t, c.says, p.Measured)
				return
			}
			require.Contains(t, says(p), c.says)
			require.NotEmpty(t, p.Findings[0].Events)
		})
	}
}

func says(p Property) (all []string) {
	for _, f := range p.Findings {
		all = append(all, f.Sentence)
	}
	return all
}

// TestErrorRateOfApps: what apps ask the API beside their streams counts as theirs.
func TestErrorRateOfApps(t *testing.T) {
	text := strings.Replace(sick, "visitors: apps}}]", "visitors: phone}}]", 1)
	for name, c := range map[string]struct {
		who   string
		fails []string
	}{"theirs": {"phone-01", []string{"error-rate"}}, "another's": {"apps-01", nil}} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, text, "today", "virtual"))
			r.well("readers-01")
			r.well("phone-01")
			r.asked(c.who, w2, 5*time.Minute, 6*time.Minute, "answered")
			require.Equal(t, c.fails, failing(r.plan, r.history()))
		})
	}
}

func TestErrorRateOfNobody(t *testing.T) {
	r := newRun(t, expand(t, sick, "today", "virtual"))
	r.well("readers-01")
	v := Judge(r.plan, r.history())
	require.Equal(t, Inconclusive, v.Result, "apps asked nothing")
	require.Contains(t, says(v.Properties[1]), "never exercised: no visitor asked anything while it mattered")
}

func TestErrorRateWithoutSteps(t *testing.T) {
	play := func(failed time.Duration) []string {
		r := newRun(t, expand(t, sick, "control", "virtual"))
		r.well("readers-01")
		r.well("apps-01")
		r.asked("readers-01", w2, time.Minute, time.Minute+failed, "answered")
		return failing(r.plan, r.history())
	}
	require.Empty(t, play(0))
	require.Equal(t, []string{"error-rate"}, play(second))
}

// TestWhatWasCutCountsAsWhatWasBefore: the share is the incident's, not the run's.
func TestWhatWasCutCountsAsWhatWasBefore(t *testing.T) {
	share := func(text string, bad bool) string {
		r := newRun(t, expand(t, text, "today", "virtual"))
		r.well("apps-01")
		for _, s := range r.plan.Steps {
			r.asked("readers-01", "eu-west/web-1", second, r.plan.End, "ok")
			r.asked("readers-01", w2, s.At, s.At+20*second, "answered")
			if bad {
				r.asked("readers-01", w2, s.At+20*second, s.At+s.For, "answered")
			}
		}
		return of(t, Judge(r.plan, r.history()), "error-rate").Measured
	}
	require.Equal(t, "50.0% of 1201 requests failed", share(sick, true))
	require.Equal(t, "50.0% of 1201 requests failed", share(sick+"cut-quiet: true\n", true))
	require.Equal(t, "3.2% of 621 requests failed", share(sick, false))
	require.Equal(t, "3.2% of 621 requests failed", share(sick+"cut-quiet: true\n", false))
}
