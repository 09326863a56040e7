package vnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"deadair/harness/world"
	"deadair/harness/world/virtual/vnet"
)

const ms = time.Millisecond

// bed is a network 20 ms across with a connection on it.
type bed struct {
	t              *testing.T
	net            *vnet.Net
	server, client *vnet.Process
	listener       net.Listener
	watched        []world.Conn
}

// inBed runs a test in a bubble.
func inBed(t *testing.T, test func(t *testing.T, b *bed)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bed{t: t}
		cfg := apart(20 * ms)
		cfg.Watch = func(c world.Conn) { b.watched = append(b.watched, c) }
		b.net, b.server, b.client = pairOfHosts(t, cfg)
		l, err := b.server.Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		b.listener = l
		test(t, b)
		b.server.Kill()
		b.client.Kill()
		time.Sleep(time.Second)
	})
}

// link is a connection's two ends.
type link struct {
	t              *testing.T
	client, server net.Conn
}

func (b *bed) dial() link {
	b.t.Helper()
	c, err := b.client.DialContext(b.t.Context(), "tcp", "10.0.0.1:80")
	require.NoError(b.t, err)
	s, err := b.listener.Accept()
	require.NoError(b.t, err)
	return link{b.t, c, s}
}

func (b *bed) breaks(f world.LinkFault) world.Broken {
	b.t.Helper()
	f.From, f.To = []string{"client"}, []string{"server"}
	broken, err := b.net.Break(f)
	require.NoError(b.t, err)
	return broken
}

// hears reads what there is within d.
func hears(t *testing.T, c net.Conn, d time.Duration) string {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(d)))
	var got strings.Builder
	_, err := io.Copy(&got, c)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	switch {
	case err == nil:
		got.WriteString("|eof")
	case errors.Is(err, syscall.ECONNRESET):
		got.WriteString("|reset")
	default:
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	return got.String()
}

// reset ends a connection with a reset.
func reset(t *testing.T, c net.Conn) {
	t.Helper()
	require.NoError(t, c.(interface{ SetLinger(int) error }).SetLinger(0))
	require.NoError(t, c.Close())
}

// says writes to one end and tells what the other hears within a second.
func (l link) says(s string) (heard string) {
	l.t.Helper()
	_, err := io.WriteString(l.client, s)
	require.NoError(l.t, err)
	return hears(l.t, l.server, time.Second)
}

func (l link) answers(s string) (heard string) {
	l.t.Helper()
	_, err := io.WriteString(l.server, s)
	require.NoError(l.t, err)
	return hears(l.t, l.client, time.Second)
}

func TestCutResetsBothEndsAtOnce(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		one, two := b.dial(), b.dial()
		io.WriteString(one.client, "lost on its way")
		at := make(chan time.Time, 2)
		for _, c := range []net.Conn{one.client, one.server} {
			go func() {
				_, err := c.Read(make([]byte, 99))
				assert.ErrorIs(t, err, syscall.ECONNRESET)
				at <- time.Now()
			}()
		}
		time.Sleep(10 * ms)
		cut := b.breaks(world.LinkFault{Kind: "cut"})
		require.Equal(t, <-at, <-at, "both at one instant")
		require.Equal(t, "|reset", hears(t, two.client, 0+ms))
		require.Equal(t, world.Touched{Conns: 2, Bytes: 15}, cut.Touched())
		require.Equal(t, "fine", b.dial().says("fine"), "new ones are not hit")
		cut.Heal()
		require.Equal(t, 2, cut.Touched().Conns)
	})
}

func TestCutGoesFromOneToTheNext(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		at := make(chan time.Time, 10)
		for range cap(at) {
			l := b.dial()
			go func() { l.server.Read(make([]byte, 1)); at <- time.Now() }()
		}
		time.Sleep(time.Second)
		b.breaks(world.LinkFault{Kind: "cut"})
		first := <-at
		for i := 1; i < cap(at); i++ {
			require.Equal(t, time.Duration(i), (<-at).Sub(first), "a nanosecond apart")
		}
	})
}

func TestFaultsSpareAHostsOwnConnections(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		c, err := b.server.DialContext(t.Context(), "tcp", "127.0.0.1:80")
		require.NoError(t, err)
		s, err := b.listener.Accept()
		require.NoError(t, err)
		f, err := b.net.Break(world.LinkFault{Kind: "blackhole", From: []string{"server"}, To: []string{"server"}})
		require.NoError(t, err)
		require.Equal(t, "fine", link{t, c, s}.says("fine"))
		require.Zero(t, f.Touched())
	})
}

