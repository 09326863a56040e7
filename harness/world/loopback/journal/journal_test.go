package journal

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/harness/world/proc"
)

func sleeper(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

// orphan rewrites a journal as if its harness had been another process, now dead.
func orphan(t *testing.T, path string, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	head, rest, _ := strings.Cut(string(text), "\n")
	self, ok := proc.Identify(os.Getpid())
	require.True(t, ok)
	head = strings.Replace(head, self.Began, "long ago", 1)
	require.NoError(t, os.WriteFile(path, []byte(change(head+"\n"+rest)), 0o644))
}

func TestCleanupEndsWhatADeadRunLeft(t *testing.T) {
	state := t.TempDir()
	child, stranger := sleeper(t), sleeper(t)
	j, err := Open(state, 7, "/runs/1")
	require.NoError(t, err)
	require.NoError(t, j.Starts("us-east/balancer-1"))
	require.NoError(t, j.Started("us-east/balancer-1", child.Process.Pid))
	require.NoError(t, j.Starts("us-east/balancer-2"))
	require.NoError(t, j.Started("us-east/balancer-2", stranger.Process.Pid))
	other, ok := proc.Identify(stranger.Process.Pid)
	require.True(t, ok)
	orphan(t, j.path, func(s string) string {
		return strings.Replace(s, `"pid":`+itoa(stranger)+`,"began":"`+other.Began, `"pid":`+itoa(stranger)+`,"began":"before`, 1)
	})

	report, err := Cleanup(state)
	require.NoError(t, err)
	require.Equal(t, []string{
		"ended us-east/balancer-1 (process " + itoa(child) + ") of the run in /runs/1",
		"removed journal " + filepath.Base(j.path),
	}, report)
	require.Error(t, child.Wait(), "it was killed")
	require.True(t, other.Runs(), "a reused pid is left alone")

	report, err = Cleanup(state)
	require.NoError(t, err)
	require.Empty(t, report)
}

func itoa(c *exec.Cmd) string {
	return strconv.Itoa(c.Process.Pid)
}

func TestCleanupLeavesALiveRunAlone(t *testing.T) {
	state := t.TempDir()
	child := sleeper(t)
	j, err := Open(state, 7, "/runs/1")
	require.NoError(t, err)
	require.NoError(t, j.Started("b", child.Process.Pid))
	report, err := Cleanup(state)
	require.NoError(t, err)
	require.Len(t, report, 1)
	require.Contains(t, report[0], "left alone")
	_, ok := proc.Identify(child.Process.Pid)
	require.True(t, ok)
	require.NoError(t, j.Close())
	require.NoFileExists(t, j.path)
}

func TestCleanupReadsATornJournal(t *testing.T) {
	state := t.TempDir()
	child := sleeper(t)
	j, err := Open(state, 7, "/runs/1")
	require.NoError(t, err)
	require.NoError(t, j.Started("b", child.Process.Pid))
	orphan(t, j.path, func(s string) string { return s + `{"node":"c","proc` })
	report, err := Cleanup(state)
	require.NoError(t, err)
	require.Len(t, report, 2)
	require.Error(t, child.Wait())
}

func TestDir(t *testing.T) {
	t.Setenv(StateEnv, "/somewhere")
	dir, err := Dir()
	require.NoError(t, err)
	require.Equal(t, "/somewhere", dir)
}
