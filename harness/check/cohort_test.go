package check

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rolledOut is a scenario in which a cohort is led to new recorders, then everybody, then nobody.
const rolledOut = `schema: 1
title: New recorders are rolled out
system: {preset: two-datacenters, recorders: 2, old-recorders: 1, capacity: 2, accounts: us-east}
broadcasters:
  - {name: pro, from: Rome, count: 4, apart: 1m, plan: pro, persona: butt}
  - {name: app, from: New York, count: 4, apart: 1m, plan: pro, persona: app}
  - {name: free, from: New York, count: 4, apart: 1m, plan: free, persona: butt, on-air: 11s}
timeline:
  - {at: 40s, rollout: pro-third-party}
  - {at: 1m40s, rollout: everybody}
  - {at: 2m40s, rollout: nobody}
ends: 5m
expect: [cohort-routed]
`

const oldEU, newEU, oldUS, newUS = "eu-west/recorder-1", "eu-west/recorder-2", "us-east/recorder-1", "us-east/recorder-2"

// ledWell is where all shows begin when it goes well.
func ledWell() map[string]string {
	return map[string]string{
		"pro-01": oldEU, "pro-02": newEU, "pro-03": newEU, "pro-04": oldEU,
		"app-01": oldUS, "app-02": oldUS, "app-03": newUS, "app-04": oldUS,
		"free-01": oldUS, "free-02": oldUS, "free-03": newUS, "free-04": oldUS,
	}
}

func TestCohortRouted(t *testing.T) {
	for name, c := range map[string]struct {
		where map[string]string // in the place of where it went well
		more  string            // steps
		says  string            // "": it passes
	}{
		"all goes well": {},
		"not yet led":   {where: map[string]string{"pro-01": newEU}, says: "pro-01 began on eu-west/recorder-2, and what was set up leads it to old recorders, of which eu-west/recorder-1 had room"},
		"not led":       {where: map[string]string{"pro-02": oldEU}, says: "pro-02 began on eu-west/recorder-1, and step-1 leads it to new recorders, of which eu-west/recorder-2 had room"},
		"led with whom it does not belong to": {where: map[string]string{"app-02": newUS},
			says: "app-02 began on us-east/recorder-2, and step-1 leads it to old recorders, of which eu-west/recorder-1 had room"},
		"a free one, too":      {where: map[string]string{"free-02": newUS}, says: "free-02 began on us-east/recorder-2, and step-1"},
		"not led to the end":   {where: map[string]string{"free-03": oldUS}, says: "free-03 began on us-east/recorder-1, and step-2 leads it to new recorders, of which us-east/recorder-2 had room"},
		"no way back":          {where: map[string]string{"pro-04": newEU}, says: "pro-04 began on eu-west/recorder-2, and step-3 leads it to old recorders"},
		"nobody there to take": {where: map[string]string{"pro-04": newEU}, more: "  - {at: 2m50s, kill: \"*/recorder-1\", for: 1m}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(rolledOut, "ends:", c.more+"ends:", 1)
			r := newRun(t, expand(t, text, "today", "virtual"))
			where := ledWell()
			maps.Copy(where, c.where)
			for show, recorder := range where {
				r.shows[show].conns[0].recorder = recorder
			}
			p := of(t, Judge(r.plan, r.history()), "cohort-routed")
			if c.says == "" {
				require.Equal(t, Pass, p.Result, says(p))
				return
			}
			require.Equal(t, Fail, p.Result)
			require.Contains(t, says(p)[0], c.says)
			require.NotEmpty(t, p.Findings[0].Events)
		})
	}
}

// TestCohortsThatProveNothing: without a change of the rollout there is one generation for all.
func TestCohortsThatProveNothing(t *testing.T) {
	p := expand(t, rolledOut+"variants: {control: {timeline: none, verdict: pass}}\n", "control", "virtual")
	r := newRun(t, p)
	for _, s := range r.shows {
		s.conns[0].recorder = s.b.Nearest + "/recorder-1"
	}
	got := of(t, Judge(r.plan, r.history()), "cohort-routed")
	require.Equal(t, Inconclusive, got.Result)
	require.Equal(t, "0 shows were led to new recorders, 12 to old ones", got.Measured)
}

// TestCohortsWhileBalancersAreTold: which of two rollouts led a show then, nobody can tell.
func TestCohortsWhileBalancersAreTold(t *testing.T) {
	r := newRun(t, expand(t, rolledOut, "today", "virtual"))
	e := gather(r.plan, r.history())
	_, _, ok := e.led(r.shows["pro-01"].b, 40*time.Second, 40*time.Second+200*time.Millisecond)
	require.False(t, ok)
	generation, by, ok := e.led(r.shows["pro-01"].b, 42*time.Second, 43*time.Second)
	require.Equal(t, []any{"new", "step-1", true}, []any{generation, by, ok})
}

// TestAvailableServerKnowsGenerations: a show goes far away to a recorder of its
// generation, though an old one at home has room.
func TestAvailableServerKnowsGenerations(t *testing.T) {
	const text = `schema: 1
title: The new recorder at home is full
system: {preset: two-datacenters, recorders: 2, old-recorders: 1, capacity: 2, accounts: us-east}
broadcasters: [{name: pro, from: Rome, count: 4, apart: 1m, plan: pro, persona: butt}]
timeline: [{at: 40s, rollout: everybody}]
ends: 5m
expect: [available-server]
`
	for last, fails := range map[string][]Finding{newUS: nil, oldUS: {{}}} {
		r := newRun(t, expand(t, text, "today", "virtual"))
		for show, recorder := range map[string]string{"pro-01": oldEU, "pro-02": newEU, "pro-03": newEU, "pro-04": last} {
			r.shows[show].conns[0].recorder = recorder
		}
		p := of(t, Judge(r.plan, r.history()), "available-server")
		require.Len(t, p.Findings, len(fails), "%s: %v", last, says(p))
	}
}