func TestFaultOnAConnectionThatEndsMeanwhile(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		b.breaks(world.LinkFault{Kind: "cut"})
		f := b.breaks(world.LinkFault{Kind: "stall"})
		l.client.Close()
		l.server.Close()
		require.Zero(t, f.Touched())
		l = b.dial()
		l.client.Close()
		l.server.Close()
		f.Heal()
		require.Equal(t, 1, f.Touched().Conns, "its end was withheld")
	})
}

func TestCutLeavesArrivedBytesReadable(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		io.WriteString(l.client, "arrived")
		time.Sleep(100 * ms)
		b.breaks(world.LinkFault{Kind: "cut"})
		require.Equal(t, "arrived|reset", hears(t, l.server, ms))
	})
}

func TestCutGoesByWhoDialled(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		other, err := b.net.Break(world.LinkFault{Kind: "cut", From: []string{"server"}, To: []string{"client"}})
		require.NoError(t, err)
		require.Zero(t, other.Touched())
		require.Equal(t, "fine", l.says("fine"))
	})
}

func TestRefuse(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		old := b.dial()
		f := b.breaks(world.LinkFault{Kind: "refuse"})
		start := time.Now()
		_, err := b.client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.InDelta(t, 40*ms, time.Since(start), float64(2*ms), "one round trip")
		require.Equal(t, "fine", old.says("fine"))
		require.Equal(t, world.Touched{Conns: 1}, f.Touched())
		f.Heal()
		f.Heal()
		require.Equal(t, "fine", b.dial().says("fine"))
	})
}

// scopes are faults that hit some connections and some ways only. old and new
// tell whether a connection from before, or from after, is hit; forth and back which way.
var scopes = []struct {
	conns, way  string
	old, new    bool
	forth, back bool
}{
	{"", "", true, true, true, true},
	{"all", "both", true, true, true, true},
	{"existing", "both", true, false, true, true},
	{"new", "both", false, true, true, true},
	{"existing", "forth", true, false, true, false},
	{"existing", "back", true, false, false, true},
	{"new", "forth", false, true, true, false},
	{"all", "back", true, true, false, true},
}

func TestStallWithholdsAndDelivers(t *testing.T) {
	for _, s := range scopes {
		t.Run(s.conns+" "+s.way, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				old := b.dial()
				f := b.breaks(world.LinkFault{Kind: "stall", Conns: s.conns, Direction: s.way})
				fresh := b.dial()
				require.Zero(t, f.Touched())
				want := world.Touched{}
				check := func(l link, hit bool) {
					for _, way := range []struct {
						heard string
						hit   bool
					}{{l.says("forth"), hit && s.forth}, {l.answers("back"), hit && s.back}} {
						require.Equal(t, way.hit, way.heard == "")
						if way.hit {
							want.Bytes += 5
						}
					}
				}
				check(old, s.old)
				check(fresh, s.new)
				want.Conns = count(s.old) + count(s.new)
				want.Bytes -= int64(count(s.back) * want.Conns) // "back" is shorter
				require.Equal(t, want, f.Touched())
				f.Heal()
				for _, l := range []struct {
					link
					hit bool
				}{{old, s.old}, {fresh, s.new}} {
					require.Equal(t, pick(l.hit && s.forth, "forth"), hears(t, l.server, 30*ms), "one latency later")
					require.Equal(t, pick(l.hit && s.back, "back"), hears(t, l.client, 30*ms))
				}
				require.Equal(t, want, f.Touched())
			})
		})
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func pick(yes bool, s string) string {
	if yes {
		return s
	}
	return ""
}

func TestStallHoldsWhatIsUnderWayAndEnds(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		io.WriteString(l.client, "first ")
		time.Sleep(10 * ms)
		f := b.breaks(world.LinkFault{Kind: "stall"})
		io.WriteString(l.client, "second")
		require.NoError(t, l.client.Close())
		require.Empty(t, hears(t, l.server, time.Hour))
		require.Equal(t, world.Touched{Conns: 1, Bytes: 12}, f.Touched())
		f.Heal()
		require.Equal(t, "first second|eof", hears(t, l.server, time.Second))
	})
}

func TestStallHoldsAnEndUnderWay(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		require.NoError(t, l.client.Close())
		time.Sleep(10 * ms)
		f := b.breaks(world.LinkFault{Kind: "stall"})
		require.Empty(t, hears(t, l.server, time.Hour))
		require.Equal(t, world.Touched{Conns: 1}, f.Touched())
		f.Heal()
		require.Equal(t, "|eof", hears(t, l.server, time.Second))
	})
}

