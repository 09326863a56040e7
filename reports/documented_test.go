package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// TestDocumentedBesideReplayed: the same moment of the incident and of the run.
func TestDocumentedBesideReplayed(t *testing.T) {
	f := dated()
	at := func(d time.Duration) *time.Duration { return &d }
	yes, no := true, false
	f.plan.Documented = []scenario.Milestone{
		{At: at(minute), Says: "It dies.", Seen: &scenario.Sighting{Kind: "fault-began", Of: []string{"step-1"}}},
		{At: at(2 * minute), Says: "It is seen.", Assumed: true, Seen: &scenario.Sighting{Kind: "voted", Of: []string{eu1}, OK: &no}},
		{At: at(3 * minute), Says: "The last one is off.", Seen: &scenario.Sighting{Kind: "lost", Last: true, Of: []string{"rome-1", "rome-2"}, Class: "reset"}},
		{At: at(4 * minute), Says: "It is back.", Seen: &scenario.Sighting{Kind: "voted", OK: &yes}},
		{When: "the next day", Says: "It is told."},
		{At: at(6 * time.Hour), Says: "The next day, by the clock."},
	}
	f.went(scenario.Step{ID: "step-1", Do: "kill", Nodes: []string{eu1}, At: minute}, minute, 0)
	f.vote(eu1, minute+27*time.Second, false, 2)
	for i, class := range []string{"reset", "reset", "eof"} {
		f.add(history.Event{At: 3*minute + time.Duration(i)*time.Minute, Node: "rome-1", Kind: history.Lost, Peer: eu1, Class: class})
	}
	var rows []string
	for _, m := range milestones(f.plan, f.history()) {
		rows = append(rows, m.When+" | "+m.Replayed+" | "+m.Later())
	}
	require.Equal(t, []string{
		"18:41 UTC | 18:41 UTC | at the same second",
		"18:42 UTC | 18:41:27 UTC | 33.0 s earlier",
		"18:43 UTC | 18:44 UTC | 60.0 s later",
		"18:44 UTC |  | ", // nothing of the run is it
		"the next day |  | ",
		"18 Dec, 00:40 UTC |  | ",
	}, rows)
	require.True(t, milestones(f.plan, f.history())[1].Assumed)
}
