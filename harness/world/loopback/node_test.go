package loopback

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
)

func TestKill(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "echo")
	s.startRelay("a", "b")
	through, direct := s.dial("a"), s.dial("b")
	ask(t, through, "x")
	ask(t, direct, "keep this")
	s.signal("b", world.Kill)
	require.False(t, s.Running("b"))
	require.Equal(t, []string{"b ready", "a ready", "b killed"}, s.noted())
	requireReset(t, direct)
	s.requireRefused("b")
	require.ErrorContains(t, s.Signal(t.Context(), "b", world.Kill), "it does not run")

	s.start("b", "echo") // at the same address, on the same disk
	ask(t, s.dial("b"), "y")
	ask(t, s.dial("a"), "z")
	again := s.dial("b")
	ask(t, again, "x")
	require.NoError(t, again.(interface{ CloseWrite() error }).CloseWrite())
	_, err := io.ReadAll(again)
	require.NoError(t, err, "an end is an end again, and no reset")
	f, err := s.Disk("b").OpenFile("kept", os.O_RDONLY)
	require.NoError(t, err)
	defer f.Close()
	kept, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, "this", string(kept))
}

// TestKillOfManyAtOnce: none waits for another one's end.
func TestKillOfManyAtOnce(t *testing.T) {
	var ended atomic.Int32
	both := make(chan struct{})
	s := newStage(t, func(c *Config) {
		c.Watch.NodeEnded = func(node, _ string) {
			if ended.Add(1) == 2 {
				close(both)
			}
			select {
			case <-both:
			case <-time.After(patience):
				t.Errorf("%s ended alone", node)
			}
		}
	})
	s.start("a", "echo")
	s.start("b", "echo")
	require.NoError(t, s.SignalAll(t.Context(), []string{"a", "b"}, world.Kill))
	require.False(t, s.Running("a") || s.Running("b"))
	require.ErrorContains(t, s.SignalAll(t.Context(), []string{"a", "b"}, world.Kill), "kill b: it does not run")
}

func TestKillOfAPausedNode(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "echo")
	s.signal("b", world.Pause)
	s.signal("b", world.Kill)
	s.requireRefused("b")
}

func TestPauseAndResume(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "echo")
	c := s.dial("b")
	ask(t, c, "x")
	s.signal("b", world.Pause)
	require.True(t, s.Running("b"))
	_, err := io.WriteString(c, "y\n")
	require.NoError(t, err)
	late := s.dial("b") // the kernel goes on accepting
	require.NoError(t, c.SetReadDeadline(time.Now().Add(60*time.Millisecond)))
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	s.signal("b", world.Resume)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	got := make([]byte, 2)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, "y\n", string(got))
	ask(t, late, "z")
}

func TestStop(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "echo")
	s.signal("b", world.Stop)
	require.Equal(t, []string{"b ready", "b stopped"}, s.noted())
	s.requireRefused("b")
}

func TestStopOfAPausedNode(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "echo")
	s.signal("b", world.Pause)
	s.signal("b", world.Stop)
	require.Equal(t, []string{"b ready", "b stopped"}, s.noted())
}

func TestStopOfAStubbornNode(t *testing.T) {
	s := newStage(t, func(c *Config) { c.StopTimeout = 50 * time.Millisecond })
	s.start("b", "stubborn")
	require.ErrorContains(t, s.Signal(t.Context(), "b", world.Stop), "stop b: it was killed, for it still ran after 50ms")
	require.False(t, s.Running("b"))
	require.Equal(t, []string{"b ready", "b killed"}, s.noted())
}

func TestPowercutIsImpossible(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "echo")
	require.ErrorContains(t, s.Signal(t.Context(), "b", world.Powercut), "powercut b: the kernel keeps")
	require.True(t, s.Running("b"))
}