func TestStallBeforeACloseMakesItAReset(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		f := b.breaks(world.LinkFault{Kind: "stall", Direction: "forth"})
		require.Empty(t, l.says("too late"))
		require.NoError(t, l.server.Close())
		require.Equal(t, "|eof", hears(t, l.client, time.Second))
		f.Heal()
		time.Sleep(time.Second)
		_, err := io.WriteString(l.client, "x")
		require.ErrorIs(t, err, syscall.EPIPE, "what was withheld came to a closed socket")
	})
}

func TestStallPressesBack(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		f := b.breaks(world.LinkFault{Kind: "stall", Direction: "forth"})
		l.client.SetWriteDeadline(time.Now().Add(time.Minute))
		n, err := l.client.Write(make([]byte, 1<<20))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 256<<10, n)
		f.Heal()
		require.Len(t, hears(t, l.server, time.Second), 256<<10)
	})
}

func TestStallHoldsAReset(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		f := b.breaks(world.LinkFault{Kind: "stall"})
		b.client.Kill()
		require.Empty(t, hears(t, l.server, time.Hour))
		require.Equal(t, 1, f.Touched().Conns)
		f.Heal()
		require.Equal(t, "|reset", hears(t, l.server, time.Second))
	})
}

func TestTwoStallsBothHold(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l, doomed := b.dial(), b.dial()
		one, two := b.breaks(world.LinkFault{Kind: "stall"}), b.breaks(world.LinkFault{Kind: "stall"})
		require.Empty(t, l.says("x"))
		require.NoError(t, l.client.Close())
		reset(t, doomed.client)
		one.Heal()
		require.Empty(t, hears(t, l.server, time.Second))
		require.Empty(t, hears(t, doomed.server, time.Second))
		two.Heal()
		require.Equal(t, "x|eof", hears(t, l.server, time.Second))
		require.Equal(t, "|reset", hears(t, doomed.server, time.Second))
	})
}

func TestBlackholeSwallows(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		hit, idle := b.dial(), b.dial()
		io.WriteString(hit.client, "on its way")
		f := b.breaks(world.LinkFault{Kind: "blackhole", Conns: "existing"})
		require.Empty(t, hit.says("more"))
		require.Empty(t, hit.answers("back"))
		require.Equal(t, world.Touched{Conns: 1, Bytes: 18}, f.Touched())
		require.Equal(t, "fine", b.dial().says("fine"), "new ones work")
		f.Heal()
		require.Equal(t, "|reset", hears(t, hit.client, ms))
		require.Equal(t, "|reset", hears(t, hit.server, ms))
		require.Equal(t, "fine", idle.says("fine"), "it lost nothing")
	})
}

func TestBlackholeFillsTheWindow(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		l.client.Write(make([]byte, 1000)) // swallowed on its way
		f := b.breaks(world.LinkFault{Kind: "blackhole"})
		l.client.SetWriteDeadline(time.Now().Add(time.Hour))
		n, err := l.client.Write(make([]byte, 1<<20))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 256<<10, n+1000, "nobody acknowledges")
		go func() { time.Sleep(time.Hour); f.Heal() }()
		l.client.SetWriteDeadline(time.Time{})
		_, err = l.client.Write(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET, "healing wakes the writer")
	})
}

func TestBlackholeHidesAnEnd(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		f := b.breaks(world.LinkFault{Kind: "blackhole"})
		b.client.Kill()
		require.Empty(t, hears(t, l.server, time.Hour), "the server never learns")
		require.Equal(t, world.Touched{Conns: 1}, f.Touched())
		f.Heal()
		require.Equal(t, "|reset", hears(t, l.server, ms))
	})
}

func TestBlackholeTakesAnEndUnderWay(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		require.NoError(t, l.client.Close())
		time.Sleep(10 * ms)
		f := b.breaks(world.LinkFault{Kind: "blackhole"})
		require.Empty(t, hears(t, l.server, time.Hour))
		require.Equal(t, world.Touched{Conns: 1}, f.Touched())
	})
}

func TestBlackholeOneWay(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		b.breaks(world.LinkFault{Kind: "blackhole", Conns: "existing", Direction: "back"})
		require.Equal(t, "heard", l.says("heard"))
		require.Empty(t, l.answers("not"))
	})
}

