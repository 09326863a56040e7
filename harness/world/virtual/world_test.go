package virtual_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/harness/world"
	"deadair/harness/world/virtual"
)

// stage is a world with one node's host in Virginia and an actor's in New York.
type stage struct {
	*virtual.World

	mu   sync.Mutex // guards what follows: nodes and links tell from goroutines of their own
	all  []string   // what Watch told
	text strings.Builder
}

// Write takes the world's log.
func (s *stage) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// log is what the world logged, when all that runs at this instant has run.
func (s *stage) log() string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *stage) tell(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, what)
}

// told is what Watch told, when all that runs at this instant has run.
func (s *stage) told() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

const node, actor = "us-east/echo-1", "listener"

func onStage(t *testing.T, play func(t *testing.T, s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{}
		w, err := virtual.New(virtual.Config{
			Hosts: []world.Host{{Name: node, Place: "Virginia"}, {Name: actor, Place: "New York"}},
			Kinds: world.Kinds{"echo": echo, "stubborn": stubborn, "deaf": deaf, "faulty": faulty, "brief": brief, "ghost": ghost, "diarist": diarist, "mute": silent},
			Watch: world.Watch{
				NodeReady: func(name string) { s.tell("ready " + name) },
				NodeEnded: func(name, class string) { s.tell(class + " " + name) },
				Conn:      func(c world.Conn) { s.tell(c.From + " " + c.Class) },
			},
			Log: func(string) *slog.Logger { return slog.New(slog.NewTextHandler(s, nil)) },
		})
		require.NoError(t, err)
		s.World = w
		defer w.Close() // also when the test fails: else the bubble's complaint hides why
		play(t, s)
		require.NoError(t, w.Close())
		require.NoError(t, w.Close())
	})
}

func (s *stage) start(t *testing.T, kind string) {
	t.Helper()
	require.NoError(t, s.Start(t.Context(), world.Node{Name: node, Kind: kind, Config: []byte(`"hello"`), Ports: []int{7}}))
}

// echo answers what it hears, and keeps what it heard on disk, half of it synced.
func echo(ctx context.Context, e env.Env) error {
	l, err := e.Listen(ctx, "tcp", ":7")
	if err != nil {
		return err
	}
	f, err := e.Disk.OpenFile("heard", os.O_CREATE|os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return err
	}
	e.Disk.SyncDir(".")
	var all sync.WaitGroup
	var conns []net.Conn
	defer all.Wait()
	context.AfterFunc(ctx, func() { l.Close() })
	for {
		c, err := l.Accept()
		if err != nil {
			for _, c := range conns {
				c.Close()
			}
			return nil
		}
		conns = append(conns, c)
		all.Go(func() {
			for buf := make([]byte, 99); ; {
				n, err := c.Read(buf)
				if err != nil {
					c.Close()
					return
				}
				f.Write(buf[:n])
				if string(buf[:n]) != "unsynced" {
					f.Sync()
				}
				c.Write(buf[:n])
			}
		})
	}
}

// ghost writes on disk and dials after it was killed, and takes half a minute for it.
func ghost(ctx context.Context, e env.Env) error {
	if _, err := e.Listen(ctx, "tcp", ":7"); err != nil {
		return err
	}
	f, err := e.Disk.OpenFile("heard", os.O_CREATE|os.O_WRONLY)
	if err != nil {
		return err
	}
	<-ctx.Done()
	time.Sleep(30 * time.Second)
	_, wrote := f.Write([]byte("boo"))
	_, dialled := e.DialContext(context.Background(), "tcp", "127.0.0.1:7")
	if wrote == nil || dialled == nil {
		panic("a ghost can do things")
	}
	return nil
}

// stubborn takes ten seconds to stop, deaf never does.
func stubborn(ctx context.Context, e env.Env) error { return after(ctx, e, 10*time.Second) }
func deaf(ctx context.Context, e env.Env) error     { return after(ctx, e, time.Hour) }

func after(ctx context.Context, e env.Env, d time.Duration) error {
	if _, err := e.Listen(ctx, "tcp", ":7"); err != nil {
		return err
	}
	<-ctx.Done()
	time.Sleep(d)
	return nil
}

// diarist writes a byte a second.
func diarist(ctx context.Context, e env.Env) error {
	if _, err := e.Listen(ctx, "tcp", ":7"); err != nil {
		return err
	}
	f, err := e.Disk.OpenFile("heard", os.O_CREATE|os.O_WRONLY)
	time.Sleep(time.Millisecond)
	for err == nil && ctx.Err() == nil {
		_, err = f.Write([]byte("x"))
		time.Sleep(time.Second)
	}
	return err
}

