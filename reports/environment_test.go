package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/history"
)

// TestSurroundings: where a run was played, and how late the harness was there.
func TestSurroundings(t *testing.T) {
	f := newFilm("rome-1")
	j := Judged{Plan: f.plan, Verdict: check.Verdict{Checker: "old"}}
	facts := map[string]string{}
	for _, one := range surroundings(j) {
		facts[one.Name] = one.Value
	}
	require.Equal(t, map[string]string{
		"checker": "old (the page was drawn beside " + check.Version() + ")", "plan": f.plan.Fingerprint(), "clock": "virtual: no canary, nothing can be late",
		"what was played": "15 min of 0 shows, with 0 claims (accepted), 0 probes of health checkers, 0 bytes on recorders' disks, 0 events",
	}, facts)

	f.plan.World, f.plan.Speed = "loopback", 10
	for i := range 100 {
		f.add(history.Event{At: time.Duration(i) * time.Second, Node: "harness", Kind: history.Canary, Took: time.Duration(i) * time.Millisecond})
	}
	f.add(history.Event{At: time.Second, Node: "recorder", Kind: history.Canary, Took: 3 * time.Second})
	f.add(history.Event{At: time.Second, Node: "harness", Kind: history.Starved, Class: "processor", Took: 2 * time.Second})
	f.add(history.Event{At: time.Second, Node: "recorder", Kind: history.Starved, Class: "disk", Took: time.Second})
	f.add(history.Event{Node: "rome-1", Kind: history.OnAir})
	f.add(history.Event{Node: "rome-1", Kind: history.Attempt, Class: "refused"})
	f.add(history.Event{Node: "rome-1", Kind: history.Attempt, Class: "accepted"})
	f.add(history.Event{Node: "checkers", Kind: history.Probed, Count: 1600})
	f.add(history.Event{Node: "eu-west/recorder-1", Kind: history.DiskHashed, Bytes: 4096})
	j = Judged{Plan: f.plan, Events: f.history(), Environment: &Environment{Commit: "abc", Changed: true, Go: "go1", System: "linux/amd64", CPUs: 2, LoadBefore: 1.5, Played: 2, WallS: 12}}
	for _, one := range surroundings(j) {
		facts[one.Name] = one.Value
	}
	require.Equal(t, "abc, with changes", facts["commit"])
	require.Equal(t, "2 × of an unknown model", facts["processors"])
	require.Equal(t, "1.50, 0.00", facts["load before and after"])
	require.Equal(t, "2 times", facts["played"])
	require.Equal(t, "median 0.05 s, 99 of 100 at most 0.10 s, worst 0.10 s; a node was late by 3.00 s; "+
		"an admission waited up to 2.00 s for processors; a node waited up to 1.00 s for its disk", facts["harness late"])
	require.Equal(t, "15 min of 1 show, with 1 claim (accepted), 1,600 probes of health checkers, 4,096 bytes on recorders' disks, 114 events", facts["what was played"])
	require.Equal(t, "the system's, 10 incident seconds a second", facts["clock"])
}