func TestDialIntoABlackhole(t *testing.T) {
	for _, way := range []string{"both", "forth", "back"} {
		t.Run(way, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				f := b.breaks(world.LinkFault{Kind: "blackhole", Conns: "new", Direction: way})
				start := time.Now()
				_, err := b.client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
				require.ErrorIs(t, err, syscall.ETIMEDOUT)
				require.Equal(t, 127*time.Second, time.Since(start))
				require.Equal(t, 1, f.Touched().Conns, "once, however often it asked")

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err = b.client.DialContext(ctx, "tcp", "10.0.0.1:80")
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 2, f.Touched().Conns)
			})
		})
	}
}

func TestDialGetsThroughWhenTheHoleIsHealed(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		f := b.breaks(world.LinkFault{Kind: "blackhole"})
		time.AfterFunc(10*time.Second, f.Heal)
		start := time.Now()
		l := b.dial()
		require.InDelta(t, 15*time.Second+40*ms, time.Since(start), float64(2*ms), "the fifth request gets through")
		require.Equal(t, "fine", l.says("fine"))
	})
}

func TestDelay(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		old := b.dial()
		f := b.breaks(world.LinkFault{Kind: "delay", Direction: "forth", Delay: time.Second})
		start := time.Now()
		fresh := b.dial()
		require.InDelta(t, time.Second+40*ms, time.Since(start), float64(2*ms), "connecting takes it too")
		for _, l := range []link{old, fresh} {
			start = time.Now()
			io.WriteString(l.client, "x")
			l.server.Read(make([]byte, 1))
			require.InDelta(t, time.Second+20*ms, time.Since(start), float64(ms))
			start = time.Now()
			io.WriteString(l.server, "x")
			l.client.Read(make([]byte, 1))
			require.InDelta(t, 20*ms, time.Since(start), float64(ms))
		}
		require.Equal(t, world.Touched{Conns: 2, Bytes: 2}, f.Touched())
		io.WriteString(old.client, "late")
		f.Heal()
		require.Equal(t, "late", hears(t, old.server, 30*ms), "healing hurries what was late")
	})
}

func TestThrottle(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		f := b.breaks(world.LinkFault{Kind: "throttle", Direction: "forth", Rate: 1000})
		start := time.Now()
		_, err := l.client.Write(make([]byte, 10_000))
		require.NoError(t, err)
		require.Len(t, hears(t, l.server, 5*time.Second), 3*1448, "it trickles in packets")
		io.ReadFull(l.server, make([]byte, 10_000-3*1448))
		require.InDelta(t, 10*time.Second+20*ms, time.Since(start), float64(ms))
		require.Equal(t, world.Touched{Conns: 1, Bytes: 10_000}, f.Touched())
		l.client.Write(make([]byte, 100_000))
		f.Heal()
		require.Len(t, hears(t, l.server, 30*ms), 100_000)
	})
}

func TestThrottleKeepsTheOrder(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l, cut := b.dial(), b.dial()
		b.breaks(world.LinkFault{Kind: "throttle", Rate: 1000})
		for _, c := range []net.Conn{l.client, cut.client} {
			c.Write(make([]byte, 5000))
		}
		l.client.Close()
		time.Sleep(1500 * ms)
		reset(t, cut.client)
		require.Len(t, hears(t, l.server, 10*time.Second), 5000+len("|eof"), "the end comes last")
		require.Len(t, hears(t, cut.server, 10*time.Second), 1448+len("|reset"), "a reset loses what has not left")
	})
}

func TestTheSlowestThrottleCounts(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		slow := b.breaks(world.LinkFault{Kind: "throttle", Rate: 1000})
		b.breaks(world.LinkFault{Kind: "throttle", Rate: 4000})
		l.client.Write(make([]byte, 10*1448))
		start := time.Now()
		slow.Heal()
		_, err := io.ReadFull(l.server, make([]byte, 10*1448))
		require.NoError(t, err)
		require.InDelta(t, 3620*ms+20*ms, time.Since(start), float64(ms), "the rest goes at the other's rate")
	})
}

func TestHealingDelaysNothing(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		f := b.breaks(world.LinkFault{Kind: "throttle", Rate: 1 << 30})
		io.WriteString(l.client, "nearly there")
		time.Sleep(15 * ms)
		f.Heal()
		require.Equal(t, "nearly there", hears(t, l.server, 7*ms))
	})
}

