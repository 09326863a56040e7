//go:build linux

package realclient_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a running program and all that it started.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// launch starts a program whose words go to a file. It is killed when the test ends,
// and by the system when the test's own process does.
func launch(t testing.TB, log string, cmd *exec.Cmd) *process {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	require.NoError(t, err)
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		cmd.Wait() // how it ended is in its state
	}()
	t.Cleanup(p.kill)
	return p
}

// signal tells the process and all that it started.
func (p *process) signal(s syscall.Signal) {
	syscall.Kill(-p.cmd.Process.Pid, s) // it may have ended
}

// kill ends it and waits for that.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// await waits until a condition holds.
func await(t testing.TB, limit time.Duration, complaint string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, limit, 20*time.Millisecond, complaint)
}
