package scenarios_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/suite"
	"deadair/harness/world/loopback"
	"deadair/reports"
	"deadair/scenarios"
)

var (
	seed  = flag.Uint64("seed", 1, "decides every choice of a plan")
	speed = flag.Float64("speed", defaultSpeed, "incident seconds per second, in worlds of real time")
	only  = flag.String("only", "", "play only scenarios whose name begins so")
	all   = flag.Bool("all", false, "play the whole library: in virtual time what takes long too, in loopback not only the smoke set")
)

func TestMain(m *testing.M) {
	if loopback.Child(stack.Kinds()) || suite.Child() {
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

// TestVirtual plays every variant of every scenario in virtual time, apart from
// those that take many seconds: those are played by -all, and by deadair replay. The
// race detector makes everything many times slower, and defects that are planted teach
// it nothing: with it, today's system is played, and not by crowds.
func TestVirtual(t *testing.T) {
	long := []string{"herd/two-thousand"}
	nights := []string{"seven-hour-outage", "ninety-one-days"}
	slow := []string{"herd", "three-hundred-at-once", "nine-days"}
	play(t, jobs(t, "virtual", func(name, variant string) bool {
		if raced && (variant != "today" || slices.Contains(slow, name) || slices.Contains(nights, name)) {
			return *all
		}
		return *all || !slices.Contains(long, name+"/"+variant) && !slices.Contains(nights, name)
	}))
}

// TestSameSeedSameHistory plays a few runs twice, in two environments, which changes the
// order of all that is left to chance. One of them publishes its shows. With deadair replay
// --verify all of the library can be played so.
func TestSameSeedSameHistory(t *testing.T) {
	some := []string{"redis-frozen/redis-trouble-cuts", "ghost-connection/today"}
	if !raced {
		some = append(some, "store-lies/retry-not-idempotent")
	}
	outcomes, err := suite.Run(context.Background(), suite.Config{Out: folder(t), Verify: true},
		jobs(t, "virtual", func(name, variant string) bool { return slices.Contains(some, name+"/"+variant) }))
	require.NoError(t, err)
	for _, o := range outcomes {
		require.NoError(t, o.Err)
		require.True(t, o.Verified, o.Job.Dir())
	}
	if *only == "" {
		require.Len(t, outcomes, len(some))
	}
}

// TestLoopback plays the smoke set on real sockets and processes: one variant
// of each family. All of it is played by -all, and by deadair replay. Each is played in
// virtual time beside it: both worlds must come to one verdict, and in both the fault
// must set off the same things in the same order.
func TestLoopback(t *testing.T) {
	if testing.Short() {
		t.Skip("real time: left out by -short")
	}
	smoke := []string{"dropped-connection/today", "balancer-down/today"}
	if !raced {
		smoke = append(smoke, "balancers-down-far/ttl-ignored", "2014-10-02/control")
	}
	both := jobs(t, "loopback", func(name, variant string) bool {
		return *all || slices.Contains(smoke, name+"/"+variant)
	})
	both = append(both, jobs(t, "virtual", func(name, variant string) bool {
		return slices.ContainsFunc(both, func(j suite.Job) bool { return j.Plan.Scenario == name && j.Plan.Variant == variant })
	})...)
	table := play(t, both).Parity
	require.Len(t, table, len(both)/2)
	for _, p := range table {
		t.Log(p.Line())
		require.True(t, p.Agree, p.Line())
	}
}

// TestDefaultsFitTheirTime: what replay plays in real time unless told otherwise is three
// minutes of playing at most; starting and stopping come on top of them, on two cores one.
func TestDefaultsFitTheirTime(t *testing.T) {
	const atOnce, speed, most = 5, 10, 3 * time.Minute
	for _, world := range []string{"loopback", "docker"} {
		var played time.Duration
		byDefault := 0
		for _, j := range jobs(t, world, func(string, string) bool { return true }) {
			if !j.Plan.OnDemand {
				byDefault++
				played += time.Duration(float64(j.Plan.End) / speed / atOnce)
			}
		}
		require.NotZero(t, byDefault, world)
		require.LessOrEqual(t, played, most, "take loopback out of a by-default: %d variants have it in %s", byDefault, world)
	}
	for _, j := range jobs(t, "virtual", func(string, string) bool { return true }) {
		require.False(t, j.Plan.OnDemand && j.Plan.End < 6*time.Hour, "%s: all that is short enough is played in virtual time", j.Dir())
	}
}

// jobs expands the library for one world.
func jobs(t *testing.T, world string, want func(name, variant string) bool) []suite.Job {
	t.Helper()
	var jobs []suite.Job
	for _, name := range scenarios.Names() {
		if !strings.HasPrefix(name, *only) {
			continue
		}
		data, err := scenarios.Read(name)
		require.NoError(t, err)
		f, err := scenario.Parse(name, data)
		require.NoError(t, err)
		for _, v := range f.VariantNames() {
			if _, ok := f.RunsIn(v, world); !ok || !want(name, v) {
				continue
			}
			p, err := scenario.Expand(f, v, world, *seed, *speed)
			require.NoError(t, err)
			jobs = append(jobs, suite.Job{Plan: p, Source: data})
		}
	}
	return jobs
}

// play plays jobs and makes a subtest of each outcome. In virtual time an
// inconclusive run fails; in real time it is skipped with its reason, unless
// more than a tenth of them are. The race detector may be too slow for all of
// them: it looks for races, and what it cannot judge is judged without it.
func play(t *testing.T, jobs []suite.Job) reports.Summary {
	t.Helper()
	out := folder(t)
	started := time.Now()
	outcomes, err := suite.Run(context.Background(), suite.Config{Out: out}, jobs)
	require.NoError(t, err)
	summary := suite.Summarize(started, *seed, outcomes)
	require.NoError(t, suite.WriteSummary(out, summary, nil))
	unclear, real := 0, 0
	for _, o := range outcomes {
		name := o.Job.Plan.Scenario + "/" + o.Job.Plan.Variant
		if o.Job.Plan.World != "virtual" {
			name += "." + o.Job.Plan.World
			real++
		}
		t.Run(name, func(t *testing.T) {
			require.NoError(t, o.Err)
			if o.Inconclusive() && o.Job.Plan.World != "virtual" {
				unclear++
				t.Skip(explain(o))
			}
			require.True(t, o.Verdict.AsExpected, explain(o))
			verify(t, out, o.Job)
		})
	}
	if raced {
		return summary
	}
	// Of a set smaller than ten, one may prove nothing.
	require.LessOrEqual(t, unclear, max(1, real/10), "more than a tenth of the runs prove nothing: this machine is too busy, or the harness too slow")
	return summary
}

// explain is a verdict that is not the expected one, for a person.
func explain(o suite.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, expected %s\n", o.Verdict.Result, o.Job.Plan.Want.Result())
	for _, p := range o.Verdict.Properties {
		if p.Result == "pass" {
			continue
		}
		fmt.Fprintf(&b, "%s: %s: %s\n", p.Name, p.Result, p.Sentence)
		for i, f := range p.Findings {
			if i == 3 {
				fmt.Fprintf(&b, "    and %d more\n", len(p.Findings)-i)
				break
			}
			fmt.Fprintf(&b, "    at %s: %s\n", f.At.Round(time.Millisecond), f.Sentence)
		}
	}
	fmt.Fprintf(&b, "again: %s", o.Job.Plan.Replay())
	return b.String()
}

// folder is where the reports of a test go: the artifact directory if there is
// one, else a folder that is kept only if the test fails.
func folder(t *testing.T) string {
	t.Helper()
	if f := flag.Lookup("test.artifacts"); f != nil && f.Value.String() == "true" {
		return t.ArtifactDir()
	}
	dir, err := os.MkdirTemp("", "deadair-"+strings.ToLower(t.Name())+"-") //nolint:usetesting // it stays if the test fails
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("reports: %s/index.html", dir)
			return
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	return dir
}