func TestCrash(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "echo")
	_, err := io.WriteString(s.dial("b"), "panic\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !s.Running("b") }, patience, tick)
	require.Eventually(t, func() bool { return len(s.noted()) == 2 }, patience, tick)
	require.Equal(t, []string{"b ready", "b crashed"}, s.noted())
	s.requireRefused("b")
	s.start("b", "echo")
}

func TestNodesThatDoNotBecomeReady(t *testing.T) {
	for kind, wants := range map[string][]string{
		"panic": {"start b: it ended before it was ready (exit status 2)", "panic: no tape in the machine"},
		"fails": {"it ended before it was ready (exit status 1)", "no licence"},
		"mute":  {"start b: it does not listen on all of [8000] after 300ms", "its log is empty"},
		"what?": {`start b: no kind "what?"`},
	} {
		t.Run(kind, func(t *testing.T) {
			s := newStage(t, func(c *Config) {
				if kind == "mute" {
					c.ReadyTimeout = 300 * time.Millisecond
				}
			})
			err := s.Start(t.Context(), world.Node{Name: "b", Kind: kind, Ports: []int{8000}})
			for _, want := range wants {
				require.ErrorContains(t, err, want)
			}
			require.False(t, s.Running("b"))
			require.Empty(t, s.noted(), "what never was ready does not end")
		})
	}
}

func TestStartsThatMakeNoSense(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Bin = map[string]string{"relay": filepath.Join(t.TempDir(), "gone")} })
	s.start("b", "echo")
	for want, n := range map[string]world.Node{
		"it runs already":           {Name: "b", Kind: "echo"},
		"no host has its name":      {Name: "nobody", Kind: "echo"},
		"no host has the address":   {Name: "a", Kind: "echo", Dials: []string{"10.0.0.1:80"}},
		"read its destination":      {Name: "a", Kind: "echo", Dials: []string{"redis:6379"}},
		"no such file or directory": {Name: "a", Kind: "relay"},
	} {
		require.ErrorContains(t, s.Start(t.Context(), n), want)
	}
	require.False(t, s.Running("a"))
}

func TestNodeWithoutPortsIsReadyAtOnce(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "mute", func(n *world.Node) { n.Ports = nil })
	require.True(t, s.Running("b"))
	s.signal("b", world.Stop)
	require.Equal(t, []string{"b ready", "b stopped"}, s.noted())
}

func TestLogsTellTheWorldsTime(t *testing.T) {
	s := newStage(t, nil)
	s.Zero()
	err := s.Start(t.Context(), world.Node{Name: "b", Kind: "fails", Ports: []int{1}})
	require.Error(t, err)
	text, err := os.ReadFile(filepath.Join(s.cfg.Dir, "logs", "b.log"))
	require.NoError(t, err)
	require.Regexp(t, `"msg":"node failed","node":"b","error":"no licence","t":"\d`, string(text))
	require.Less(t, s.Now(), patience)
}

func TestTwoWorldsAtOnce(t *testing.T) {
	one, two := newStage(t, nil), newStage(t, nil)
	require.NotEqual(t, one.Addr("b"), two.Addr("b"))
	one.start("b", "echo")
	two.requireRefused("b")
	two.start("b", "echo")
	ask(t, one.dial("b"), "first")
	ask(t, two.dial("b"), "second")
	require.NoError(t, one.Close())
	ask(t, two.dial("b"), "still there")
}

func TestCloseEndsNodesAndConnections(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "stubborn")
	s.start("a", "echo")
	s.signal("a", world.Pause)
	c := s.dial("b")
	_, err := s.Break(world.LinkFault{Kind: "blackhole", From: []string{"client"}, To: []string{"b"}})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	requireReset(t, c)
	require.Equal(t, []string{"b ready", "a ready"}, s.noted(), "Close is no event of the run")
	require.Error(t, s.Start(t.Context(), world.Node{Name: "b", Kind: "echo"}))
	_, err = net.Dial("tcp", s.at("b"))
	require.Error(t, err)
	left, err := os.ReadDir(s.cfg.State)
	require.NoError(t, err)
	require.Empty(t, left, "the journal is gone")
}