func TestBreakRefusesNonsense(t *testing.T) {
	both := []string{"client"}
	to := []string{"server"}
	wrong := map[string]world.LinkFault{
		"no such fault":        {Kind: "sever", From: both, To: to},
		"hosts on both sides":  {Kind: "cut", To: to},
		`no host "nobody"`:     {Kind: "cut", From: []string{"nobody"}, To: to},
		`connections "some"`:   {Kind: "stall", From: both, To: to, Conns: "some"},
		`direction "up"`:       {Kind: "stall", From: both, To: to, Direction: "up"},
		"existing connections": {Kind: "cut", From: both, To: to, Conns: "new"},
		"new connections":      {Kind: "refuse", From: both, To: to, Conns: "existing"},
		"no direction":         {Kind: "refuse", From: both, To: to, Direction: "back"},
		"needs Delay":          {Kind: "delay", From: both, To: to},
		"needs Rate":           {Kind: "throttle", From: both, To: to},
	}
	inBed(t, func(t *testing.T, b *bed) {
		for want, f := range wrong {
			_, err := b.net.Break(f)
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, "break "+f.Kind)
		}
		_, err := b.net.Break(world.LinkFault{Kind: "stall", From: both, To: to, Rate: 3})
		require.Error(t, err)
	})
}

func TestDatagramsMeetFaults(t *testing.T) {
	tests := map[string]struct {
		fault          world.LinkFault
		asked, told    bool // the server hears, the client hears
		touched, bytes int
	}{
		"none":                {world.LinkFault{Kind: "throttle", Rate: 1}, true, true, 0, 0},
		"blackhole":           {world.LinkFault{Kind: "blackhole"}, false, false, 1, 8},
		"blackhole forth":     {world.LinkFault{Kind: "blackhole", Direction: "forth"}, false, false, 1, 8},
		"blackhole back":      {world.LinkFault{Kind: "blackhole", Direction: "back"}, true, false, 1, 6},
		"stall back":          {world.LinkFault{Kind: "stall", Direction: "back"}, true, false, 1, 6},
		"existing conns only": {world.LinkFault{Kind: "blackhole", Conns: "existing"}, true, true, 0, 0},
		"delay":               {world.LinkFault{Kind: "delay", Delay: time.Second}, true, true, 1, 14},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBed(t, func(t *testing.T, b *bed) {
				s, err := b.server.ListenPacket(t.Context(), "udp", ":53")
				require.NoError(t, err)
				c, err := b.client.DialContext(t.Context(), "udp", "10.0.0.1:53")
				require.NoError(t, err)
				f := b.breaks(test.fault)
				io.WriteString(c, "question")
				s.SetReadDeadline(time.Now().Add(5 * time.Second))
				c.SetReadDeadline(time.Now().Add(10 * time.Second))
				buf := make([]byte, 99)
				_, from, err := s.ReadFrom(buf)
				require.Equal(t, test.asked, err == nil)
				if err == nil {
					s.WriteTo([]byte("answer"), from)
				}
				_, err = c.Read(buf)
				require.Equal(t, test.told, err == nil)
				require.Equal(t, world.Touched{Conns: test.touched, Bytes: int64(test.bytes)}, f.Touched())
			})
		})
	}
}

func TestDatagramsArriveByTheirOwnTime(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		s, err := b.server.ListenPacket(t.Context(), "udp", ":53")
		require.NoError(t, err)
		c, err := b.client.ListenPacket(t.Context(), "udp", ":0")
		require.NoError(t, err)
		f := b.breaks(world.LinkFault{Kind: "delay", Delay: time.Second})
		c.WriteTo([]byte("slow"), s.LocalAddr())
		f.Heal()
		c.WriteTo([]byte("fast"), s.LocalAddr())
		for _, want := range []string{"fast", "slow"} {
			buf := make([]byte, 9)
			n, _, err := s.ReadFrom(buf)
			require.NoError(t, err)
			require.Equal(t, want, string(buf[:n]))
		}
	})
}

func TestDatagramsNobodyReadsAreLost(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		s, err := b.server.ListenPacket(t.Context(), "udp", ":53")
		require.NoError(t, err)
		c, err := b.client.ListenPacket(t.Context(), "udp", ":0")
		require.NoError(t, err)
		for range 2000 {
			c.WriteTo([]byte("x"), s.LocalAddr())
		}
		s.SetReadDeadline(time.Now().Add(time.Second))
		got := 0
		for ; err == nil; got++ {
			_, _, err = s.ReadFrom(make([]byte, 1))
		}
		require.Equal(t, 1024, got-1)
	})
}

func TestRefusedDatagramsComeBack(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		_, err := b.server.ListenPacket(t.Context(), "udp", ":53")
		require.NoError(t, err)
		c, err := b.client.DialContext(t.Context(), "udp", "10.0.0.1:53")
		require.NoError(t, err)
		b.breaks(world.LinkFault{Kind: "refuse"})
		io.WriteString(c, "question")
		_, err = c.Read(make([]byte, 9))
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}