// faulty panics after a second, brief returns before it listens.
func faulty(ctx context.Context, e env.Env) error {
	e.Listen(ctx, "tcp", ":7")
	time.Sleep(time.Second)
	panic("out of tune")
}

// silent lives and listens on no port.
func silent(ctx context.Context, _ env.Env) error {
	<-ctx.Done()
	return nil
}

func brief(context.Context, env.Env) error { return errors.New("no disk") }

func (s *stage) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := s.Env(actor).DialContext(t.Context(), "tcp", s.Addr(node).String()+":7")
	require.NoError(t, err)
	return c
}

// asks says something to an echo and returns what comes back within d.
func asks(t *testing.T, c net.Conn, say string, d time.Duration) string {
	t.Helper()
	_, err := io.WriteString(c, say)
	require.NoError(t, err)
	c.SetReadDeadline(time.Now().Add(d))
	buf := make([]byte, 99)
	n, err := c.Read(buf)
	if err != nil {
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	return string(buf[:n])
}

func (s *stage) disk(t *testing.T) string {
	t.Helper()
	f, err := s.Disk(node).OpenFile("heard", os.O_RDONLY)
	require.NoError(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(b)
}

func TestWorldsClockAndAddresses(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		time.Sleep(time.Minute)
		require.Zero(t, s.Now(), "before Zero no time passes")
		s.Zero()
		time.Sleep(time.Second)
		require.Equal(t, time.Second, s.Now())
		require.Equal(t, "2000-01-01T00:01:01Z", s.Env(actor).Wall().UTC().Format(time.RFC3339))
		require.Equal(t, actor, s.HostAt(s.Addr(actor)))
		require.Equal(t, node, s.HostAt(s.Addr(node)))
		require.Empty(t, s.HostAt(s.Addr(node).Next().Next()))
		require.Panics(t, func() { s.Addr("nowhere") })
	})
}

func TestClocksOfHostsDiffer(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		e := s.Env(actor)
		before := e.Wall()
		s.SetClock(actor, -90*time.Second)
		time.Sleep(time.Second)
		require.Equal(t, -89*time.Second, e.Wall().Sub(before))
		require.Equal(t, time.Second, s.Env(node).Wall().Sub(before), "another host's is right")
		s.SetClock(actor, 0)
		require.Equal(t, time.Second, e.Wall().Sub(before))
	})
}

func TestNodeLivesAndStops(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.False(t, s.Running(node))
		s.start(t, "echo")
		require.True(t, s.Running(node))
		c := s.dial(t)
		start := time.Now()
		require.Equal(t, "la", asks(t, c, "la", time.Second))
		require.InDelta(t, virtual.RTT("Virginia", "New York"), time.Since(start), float64(3*time.Millisecond))
		require.ErrorContains(t, s.Start(t.Context(), world.Node{Name: node, Kind: "echo"}), "runs already")
		require.NoError(t, s.Signal(t.Context(), node, world.Stop))
		require.False(t, s.Running(node))
		require.Equal(t, []string{"ready " + node, actor + " ok", "stopped " + node}, s.told())
		require.ErrorContains(t, s.Signal(t.Context(), node, world.Stop), "does not run")

		s.start(t, "echo")
		require.Equal(t, "li", asks(t, s.dial(t), "li", time.Second))
		require.Equal(t, "lali", s.disk(t), "the disk stays")
	})
}

func TestKillResetsAndKeepsTheDisk(t *testing.T) {
	for _, test := range []struct {
		signal world.Signal
		keeps  string
	}{{world.Kill, "syncedunsynced"}, {world.Powercut, "synced"}} {
		t.Run(string(test.signal), func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				s.start(t, "echo")
				c := s.dial(t)
				for _, say := range []string{"synced", "unsynced"} {
					require.Equal(t, say, asks(t, c, say, time.Second))
				}
				require.Equal(t, "syncedunsynced", s.disk(t))
				require.NoError(t, s.Signal(t.Context(), node, test.signal))
				require.False(t, s.Running(node))
				_, err := c.Read(make([]byte, 1))
				require.ErrorIs(t, err, syscall.ECONNRESET)
				_, err = s.Env(actor).DialContext(t.Context(), "tcp", s.Addr(node).String()+":7")
				require.ErrorIs(t, err, syscall.ECONNREFUSED)
				require.Equal(t, test.keeps, s.disk(t))
				require.Contains(t, s.told(), "killed "+node)
				s.start(t, "echo")
				require.Equal(t, "again", asks(t, s.dial(t), "again", time.Second))
			})
		})
	}
}

