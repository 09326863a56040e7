package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// adapter is the path of an adapter of the repository.
func adapter(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "adapters", name+".yaml"))
	require.NoError(t, err)
	return path
}

// TestReplayBesideOthers plays a guarantee's control with HAProxy and Icecast, too: what
// they lose is told, and is no failure of the run.
func TestReplayBesideOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("real time: left out by -short")
	}
	for _, program := range []string{"haproxy", "icecast2"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	x := newTool(t)
	require.NoError(t, os.Chmod(filepath.Dir(x.dir), 0o755)) // Icecast is not root, and writes below it
	r := x.run(t, "replay", "dropped-connection", "--variant", "control", "--out", "run", "--bin", "balancer="+adapter(t, "haproxy"), "--bin", "recorder="+adapter(t, "icecast"))
	require.Contains(t, []int{exitOK, exitInconclusive}, r.code, "%s%s", r.out, r.err)
	s := summaryOf(t, x, "run")
	require.Len(t, s.Runs, 1)
	require.Len(t, s.Foreign, 1)
	theirs := s.Foreign[0]
	require.Equal(t, "HAProxy + Icecast", theirs.Foreign)
	require.Empty(t, theirs.Error)
	require.Contains(t, theirs.Replay, " --bin balancer=")
	if theirs.Verdict != "inconclusive" {
		require.Equal(t, "fail", theirs.Verdict, "%s", theirs.Cause)
		require.Contains(t, theirs.Cause, "are nowhere although it was connected")
	}
	require.Contains(t, x.read(t, "run", "index.html"), "Systems side by side")
	require.Equal(t, "nothing was left behind\n", x.run(t, "cleanup").out)
}

// TestForeignServerThatDoesNotStart is told with what it said, and nothing stays behind.
func TestForeignServerThatDoesNotStart(t *testing.T) {
	x := newTool(t)
	x.file(t, "broken.yaml", "name: Broken\ncommand: [sh, -c, \"echo no licence; exit 3\"]\nhealth: /\n")
	r := x.run(t, "replay", "dropped-connection", "--variant", "control", "--out", "run", "--bin", "balancer=broken.yaml")
	require.Equal(t, exitHarness, r.code, "%s%s", r.out, r.err)
	require.Contains(t, r.out, "it ended before it was ready (exit status 3); the end of its log:")
	require.Contains(t, r.out, "no licence")
	require.Equal(t, "nothing was left behind\n", x.run(t, "cleanup").out)
}

func TestBinUsage(t *testing.T) {
	x := newTool(t)
	x.file(t, "absent.yaml", "name: Absent\ncommand: [no-such-program]\nhealth: /\n")
	x.file(t, "typo.yaml", "name: Typo\ncommand: [sh, \"{{.Lisen}}\"]\nhealth: /\n")
	for value, want := range map[string]string{
		"haproxy.yaml":         "write balancer=FILE or recorder=FILE",
		"balancer=nowhere":     "read adapter: open nowhere: no such file or directory",
		"redis=absent.yaml":    `no server can take the place of "redis"`,
		"balancer=absent.yaml": "absent.yaml: no-such-program is not installed here: install it",
		"balancer=typo.yaml":   "read adapter typo.yaml: ",
	} {
		r := x.run(t, "replay", "dropped-connection", "--bin", value)
		require.Equal(t, exitUsage, r.code, value)
		require.Contains(t, r.err, want)
	}
}
