package loopback

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env"
	"deadair/harness/world"
	"deadair/harness/world/proc"
)

func TestMain(m *testing.M) {
	Child(kinds())
	if len(os.Args) > 3 && os.Args[1] == programArg {
		os.Exit(beProgram(os.Args[2], os.Args[3], os.Args[4:]...))
	}
	if state := os.Getenv(harnessEnv); state != "" {
		os.Exit(beHarness(state))
	}
	goleak.VerifyTestMain(m)
}

const (
	patience = 30 * time.Second // for what must come, on a slow machine, too
	tick     = 2 * time.Millisecond
)

// kinds are small nodes that the test binary runs as children of its own.
func kinds() world.Kinds {
	return world.Kinds{
		"echo":     echo,
		"relay":    relay,
		"panic":    func(context.Context, env.Env) error { panic("no tape in the machine") },
		"fails":    func(context.Context, env.Env) error { return errors.New("no licence") },
		"mute":     func(ctx context.Context, _ env.Env) error { <-ctx.Done(); return nil },
		"stubborn": stubborn,
		"dice":     dice,
		"busy":     busy,
	}
}

// busy uses all processors that there are.
func busy(ctx context.Context, _ env.Env) error {
	for range runtime.NumCPU() {
		go func() {
			for ctx.Err() == nil {
			}
		}()
	}
	<-ctx.Done()
	return nil
}

// echo sends back what it gets. A line "panic" ends it badly, "keep x" writes x to its disk.
func echo(ctx context.Context, e env.Env) error {
	return serve(ctx, e, func(c net.Conn) {
		lines := bufio.NewReader(c)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch word {
			case "panic":
				panic("asked to")
			case "keep":
				f, err := e.Disk.OpenFile("kept", os.O_CREATE|os.O_WRONLY|os.O_APPEND)
				if err != nil {
					panic(err)
				}
				f.Write([]byte(rest))
				f.Close()
			}
			io.WriteString(c, line)
		}
	})
}

// relay passes each connection on to the address in its configuration.
func relay(ctx context.Context, e env.Env) error {
	var to string
	if err := json.Unmarshal(e.Config, &to); err != nil {
		return err
	}
	return serve(ctx, e, func(c net.Conn) {
		up, err := e.DialContext(ctx, "tcp", to)
		if err != nil {
			fmt.Fprintln(c, err)
			return
		}
		defer up.Close()
		go func() {
			io.Copy(up, c)
			up.(interface{ CloseWrite() error }).CloseWrite()
		}()
		io.Copy(c, up)
	})
}

// stubborn listens and does not end when asked to.
func stubborn(ctx context.Context, e env.Env) error {
	return serve(context.WithoutCancel(ctx), e, func(c net.Conn) { io.Copy(io.Discard, c) })
}

// dice tells what its generators and phases give.
func dice(ctx context.Context, e env.Env) error {
	return serve(ctx, e, func(c net.Conn) {
		fmt.Fprintln(c, e.Rand("a").Uint64(), e.Rand("b").Uint64(), e.Phase("loop", time.Minute))
	})
}

func serve(ctx context.Context, e env.Env, handle func(net.Conn)) error {
	ln, err := e.Listen(ctx, "tcp", ":8000")
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	for {
		c, err := ln.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			handle(c)
		}()
	}
}

// stage is a world with the hosts client, other, a, b and c, and what it reported.
type stage struct {
	*World
	t   *testing.T
	cfg Config

	mu    sync.Mutex
	nodes []string // "a ready", "a killed"
	conns []world.Conn
}

func newStage(t *testing.T, change func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t}
	cfg := Config{
		Kinds: kinds(), Seed: 7, Dir: t.TempDir(), State: t.TempDir(),
		Watch: world.Watch{
			NodeReady: func(n string) { s.note(n + " ready") },
			NodeEnded: func(n, class string) { s.note(n + " " + class) },
			Conn: func(c world.Conn) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.conns = append(s.conns, c)
			},
		},
	}
	for _, name := range []string{"client", "other", "a", "b", "dc/c"} {
		cfg.Hosts = append(cfg.Hosts, world.Host{Name: name})
	}
	if change != nil {
		change(&cfg)
	}
	w, err := Open(cfg)
	require.NoError(t, err)
	s.World, s.cfg = w, cfg
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return s
}

// pids are the processes that a run has written down, by node.
func pids(state string) (map[string]int, error) {
	found := map[string]int{}
	journals, err := filepath.Glob(filepath.Join(state, "run-*.jsonl"))
	if err != nil {
		return nil, err
	}
	for _, name := range journals {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			var e struct {
				Node    string
				Process proc.Process
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				return nil, err
			}
			if e.Node != "" {
				found[e.Node] = e.Process.PID
			}
		}
	}
	return found, nil
}

func (s *stage) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes = append(s.nodes, line)
}

func (s *stage) noted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.nodes...)
}

func (s *stage) at(host string) string { return s.Addr(host).String() + ":8000" }

func (s *stage) start(name, kind string, change ...func(*world.Node)) {
	s.t.Helper()
	n := world.Node{Name: name, Kind: kind, Ports: []int{8000}}
	for _, c := range change {
		c(&n)
	}
	require.NoError(s.t, s.Start(s.t.Context(), n))
}

// startRelay starts a relay on host from, to the node to.
func (s *stage) startRelay(from, to string) {
	s.start(from, "relay", func(n *world.Node) {
		n.Dials = []string{s.at(to)}
		n.Config = json.RawMessage(fmt.Sprintf("%q", s.at(to)))
	})
}

func (s *stage) signal(name string, sig world.Signal) {
	s.t.Helper()
	require.NoError(s.t, s.Signal(s.t.Context(), name, sig))
}

func (s *stage) dial(host string) net.Conn {
	s.t.Helper()
	c, err := s.Env("client").DialContext(s.t.Context(), "tcp", s.at(host))
	require.NoError(s.t, err)
	s.t.Cleanup(func() { c.Close() })
	require.NoError(s.t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// ask says a line to a connection and wants the same back.
func ask(t *testing.T, c net.Conn, line string) {
	t.Helper()
	_, err := io.WriteString(c, line+"\n")
	require.NoError(t, err)
	got := make([]byte, len(line)+1)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, line+"\n", string(got))
}

func requireReset(t *testing.T, c net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, c)
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func (s *stage) requireRefused(host string) {
	s.t.Helper()
	_, err := s.Env("client").DialContext(s.t.Context(), "tcp", s.at(host))
	require.ErrorIs(s.t, err, syscall.ECONNREFUSED)
	require.ErrorContains(s.t, err, s.at(host), "the error names the logical address")
}
