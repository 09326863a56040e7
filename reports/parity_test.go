package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// aBalancerDies is a history of which each stage of a chain is part, and what is none.
func aBalancerDies() []history.Event {
	s := time.Second
	return []history.Event{
		{At: 0, Node: "rome", Kind: history.Lost},
		{At: 1 * s, Node: "checker-1", Kind: history.CheckerSaw},
		{At: 2 * s, Node: "rome", Kind: history.Attempt, Class: "accepted"},
		{At: 10 * s, Node: "harness", Kind: history.FaultBegan},
		{At: 11 * s, Node: "world", Kind: history.NodeEnded},
		{At: 12 * s, Node: "rome", Kind: history.Lost},
		{At: 13 * s, Node: "turin", Kind: history.Lost},
		{At: 14 * s, Node: "rome", Kind: history.Attempt, Class: "refused"},
		{At: 15 * s, Node: "harness", Kind: history.FaultTouched},
		{At: 16 * s, Node: "checker-1", Kind: history.CheckerSaw},
		{At: 17 * s, Node: "checker-1", Kind: history.CheckerSaw, Subject: "another"},
		{At: 20 * s, Node: "checker-1", Kind: history.CheckerSaw, OK: true},
		{At: 21 * s, Node: "checker-1", Kind: history.CheckerSaw},
		{At: 22 * s, Node: "checker-2", Kind: history.CheckerSaw},
		{At: 40 * s, Node: "route53", Kind: history.Voted},
		{At: 41 * s, Node: "route53", Kind: history.AnswerChanged},
		{At: 50 * s, Node: "rome", Kind: history.Attempt, Class: "accepted"},
		{At: 60 * s, Node: "turin", Kind: history.Attempt, Class: "accepted"},
		{At: 61 * s, Node: "late", Kind: history.Attempt, Class: "accepted"},
		{At: 90 * s, Node: "route53", Kind: history.Voted, OK: true},
		{At: 91 * s, Node: "route53", Kind: history.AnswerChanged},
	}
}

func TestStagesOfAChain(t *testing.T) {
	require.Equal(t, []Stage{
		{tookHold, 11}, {firstBadProbe, 21}, {votedOut, 40}, {answerChanged, 41},
		{firstReconnect, 50}, {lastReconnect, 60}, {poolRestored, 90},
	}, stages(aBalancerDies()))
	require.Empty(t, stages(aBalancerDies()[:3]), "without a fault there is none")
}

func TestParity(t *testing.T) {
	virtual := Run{Scenario: "s", Variant: "v", World: "virtual", Verdict: "pass", Chain: stages(aBalancerDies())}
	for name, c := range map[string]struct {
		change  func(r *Run)
		differs []string
		unclear bool
	}{
		"the same":     {func(*Run) {}, []string{}, false},
		"somewhat off": {func(r *Run) { r.Chain[2].AtS, r.Chain[3].AtS = 44, 43 }, []string{}, false},
		"later, in order": {func(r *Run) {
			for i := range r.Chain {
				r.Chain[i].AtS *= 2
			}
		}, []string{}, false},
		"only near one another there": {func(r *Run) { r.Chain[4].AtS = 61 }, []string{}, false},
		"another order":               {func(r *Run) { r.Chain[4].AtS = 35 }, []string{`"voted out" and "first reconnect" came in another order`, `"answer changed" and "first reconnect" came in another order`}, false},
		"one did not come":            {func(r *Run) { r.Chain = r.Chain[:6] }, []string{`"pool restored" came only in virtual time`}, false},
		"more came":                   {func(r *Run) { r.Chain = append(r.Chain, Stage{"something", 1}) }, []string{}, false},
		"another verdict": {func(r *Run) {
			r.Verdict, r.Properties = "fail", []Property{{Name: "dead-air", Verdict: "fail"}}
		}, []string{"virtual says pass, loopback fail:dead-air"}, false},
		"nothing proved": {func(r *Run) { r.Verdict = "inconclusive" }, []string{}, true},
		"broken":         {func(r *Run) { r.Error = "no room" }, []string{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			other := virtual
			other.World, other.Chain = "loopback", stages(aBalancerDies())
			c.change(&other)
			elsewhere := Run{Scenario: "s", Variant: "w", World: "loopback", Verdict: "fail"}
			table := Parities([]Run{elsewhere, other, virtual})
			require.Len(t, table, 1, "each variant beside itself")
			p := table[0]
			require.Equal(t, c.differs, p.Differs)
			require.Equal(t, len(c.differs) == 0, p.Agree)
			require.Equal(t, c.unclear, p.Unclear != "")
			require.Len(t, p.Chain, len(virtual.Chain))
		})
	}
}

func TestParityLine(t *testing.T) {
	require.Equal(t, "s v, virtual against loopback: the same", Parity{Scenario: "s", Variant: "v", World: "loopback", Agree: true}.Line())
	require.Equal(t, "s v, virtual against loopback: a; b", Parity{Scenario: "s", Variant: "v", World: "loopback", Differs: []string{"a", "b"}}.Line())
	require.Equal(t, "s v, virtual against loopback: why", Parity{Scenario: "s", Variant: "v", World: "loopback", Agree: true, Unclear: "why"}.Line())
}
