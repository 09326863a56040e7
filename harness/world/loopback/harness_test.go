package loopback

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
	"deadair/harness/world/proc"
)

// harnessEnv makes the test binary a harness that starts nodes and waits to be
// killed; its value is the state folder.
const harnessEnv = "LOOPBACK_TEST_HARNESS"

func beHarness(state string) int {
	w, err := Open(Config{
		Hosts: []world.Host{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}, {Name: "e"}},
		Kinds: kinds(), Programs: programs(), Dir: filepath.Join(state, "run"), State: state,
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	ctx := context.Background()
	nodes := map[string]string{"a": "stubborn", "b": "stubborn", "c": "stubborn", "d": "program", "e": "program"}
	if runtime.GOOS != "linux" { // a program does not see that its harness has gone
		nodes["d"], nodes["e"] = "stubborn", "stubborn"
	}
	for name, kind := range nodes {
		if err := w.Start(ctx, world.Node{Name: name, Kind: kind, Ports: []int{8000}}); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	started, err := pids(state)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for _, pid := range started {
		fmt.Println("pid", pid)
	}
	for _, name := range []string{"c", "e"} {
		if err := w.Signal(ctx, name, world.Pause); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	fmt.Println("up")
	select {}
}

func TestKilledHarnessLeavesNothing(t *testing.T) {
	state := t.TempDir()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), harnessEnv+"="+state)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())

	var children []proc.Process
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "up" {
		var pid int
		_, err := fmt.Sscanf(lines.Text(), "pid %d", &pid)
		require.NoError(t, err, lines.Text())
		p, ok := proc.Identify(pid)
		require.True(t, ok)
		children = append(children, p)
	}
	require.Len(t, children, 5)
	report, err := Cleanup(state)
	require.NoError(t, err)
	require.Len(t, report, 1)
	require.Contains(t, report[0], "left alone")

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool {
		for _, p := range children {
			if p.Runs() {
				return false
			}
		}
		return true
	}, patience, tick, "no child outlives its harness, not even a paused one")

	report, err = Cleanup(state)
	require.NoError(t, err)
	require.Len(t, report, 1)
	require.True(t, strings.HasPrefix(report[0], "removed journal run-"), report[0])
}

func TestCanary(t *testing.T) {
	var told atomic.Int64
	s := newStage(t, func(c *Config) {
		c.Canary = func(late time.Duration) {
			if late >= 0 {
				told.Add(1)
			}
		}
	})
	s.Zero()
	s.Zero()
	require.Eventually(t, func() bool { return told.Load() > 0 }, patience, tick)
}

func TestStarved(t *testing.T) {
	if _, err := proc.Waited(os.Getpid()); err != nil {
		t.Skip("this system does not count how long processes wait: ", err)
	}
	told := make(chan string, 1)
	s := newStage(t, func(c *Config) {
		c.Starved = func(node string, worst, path time.Duration) {
			if worst > 0 && path > worst {
				select {
				case told <- node:
				default:
				}
			}
		}
	})
	for _, name := range []string{"a", "b"} {
		s.start(name, "busy", func(n *world.Node) { n.Ports = nil })
	}
	s.Zero()
	select {
	case node := <-told:
		require.Contains(t, []string{"a", "b"}, node)
	case <-time.After(patience):
		require.Fail(t, "nobody waits where two would use all processors")
	}
}
