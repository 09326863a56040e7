package proc

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestIdentify(t *testing.T) {
	self, ok := Identify(os.Getpid())
	require.True(t, ok)
	require.True(t, self.Runs())
	require.False(t, Process{PID: self.PID, Began: "another time"}.Runs())

	cmd := exec.Command("true")
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool {
		_, ok := Identify(cmd.Process.Pid)
		return !ok
	}, 30*time.Second, time.Millisecond, "a process that nobody has waited for yet does not run")
	require.NoError(t, cmd.Wait())
}

func TestPaused(t *testing.T) {
	child := exec.Command("sleep", "60")
	require.NoError(t, child.Start())
	t.Cleanup(func() {
		child.Process.Kill()
		child.Wait()
	})
	require.False(t, Paused(child.Process.Pid))
	require.NoError(t, child.Process.Signal(syscall.SIGSTOP))
	require.Eventually(t, func() bool { return Paused(child.Process.Pid) }, 30*time.Second, time.Millisecond)
}
