package reports

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// service is runs of an incident and two guarantees, as a status page needs them.
func service() Summary {
	run := func(scenario, date, variant, verdict string, as bool) Run {
		return Run{Scenario: scenario, Title: "On " + scenario, Date: date, Variant: variant, World: "virtual", Expected: "pass", Verdict: verdict, AsExpected: as, Steps: 2, Events: 9, Dir: scenario + "/" + variant}
	}
	was := run("2014-12-17", "2014-12-17", "as-it-was", "fail", true)
	was.Expected, was.Legacy = "fail:error-rate", []string{"pool"}
	later := 33.0
	was.Updates = []Update{{At: "18:41 UTC", Stage: stageFault, Sentence: "It breaks."}}
	was.Documented = []Milestone{{When: "18:40 UTC", Says: "It failed.", Sought: true, Replayed: "18:40:33 UTC", LaterS: &later}, {When: "later", Says: "It was told."}}
	now := run("2014-12-17", "2014-12-17", "today", "pass", true)
	now.Documented = []Milestone{{When: "18:40 UTC", Says: "It failed.", Sought: true}, {When: "later", Says: "It was told."}}
	again := now
	again.World = "loopback"
	control := run("2014-12-17", "2014-12-17", "control", "pass", true)
	control.Steps = 0
	mutant := run("drop", "", "relay-loses", "fail", true)
	mutant.Expected, mutant.Mutant = "fail:dead-air", "relay-loses"
	missed := mutant
	missed.Variant, missed.Verdict, missed.AsExpected = "relay-doubles", "pass", false
	return Summary{
		Schema: 1,
		Scenarios: []About{
			{Name: "2014-12-17", Title: "One of them", Date: "2014-12-17", Story: "So it was.", Affects: []string{"website", "dns"}, Assumed: []string{"The end."}},
			{Name: "drop", Title: "Drop", Affects: []string{"recording"}}, {Name: "dns", Title: "DNS", Affects: []string{"dns"}},
		},
		Runs: []Run{was, control, now, again, run("drop", "", "today", "pass", true), mutant, missed, run("dns", "", "today", "fail", false)},
	}
}

// TestComponentsHaveTheStateOfToday: what must fail, and fails, is no outage.
func TestComponentsHaveTheStateOfToday(t *testing.T) {
	states := map[string]string{}
	bars := map[string]int{}
	for _, c := range newStatus(service(), nil).Components {
		states[c.Title] = c.State.Sign + " " + c.State.Text + " (" + c.Note + ")"
		bars[c.Title] = len(c.Bars)
	}
	require.Equal(t, map[string]string{
		"Website": "✓ Operational (1 incident, 0 guarantees)", "DNS": "✗ Fails in 1 of 2 scenarios (1 incident, 1 guarantee)",
		"Recording": "✓ Operational (1 guarantee)", "API": "– Not replayed (no scenario is about it)", "Streaming": "– Not replayed (no scenario is about it)",
		"Mobile apps": "– Not replayed (no scenario is about it)", "Publishing": "– Not replayed (no scenario is about it)", "Mail": "– Not replayed (no scenario is about it)",
	}, states)
	require.Equal(t, 2, bars["DNS"])
}

// TestStatesThatProveNothing are said to prove nothing.
func TestStatesThatProveNothing(t *testing.T) {
	s := service()
	dns := &s.Runs[7]
	dns.Verdict = "inconclusive"
	state := func() Stamp {
		for _, c := range newStatus(s, nil).Components {
			if c.Title == "DNS" {
				return c.State
			}
		}
		return Stamp{}
	}
	require.Equal(t, Stamp{"unclear", "?", "Unproven in 1 scenario"}, state())
	dns.Error = "no room"
	require.Equal(t, Stamp{"bad", "✗", "Not carried out in 1 scenario"}, state())
	s.Runs = s.Runs[:1]
	require.Equal(t, Stamp{"none", "–", "Not judged"}, state(), "who plays only 2014 knows nothing of today")
}

// TestAPostHasTwoSides: as it was and today, with what was documented beside both.
func TestAPostHasTwoSides(t *testing.T) {
	x := newStatus(service(), nil)
	require.Len(t, x.Incidents, 1)
	p := x.Incidents[0]
	require.Equal(t, "17 December 2014", p.About.Day())
	require.Equal(t, []string{"Website", "DNS"}, p.Affects)
	require.Len(t, p.Sides, 2)
	require.Equal(t, "as-it-was", p.Sides[0].Run.Variant)
	require.Equal(t, "fails, as it did", p.Sides[0].Outcome)
	require.Equal(t, "today", p.Sides[1].Run.Variant, "and not the control, in which nothing happens")
	require.Equal(t, "loopback", p.Sides[1].Worlds[0].Run.World)
	require.Equal(t, "control", p.Others[0].Run.Variant)
	require.Equal(t, "18:40:33 UTC", p.Moments[0].Runs[0].Replayed)
	require.Empty(t, p.Moments[0].Runs[1].Replayed)
	text := written(t, writeStatus, service())
	for _, s := range []string{"18:41 UTC", "It breaks.", "33.0 s later", "did not happen", "1 assumption", `href="2014-12-17/as-it-was/report.html"`, `id="s-2014-12-17"`, "So it was."} {
		require.Contains(t, text, s)
	}
}

// TestGuaranteesAreBrokenOnPurpose, and the page tells whether that was noticed.
func TestGuaranteesAreBrokenOnPurpose(t *testing.T) {
	g := newStatus(service(), nil).Guarantees
	require.Equal(t, "dns", g[0].About.Name, "what fails comes first")
	require.Equal(t, Stamp{"bad", "✗", "fails"}, g[0].State)
	require.Equal(t, "drop", g[1].About.Name)
	require.Equal(t, Stamp{"good", "✓", "holds"}, g[1].State)
	require.Equal(t, "1 of 2 that must fail, fail", g[1].Caught)
}

func TestOutcomesInWords(t *testing.T) {
	for want, r := range map[string]Run{
		"holds": {Verdict: "pass", AsExpected: true}, "held, as it did": {Variant: "as-it-was", Verdict: "pass", AsExpected: true},
		"holds, and must not": {Verdict: "pass"}, "fails": {Verdict: "fail"}, "fails, as it must": {Verdict: "fail", AsExpected: true},
		"proves nothing": {Verdict: "inconclusive"}, "could not be played": {Error: "x"},
	} {
		require.Equal(t, want, outcome(&r))
	}
}

// TestCoverageOfAllRuns counts runs, not steps.
func TestCoverageOfAllRuns(t *testing.T) {
	s := Summary{Runs: []Run{
		{Coverage: []Cover{{Fault: "kill", On: "balancer", Streaming: 2}, {Fault: "kill", On: "balancer", Streaming: 3, Reconnecting: 1}, {Fault: "drop", On: "broadcaster", Untouched: true, Streaming: 7}}},
		{Coverage: []Cover{{Fault: "kill", On: "balancer", Connecting: 1}, {Fault: "cut", On: "balancer → redis", Streaming: 1}}},
	}}
	require.Equal(t, []covered{
		{Fault: "cut", On: "balancer → redis", Runs: 1, Streaming: 1}, {Fault: "drop", On: "broadcaster", Untouched: 1},
		{Fault: "kill", On: "balancer", Runs: 2, Connecting: 1, Streaming: 1, Reconnecting: 1},
	}, covers(s))
}
