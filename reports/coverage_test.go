package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// TestCoverage: what was hit, and what broadcasters were doing meanwhile.
func TestCoverage(t *testing.T) {
	f := newFilm("rome-1", "rome-2", "rome-3")
	f.plan.Broadcasters[2].OnAir = 5 * minute // it has not begun
	for _, n := range []string{"rome-1", "rome-2"} {
		f.show(n, eu1)
	}
	f.add(history.Event{At: minute, Node: "rome-1", Kind: history.Lost, Peer: eu1, Class: "reset"})
	f.attempt("rome-1", eu2, 3*minute, time.Second, "accepted")
	f.went(scenario.Step{ID: "step-1", Do: "cut", From: []string{eu1, eu2}, To: []string{"redis"}, At: 30 * time.Second}, 30*time.Second, 0)
	f.went(scenario.Step{ID: "step-2", Do: "pause", Nodes: []string{"eu-west/recorder-1", "redis"}, At: 2 * minute}, 2*minute, 4*minute)
	f.went(scenario.Step{ID: "step-3", Do: "drop", Who: []string{"rome-2"}, At: 6 * minute}, 6*minute, 0)
	f.step(scenario.Step{ID: "step-4", Do: "stall", From: []string{"checker-01"}, To: []string{"rome-1", "dns"}, At: 7 * minute})
	require.Equal(t, []Cover{
		{Fault: "cut", On: "balancer → redis", Streaming: 2},
		{Fault: "pause", On: "recorder+redis", Streaming: 2, Reconnecting: 1},
		{Fault: "drop", On: "broadcaster", Connecting: 1, Streaming: 2},
		{Fault: "stall", On: "checker → broadcaster+dns", Connecting: 1, Streaming: 2, Untouched: true},
	}, coverage(f.plan, f.history()))
}
