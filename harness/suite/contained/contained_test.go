package contained

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
	"deadair/harness/suite"
	"deadair/harness/world/docker"
	"deadair/scenarios"
)

func TestMain(m *testing.M) {
	if suite.Child(World()) {
		return
	}
	os.Exit(m.Run())
}

// need skips where nothing can be played in containers. DEADAIR_DOCKER=required
// fails instead, and off skips everything.
func need(t *testing.T) {
	t.Helper()
	const variable = "DEADAIR_DOCKER"
	mode := os.Getenv(variable)
	if mode == "off" {
		t.Skip(variable + "=off")
	}
	err := docker.Ready(t.Context(), docker.Redis)
	if err != nil && mode == "required" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	swept(t) // what others left who were killed is not this test's to judge
}

// job is a variant of the library, in containers, with a real Redis.
func job(t *testing.T, name string, speed float64) suite.Job {
	t.Helper()
	name, variant, _ := strings.Cut(name, "/")
	data, err := scenarios.Read(name)
	require.NoError(t, err)
	f, err := scenario.Parse(name, data)
	require.NoError(t, err)
	p, err := scenario.Expand(f, variant, "docker", 1, speed)
	require.NoError(t, err)
	require.NoError(t, p.UseRedis(scenario.RedisServer))
	return suite.Job{Plan: p, Source: data}
}

// swept tells what had been left in the engine by runs that are over.
func swept(t *testing.T) (removed []string) {
	t.Helper()
	did, err := docker.Cleanup(t.Context())
	require.NoError(t, err)
	for _, line := range did {
		if strings.HasPrefix(line, "removed ") {
			removed = append(removed, line)
		}
	}
	return removed
}

// TestContained plays incidents and guarantees; their verdicts are those of every world.
// With -short it plays one guarantee.
func TestContained(t *testing.T) {
	need(t)
	jobs := []suite.Job{job(t, "dropped-connection/today", 10)}
	if !testing.Short() {
		jobs = append(jobs, // none takes a minute when it is up
			job(t, "2014-10-02/as-it-was", 20), job(t, "2014-08-20/today", 20), job(t, "2014-10-02/today", 10),
			job(t, "recorder-down/today", 10), job(t, "balancer-down/today", 10), job(t, "vanished/today", 10))
	}
	outcomes, err := suite.Run(t.Context(), suite.Config{Out: t.ArtifactDir(), Real: len(jobs)}, jobs)
	require.NoError(t, err)
	unclear := 0
	for _, o := range outcomes {
		t.Run(o.Job.Dir(), func(t *testing.T) {
			require.NoError(t, o.Err)
			if o.Inconclusive() {
				unclear++
				t.Skip("proves nothing: this machine is too busy")
			}
			require.False(t, o.Differs(), "expected %s: %+v", o.Job.Plan.Want.Result(), o.Verdict)
		})
	}
	require.LessOrEqual(t, unclear, len(outcomes)/2, "this machine is too busy for most runs to prove anything")
	require.Empty(t, swept(t), "runs that end by themselves leave nothing")
}

// TestStaleImagesAreRefused: who plays in them would judge another system than the one whose source is here.
func TestStaleImagesAreRefused(t *testing.T) {
	need(t)
	refused := func(want string) {
		t.Helper()
		var remedy *docker.Remedy
		err := docker.Ready(t.Context())
		require.ErrorAs(t, err, &remedy)
		require.Regexp(t, want, err.Error())
	}
	t.Chdir(t.TempDir())
	refused("^tell whether image deadair/node:latest is of this source: .*: run this in the module's folder, with Go installed$")
	for name, text := range map[string]string{"go.mod": "module deadair\n", "cmd/deadair/main.go": "package main\n", "cmd/deadair-docker/main.go": "package main\n"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	refused("^image deadair/node:latest is of other source than is here: make it anew with `make images`$")
}

// TestKilledHarness kills who plays a run, while it comes up and when it is up.
func TestKilledHarness(t *testing.T) {
	need(t)
	for _, when := range []string{"", "the system is up"} {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "logs"), 0o755))
		f, err := os.Create(filepath.Join(dir, "plan.json"))
		require.NoError(t, err)
		require.NoError(t, job(t, "dropped-connection/today", 10).Plan.Write(f))
		require.NoError(t, f.Close())

		cmd := exec.CommandContext(t.Context(), os.Args[0], suite.ChildArg, dir)
		stdin, err := cmd.StdinPipe() // its end would ask it to end
		require.NoError(t, err)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		if when == "" {
			its := fmt.Sprintf("process %d is alive", cmd.Process.Pid) // others may play beside it
			require.Eventually(t, func() bool {
				did, err := docker.Cleanup(t.Context())
				return err == nil && strings.Contains(strings.Join(did, "\n"), its)
			}, time.Minute, 100*time.Millisecond)
		} else {
			await(t, out, when)
		}
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
		stdin.Close()
		require.NotEmpty(t, swept(t), "killed %q: what it left is found", when)
		// What it had asked of the engine when it died may be there a moment later.
		require.Eventually(t, func() bool { return len(swept(t)) == 0 }, 10*time.Second, time.Second, "killed %q", when)
	}
}

// await reads until a text was said.
func await(t *testing.T, out interface{ Read([]byte) (int, error) }, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var said strings.Builder
	for b := make([]byte, 4096); !strings.Contains(said.String(), text); {
		n, err := out.Read(b)
		require.NoError(t, err, "%s", said.String())
		require.NoError(t, ctx.Err())
		fmt.Fprintf(&said, "%s", b[:n])
	}
}
