package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/world/proc"
)

// patience bounds waits for what comes soon on an idle machine.
const patience = 30 * time.Second

// started is a deadair at work; begin's plays testdata/long.yaml into the folder run.
type started struct {
	*tool
	cmd      *exec.Cmd
	out, err *text
	ended    chan struct{}
	code     int // after ended
}

// text is what a process has written so far.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(b)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// begin starts a replay and waits until its faults are in force.
func begin(t *testing.T, world string, more ...string) *started {
	t.Helper()
	s, _ := beginWith(t, append([]string{"replay", example(t, "long.yaml"), "--world", world, "--out", "run"}, more...)...)
	s.until(t, "the faults are in force", func() bool {
		if world == "virtual" {
			return strings.Contains(s.log("eu-west-balancer-1.log"), "health changed") && strings.Contains(s.log("eu-west-balancer-1.log"), "source on air")
		}
		return s.frozen("eu-west/recorder-1") && s.frozen("eu-west/recorder-2")
	})
	return s
}

// beginWith starts a deadair, which is ended with all its processes at the test's end.
func beginWith(t *testing.T, args ...string) (s *started, typing io.Writer) {
	t.Helper()
	return beginIn(t, "", args...)
}

// beginIn is beginWith in a folder; "" is the tool's own.
func beginIn(t *testing.T, dir string, args ...string) (s *started, typing io.Writer) {
	t.Helper()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("this system does not tell whose process is whose")
	}
	s = &started{tool: newTool(t), out: &text{}, err: &text{}, ended: make(chan struct{})}
	s.cmd = s.command(args...)
	if dir != "" {
		s.cmd.Dir = dir
	}
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.err
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	typing, err := s.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	go func() {
		defer close(s.ended)
		s.code = -1
		if s.cmd.Wait(); s.cmd.ProcessState != nil {
			s.code = s.cmd.ProcessState.ExitCode()
		}
	}()
	t.Cleanup(func() {
		for _, p := range s.processes() {
			syscall.Kill(p, syscall.SIGKILL)
		}
		<-s.ended
	})
	return s, typing
}

// log is a log of the run so far.
func (s *started) log(name string) string {
	data, _ := os.ReadFile(filepath.Join(s.run(), "logs", name))
	return string(data)
}