func TestPauseHoldsNetworkAndDisk(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.start(t, "echo")
		c := s.dial(t)
		require.NoError(t, s.Signal(t.Context(), node, world.Pause))
		require.Empty(t, asks(t, c, "la", time.Minute))
		require.Empty(t, s.disk(t))
		s.dial(t)
		require.NoError(t, s.Signal(t.Context(), node, world.Resume))
		require.Equal(t, "la", asks(t, c, "li", time.Second), "what was held comes first")
		require.Equal(t, "li", asks(t, c, "", time.Second))
		require.Equal(t, "lali", s.disk(t))
		require.NoError(t, s.Signal(t.Context(), node, world.Pause))
		require.NoError(t, s.Signal(t.Context(), node, world.Stop), "a paused node can be stopped")
	})
}

func TestPauseBlocksTheDisk(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.start(t, "diarist")
		time.Sleep(time.Minute)
		require.NoError(t, s.Signal(t.Context(), node, world.Pause))
		size := len(s.disk(t))
		require.Equal(t, 60, size)
		time.Sleep(time.Minute)
		require.Len(t, s.disk(t), size)
		require.NoError(t, s.Signal(t.Context(), node, world.Resume))
		time.Sleep(59*time.Second + 500*time.Millisecond)
		require.Len(t, s.disk(t), 120)
		require.NoError(t, s.Signal(t.Context(), node, world.Pause))
		time.Sleep(time.Minute)
		require.NoError(t, s.Signal(t.Context(), node, world.Kill), "the blocked write ends")

		s.start(t, "diarist")
		require.NoError(t, s.Signal(t.Context(), node, world.Pause))
		time.Sleep(time.Minute)
		start := s.Now()
		require.NoError(t, s.Signal(t.Context(), node, world.Stop), "a paused node goes on to stop")
		require.LessOrEqual(t, s.Now()-start, time.Second)
	})
}

func TestCrashes(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.start(t, "faulty")
		c := s.dial(t)
		time.Sleep(2 * time.Second)
		require.False(t, s.Running(node))
		require.Equal(t, "crashed "+node, s.told()[len(s.told())-1])
		require.Contains(t, s.log(), "out of tune")
		require.Contains(t, s.log(), "world_test.go", "with its stack")
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)

		err = s.Start(t.Context(), world.Node{Name: node, Kind: "brief", Ports: []int{7}})
		require.ErrorContains(t, err, "ended before it listened on ports [7]")
		require.Contains(t, s.log(), "no disk")
	})
}

func TestStartRefuses(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.ErrorContains(t, s.Start(t.Context(), world.Node{Name: node, Kind: "unheard-of"}), `no such kind of node: "unheard-of"`)
		require.ErrorContains(t, s.Start(t.Context(), world.Node{Name: "elsewhere", Kind: "echo"}), "no host")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := s.Start(ctx, world.Node{Name: node, Kind: "echo", Ports: []int{7, 8}})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "does not listen on ports [7 8]")
		require.False(t, s.Running(node))
		require.Error(t, s.Signal(t.Context(), node, "tickle"))
	})
}

func TestNodeThatNeverListens(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		begun := time.Now()
		err := s.Start(t.Context(), world.Node{Name: node, Kind: "mute", Ports: []int{7}})
		require.ErrorContains(t, err, "start "+node+": it does not listen on ports [7]: gave up after 2m0s")
		require.ErrorContains(t, err, "virtual_test.silent(", "where it is instead")
		require.InDelta(t, 2*time.Minute, time.Since(begun), float64(time.Second))
		require.False(t, s.Running(node))
		s.start(t, "echo")
	})
}

func TestNodesThatAreSlowToEnd(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.start(t, "stubborn")
		start := time.Now()
		require.NoError(t, s.Signal(t.Context(), node, world.Stop))
		require.Equal(t, 10*time.Second, time.Since(start))

		s.start(t, "ghost")
		err := s.Signal(t.Context(), node, world.Kill)
		require.ErrorContains(t, err, "Serve has not returned for 10s")
		require.False(t, s.Running(node))
		require.ErrorContains(t, s.Start(t.Context(), world.Node{Name: node, Kind: "echo"}), "its code has not returned")
		time.Sleep(time.Minute)
		require.Empty(t, s.disk(t))
		require.NotContains(t, s.log(), "a ghost can do things")
		require.Equal(t, []string{"ready " + node, "stopped " + node, "ready " + node, "killed " + node}, s.told())
		s.start(t, "echo")
	})
}

func TestNodeThatNeverStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := virtual.New(virtual.Config{Hosts: []world.Host{{Name: node}}, Kinds: world.Kinds{"deaf": deaf}})
		require.NoError(t, err)
		require.NoError(t, w.Start(t.Context(), world.Node{Name: node, Kind: "deaf", Ports: []int{7}}))
		err = w.Signal(t.Context(), node, world.Stop)
		require.ErrorContains(t, err, "Serve has not returned for 1m0s")
		require.ErrorContains(t, err, "virtual_test.deaf(", "where it is")
		require.False(t, w.Running(node), "killed then")
		require.ErrorContains(t, w.Close(), "node "+node+" was told to end")
		time.Sleep(time.Hour) // for the bubble, which cannot end before
	})
}

func TestCloseEndsActorsToo(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.start(t, "echo")
		c := s.dial(t)
		_, err := s.Break(world.LinkFault{Kind: "stall", From: []string{actor}, To: []string{node}})
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { _, err := c.Read(make([]byte, 1)); ended <- err }()
		told := len(s.told())
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-ended, net.ErrClosed)
		require.Len(t, s.told(), told, "the end of the world is not told")
		require.ErrorContains(t, s.Start(t.Context(), world.Node{Name: node, Kind: "echo"}), "closed")
	})
}

func TestRandAndPhaseFollowTheSeed(t *testing.T) {
	type sample struct {
		number uint64
		phase  time.Duration
	}
	samples := func(seed uint64) (all []sample) {
		synctest.Test(t, func(t *testing.T) {
			w, err := virtual.New(virtual.Config{Hosts: []world.Host{{Name: "a"}, {Name: "b"}}, Seed: seed})
			require.NoError(t, err)
			for _, host := range []string{"a", "b"} {
				for _, loop := range []string{"x", "y"} {
					e := w.Env(host)
					all = append(all, sample{e.Rand(loop).Uint64(), e.Phase(loop, time.Second)})
				}
			}
			require.NoError(t, w.Close())
		})
		return all
	}
	one := samples(1)
	require.Equal(t, one, samples(1))
	for i, a := range append(one, samples(2)...) {
		for _, b := range append(one, samples(2)...)[:i] {
			require.NotEqual(t, a.number, b.number)
			require.NotEqual(t, a.phase.Truncate(time.Millisecond), b.phase.Truncate(time.Millisecond))
		}
	}
}

func TestLoopsNeverMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hosts []world.Host
		for i := range 300 {
			hosts = append(hosts, world.Host{Name: "host-" + string(rune('a'+i))})
		}
		w, err := virtual.New(virtual.Config{Hosts: hosts})
		require.NoError(t, err)
		whose := map[time.Duration]string{}
		for _, h := range hosts {
			e := w.Env(h.Name)
			for _, loop := range []string{"health", "renew", "poll"} {
				for _, interval := range []time.Duration{5 * time.Second, 250 * time.Millisecond, 90 * time.Second} {
					p := e.Phase(loop, interval)
					require.True(t, 0 <= p && p < interval)
					require.Equal(t, p%time.Millisecond, e.Phase(loop, time.Minute)%time.Millisecond)
					other, taken := whose[p%time.Millisecond]
					require.True(t, !taken || other == h.Name, "each host has nanoseconds of its own")
					whose[p%time.Millisecond] = h.Name
				}
			}
			require.Zero(t, e.Phase("health", 0))
		}
		require.Greater(t, len(whose), 3*len(hosts)*9/10, "and nearly each of its loops")
		require.NoError(t, w.Close())
	})
}

// TestPhasesDoNotDependOnWhoAsksFirst: goroutines of a node ask in any order.
func TestPhasesDoNotDependOnWhoAsksFirst(t *testing.T) {
	phases := func(loops ...string) map[string]time.Duration {
		all := map[string]time.Duration{}
		synctest.Test(t, func(t *testing.T) {
			w, err := virtual.New(virtual.Config{Hosts: []world.Host{{Name: "host"}}})
			require.NoError(t, err)
			for _, loop := range loops {
				all[loop] = w.Env("host").Phase(loop, time.Minute)
			}
			require.NoError(t, w.Close())
		})
		return all
	}
	require.Equal(t, phases("health", "renew", "poll"), phases("poll", "renew", "health"))
}

func TestRTT(t *testing.T) {
	for _, places := range [][2]string{{"Ireland", "Virginia"}, {"New York", "Virginia"}, {"Rome", "Ireland"}, {"San Francisco", "Oregon"}, {"London", "Oregon"}} {
		there, back := virtual.RTT(places[0], places[1]), virtual.RTT(places[1], places[0])
		require.Equal(t, there, back)
		require.True(t, 3*time.Millisecond < there && there < 200*time.Millisecond, "%s: %s", places, there)
	}
	require.Less(t, virtual.RTT("New York", "Virginia"), virtual.RTT("New York", "Oregon"))
	require.Less(t, virtual.RTT("Rome", "Ireland"), virtual.RTT("Rome", "Virginia"))
}
