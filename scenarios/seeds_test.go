package scenarios_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
	"deadair/harness/suite"
	"deadair/scenarios"
)

var seeds = flag.Int("seeds", 0, "play the guarantees with so many seeds, each twice: one guarantee for each seed, in turn")

// guarantees are what the operators promised in July 2014.
func guarantees() []string {
	return []string{
		"nearest-datacenter", "available-server", "dropped-connection", "balancer-down",
		"recorder-down", "recorders-down-home", "datacenter-outage", "virginia-outage",
	}
}

// TestSeeds: whom the faults hit, and when each loop of the system comes round, follows
// from the seed. With every one of them the guarantees hold, each recovery within its
// bound, and the same seed is the same history, played in another environment.
func TestSeeds(t *testing.T) {
	if *seeds == 0 {
		t.Skip("it takes long: make seeds plays it")
	}
	dir := folder(t)
	for from := 1; from <= *seeds; from += len(guarantees()) {
		var batch []suite.Job
		for i, name := range guarantees() {
			if s := from + i; s <= *seeds {
				batch = append(batch, guarantee(t, name, uint64(s)))
			}
		}
		out := filepath.Join(dir, strconv.Itoa(from))
		outcomes, err := suite.Run(context.Background(), suite.Config{Out: out, Verify: true}, batch)
		require.NoError(t, err)
		for _, o := range outcomes {
			require.NoError(t, o.Err, o.Job.Plan.Replay())
			require.True(t, o.Verdict.AsExpected, explain(o))
			require.True(t, o.Verified, o.Job.Plan.Replay())
		}
		require.NoError(t, os.RemoveAll(out)) // of a thousand runs only what went wrong is kept
		t.Logf("%d of %d seeds", min(from+len(batch)-1, *seeds), *seeds)
	}
}

// guarantee is the run of one seed.
func guarantee(t *testing.T, name string, seed uint64) suite.Job {
	t.Helper()
	data, err := scenarios.Read(name)
	require.NoError(t, err)
	f, err := scenario.Parse(name, data)
	require.NoError(t, err)
	p, err := scenario.Expand(f, "today", "virtual", seed, 1)
	require.NoError(t, err)
	return suite.Job{Plan: p, Source: data}
}