// run is the folder of the run.
func (s *started) run() string {
	found, _ := filepath.Glob(filepath.Join(s.dir, "run", "long", "today.*"))
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// until waits for something that must come.
func (s *started) until(t *testing.T, what string, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !ok() {
		require.Less(t, time.Since(began), patience, "%s: not in sight\n%s%s", what, s.out, s.err)
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

// exit waits for the end and returns the code.
func (s *started) exit(t *testing.T) int {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		require.Fail(t, "deadair does not end", "%s%s", s.out, s.err)
	}
	return s.code
}

// processes are the living ones of this tool: itself, its runs and their nodes.
func (s *started) processes() (pids []int) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range environs {
		data, err := os.ReadFile(name)
		if err == nil && bytes.Contains(data, []byte("DEADAIR_STATE="+s.state+"\x00")) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func procFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

// named are those of them with an argument.
func (s *started) named(arg string) (pids []int) {
	for _, p := range s.processes() {
		if line, err := os.ReadFile(procFile(p, "cmdline")); err == nil && bytes.Contains(line, []byte("\x00"+arg+"\x00")) {
			pids = append(pids, p)
		}
	}
	return pids
}

// frozen tells whether a node's process stands still.
func (s *started) frozen(node string) bool {
	for _, p := range s.named(node) {
		stat, err := os.ReadFile(procFile(p, "stat"))
		if err == nil && strings.Contains(string(stat), ") T ") {
			return true
		}
	}
	return false
}

// cleanup runs deadair cleanup until it has nothing to do, and returns what it said.
func (s *started) cleanup(t *testing.T) string {
	t.Helper()
	first := s.tool.run(t, "cleanup")
	require.Zero(t, first.code, first.err)
	second := s.tool.run(t, "cleanup")
	require.Equal(t, result{0, "nothing was left behind\n", ""}, second)
	return first.out
}

func TestInterruptHealsAndReports(t *testing.T) {
	for _, world := range []string{"virtual", "loopback"} {
		t.Run(world, func(t *testing.T) {
			s := begin(t, world)
			require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
			require.Equal(t, exitInterrupted, s.exit(t), "%s%s", s.out, s.err)
			require.Empty(t, s.processes(), "somebody still lives")
			require.Equal(t, "nothing was left behind\n", s.cleanup(t))

			require.Contains(t, s.err.String(), "ending in order, faults are healed first; once more to end at once")
			require.Contains(t, s.out.String(), "STOPPED  long today ("+world+")")
			sum := summaryOf(t, s.tool, "run")
			require.Len(t, sum.Runs, 1)
			require.Equal(t, "stopped before its end: interrupted", sum.Runs[0].Error)
			require.Equal(t, "inconclusive", sum.Runs[0].Verdict, "judged as far as it came")
			require.Positive(t, sum.Runs[0].Events)
			require.NotEmpty(t, s.read(t, "run/index.html"))
			require.NotEmpty(t, s.read(t, "run", sum.Runs[0].Dir, "report.html"))
			s.healed(t)
			r := s.tool.run(t, "check", "run")
			require.Contains(t, r.out, "STOPPED  long today ("+world+")")
		})
	}
}

// healed reads from the history that every fault that began has ended.
func (s *started) healed(t *testing.T) {
	t.Helper()
	f, err := os.Open(filepath.Join(s.run(), "history.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	es, err := history.Read(f)
	require.NoError(t, err)
	force := map[string]bool{}
	for _, e := range es {
		switch e.Kind {
		case history.FaultBegan:
			force[e.Fault] = true
		case history.FaultEnded:
			delete(force, e.Fault)
		}
	}
	require.Empty(t, force)
	require.True(t, slices.ContainsFunc(es, func(e history.Event) bool {
		return e.Kind == history.RunEnded && e.Detail == "ended early"
	}))
}

// TestSecondInterruptEndsAtOnce freezes the run, so that healing takes for ever.
func TestSecondInterruptEndsAtOnce(t *testing.T) {
	s := begin(t, "virtual")
	run := s.named("run/long/today.virtual")
	require.Len(t, run, 1)
	require.NoError(t, syscall.Kill(run[0], syscall.SIGSTOP))
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	s.until(t, "the first one is heard", func() bool { return strings.Contains(s.err.String(), "once more") })
	require.NotContains(t, s.out.String(), "STOPPED")
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	require.Equal(t, exitInterrupted, s.exit(t))
	require.NoError(t, syscall.Kill(run[0], syscall.SIGCONT))
	s.until(t, "the run ends by itself", func() bool { return len(s.processes()) == 0 })
}

func TestKilledParentLeavesNobody(t *testing.T) {
	for _, world := range []string{"virtual", "loopback"} {
		t.Run(world, func(t *testing.T) {
			s := begin(t, world)
			require.NoError(t, s.cmd.Process.Kill())
			<-s.ended
			took := s.until(t, "all have ended", func() bool { return len(s.processes()) == 0 })
			t.Logf("all had ended after %s", took)
			s.healed(t)
			require.Equal(t, "nothing was left behind\n", s.cleanup(t))
		})
	}
}

// TestRedisServerEndsWithItsRun: a real Redis is a node like any other, although it
// knows nothing of the harness.
func TestRedisServerEndsWithItsRun(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	for name, end := range map[string]func(t *testing.T, s *started){
		"killed": func(t *testing.T, s *started) {
			require.NoError(t, s.cmd.Process.Kill())
			<-s.ended
		},
		"interrupted": func(t *testing.T, s *started) {
			require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
			require.Equal(t, exitInterrupted, s.exit(t), "%s%s", s.out, s.err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t, "loopback", "--redis", "server")
			redis := s.journaled(t, "redis")
			name, err := os.ReadFile(procFile(redis.PID, "comm"))
			require.NoError(t, err)
			require.Equal(t, "redis-server\n", string(name))
			data, err := os.ReadDir(filepath.Join(s.run(), "disks", "redis"))
			require.NoError(t, err)
			require.NotEmpty(t, data, "its data is in the run's folder")
			end(t, s)
			s.until(t, "all have ended", func() bool { return len(s.processes()) == 0 && !redis.Runs() })
			s.healed(t)
			require.Equal(t, "nothing was left behind\n", s.cleanup(t))
		})
	}
}

// journaled is a node's process as the run has noted it: a program that writes
// over its environment is found in no other way.
func (s *started) journaled(t *testing.T, node string) proc.Process {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.state, "run-*.jsonl"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		var e struct {
			Node    string
			Process *proc.Process
		}
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		if e.Node == node && e.Process != nil {
			return *e.Process
		}
	}
	require.Fail(t, "no such node", "%s:\n%s", node, data)
	return proc.Process{}
}

// TestKilledRunIsNoVerdict kills the process of a run, not the tool.
func TestKilledRunIsNoVerdict(t *testing.T) {
	s := begin(t, "loopback")
	run := s.named("run/long/today.loopback")
	require.Len(t, run, 1)
	require.NoError(t, syscall.Kill(run[0], syscall.SIGKILL))
	require.Equal(t, exitHarness, s.exit(t))
	s.until(t, "its nodes have ended", func() bool { return len(s.processes()) == 0 })
	require.Contains(t, s.out.String(), "the run's process died (signal: killed)")
	require.Contains(t, s.cleanup(t), "removed journal run-")
}
