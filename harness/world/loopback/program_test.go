package loopback

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
)

// programArg is the first argument of the test binary when it is somebody else's
// server: it knows nothing of the harness.
const programArg = "__program"

// askEvery is how often a world asks whether a program serves.
const askEvery = 5 * time.Millisecond

// beProgram serves lines at an address: "ready?" gets "no" twice and then "yes",
// or always "no" when it is told "never"; all else comes back. When it is told "shy",
// it is busy for a while after it listens, and ends if somebody connected meanwhile.
func beProgram(at, dir string, how ...string) int {
	ever, shy := !slices.Contains(how, "never"), slices.Contains(how, "shy")
	ln, err := net.Listen("tcp", at)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "started"), []byte(at), 0o644)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if shy && disturbed(ln.(*net.TCPListener)) {
		return 1
	}
	var asked atomic.Int64
	for {
		c, err := ln.Accept()
		if err != nil {
			return 1
		}
		go func() {
			for lines := bufio.NewScanner(c); lines.Scan(); {
				switch line := lines.Text(); line {
				case "ready?":
					answer := "no"
					if asked.Add(1) > 2 && ever {
						answer = "yes"
					}
					fmt.Fprintln(c, answer)
				case "panic":
					panic("asked to")
				default:
					fmt.Fprintln(c, line)
				}
			}
			c.Close()
		}()
	}
}

// disturbed is busy for a while and tells whether somebody connected meanwhile.
func disturbed(ln *net.TCPListener) bool {
	for began := time.Now(); time.Since(began) < 10*askEvery; {
	}
	raw, err := ln.SyscallConn()
	if err != nil {
		return true
	}
	waits := false
	err = raw.Control(func(fd uintptr) {
		// Accept would wait, and a world that sees it wait may connect.
		c, _, err := syscall.Accept(int(fd))
		if waits = err == nil; waits {
			syscall.Close(c)
			fmt.Println("disturbed")
		}
	})
	return waits || err != nil
}

// programs are servers of somebody else's that the test binary is itself.
func programs() world.Programs {
	program := func(more ...string) world.Program {
		return world.Program{
			Path: os.Args[0],
			Args: func(p world.Place) ([]string, error) {
				return append([]string{programArg, p.At.String(), p.Dir}, more...), nil
			},
			Ready: func(_ context.Context, c net.Conn) error {
				fmt.Fprintln(c, "ready?")
				answer, err := bufio.NewReader(c).ReadString('\n')
				if err == nil && answer != "yes\n" {
					err = errors.New(strings.TrimSpace(answer))
				}
				return err
			},
		}
	}
	shy := program("shy")
	shy.Settles = true
	gone := program()
	gone.Path = "no-such-program-anywhere"
	broken := program()
	broken.Args = func(p world.Place) ([]string, error) { return []string{programArg, "10.0.0.1:1", p.Dir}, nil }
	return world.Programs{"program": program(), "never ready": program("never"), "shy": shy, "gone": gone, "broken": broken}
}

func newProgramStage(t *testing.T, change func(*Config)) *stage {
	return newStage(t, func(c *Config) {
		c.Programs = programs()
		if change != nil {
			change(c)
		}
	})
}

func TestProgram(t *testing.T) {
	for name, mapped := range map[string]bool{"own addresses": false, "mapped": true} {
		t.Run(name, func(t *testing.T) {
			s := newProgramStage(t, func(c *Config) { c.Mapped = mapped })
			s.start("b", "program")
			s.startRelay("a", "b")
			s.Zero()
			c := s.dial("b")
			ask(t, c, "straight")
			ask(t, s.dial("a"), "through a node of ours")
			f, err := s.Break(world.LinkFault{Kind: "cut", From: []string{"client"}, To: []string{"b"}})
			require.NoError(t, err)
			require.Equal(t, 1, f.Touched().Conns)
			requireReset(t, c)

			at, err := os.ReadFile(filepath.Join(s.cfg.Dir, "disks", "b", "started"))
			require.NoError(t, err, "it has a folder of its own")
			bind := s.Addr("b")
			if mapped {
				bind = netip.MustParseAddr("127.0.0.1")
			}
			require.Equal(t, bind, netip.MustParseAddrPort(string(at)).Addr())

			s.signal("b", world.Kill)
			s.requireRefused("b")
			s.start("b", "program")
			ask(t, s.dial("b"), "again")
			s.signal("b", world.Stop)
			require.Equal(t, []string{"b ready", "a ready", "b killed", "b ready", "b stopped"}, s.noted())
		})
	}
}

func TestProgramPausesAndCrashes(t *testing.T) {
	s := newProgramStage(t, nil)
	s.start("b", "program")
	c := s.dial("b")
	s.signal("b", world.Pause)
	_, err := io.WriteString(c, "x\n")
	require.NoError(t, err)
	late := s.dial("b") // the kernel goes on accepting
	require.NoError(t, c.SetReadDeadline(time.Now().Add(60*time.Millisecond)))
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	s.signal("b", world.Resume)
	ask(t, late, "y")

	_, err = io.WriteString(late, "panic\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !s.Running("b") && len(s.noted()) == 2 }, patience, tick)
	require.Equal(t, []string{"b ready", "b crashed"}, s.noted())
	s.requireRefused("b")
}

func TestProgramThatMustSettle(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells whether all threads wait")
	}
	s := newProgramStage(t, nil)
	s.start("b", "shy")
	ask(t, s.dial("b"), "served")
}

func TestProgramsThatDoNotBecomeReady(t *testing.T) {
	for kind, want := range map[string]string{
		"never ready": "start b: it does not listen on all of [8000] after 300ms",
		"broken":      "start b: it ended before it was ready (exit status 1); the end of its log:\nlisten tcp 10.0.0.1:1",
		"gone":        `start b: exec: "no-such-program-anywhere": executable file not found`,
	} {
		t.Run(kind, func(t *testing.T) {
			s := newProgramStage(t, func(c *Config) {
				if kind == "never ready" {
					c.ReadyTimeout = 300 * time.Millisecond
				}
			})
			err := s.Start(t.Context(), world.Node{Name: "b", Kind: kind, Ports: []int{8000}})
			require.ErrorContains(t, err, want)
			require.False(t, s.Running("b"))
			require.Empty(t, s.noted())
		})
	}
	s := newProgramStage(t, nil)
	require.ErrorContains(t, s.Start(t.Context(), world.Node{Name: "b", Kind: "program", Ports: []int{1, 2}}), "a program listens on one port, not on 2")
}
