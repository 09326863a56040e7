package vnet_test

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
)

func TestKillEndsAllSockets(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		waiting, err := b.client.DialContext(t.Context(), "tcp", "10.0.0.1:80") // not accepted
		require.NoError(t, err)
		udp, err := b.server.ListenPacket(t.Context(), "udp", ":53")
		require.NoError(t, err)
		started := time.Now()
		b.server.Kill()
		b.server.Kill()

		_, err = b.listener.Accept()
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = l.server.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		_, _, err = udp.ReadFrom(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		require.Equal(t, "|reset", hears(t, l.client, time.Second))
		require.InDelta(t, 20*ms, time.Since(started), float64(ms), "the reset travels")
		require.Equal(t, "|reset", hears(t, waiting, time.Second))

		for _, open := range []func() error{
			func() error { _, err := b.server.Listen(t.Context(), "tcp", ":81"); return err },
			func() error { _, err := b.server.ListenPacket(t.Context(), "udp", ":54"); return err },
			func() error { _, err := b.server.DialContext(t.Context(), "tcp", "10.0.0.2:80"); return err },
			func() error { _, err := b.server.DialContext(t.Context(), "udp", "10.0.0.2:80"); return err },
		} {
			require.ErrorIs(t, open(), net.ErrClosed)
		}
		_, err = b.client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

func TestKillSparesTheHost(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		other := b.net.Process("server")
		_, err := other.Listen(t.Context(), "tcp", ":81")
		require.NoError(t, err)
		udp, err := other.ListenPacket(t.Context(), "udp", ":53")
		require.NoError(t, err)
		b.net.Process("client").Kill()
		require.Equal(t, "fine", l.says("fine"))
		b.server.Kill()
		_, err = b.client.DialContext(t.Context(), "tcp", "10.0.0.1:81")
		require.NoError(t, err)
		_, err = other.Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err, "the port is free again")
		_, err = udp.WriteTo([]byte("x"), udp.LocalAddr())
		require.NoError(t, err)
	})
}

func TestKillWakesWhoDials(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.breaks(world.LinkFault{Kind: "blackhole"})
		time.AfterFunc(10*ms, b.client.Kill)
		start := time.Now()
		_, err := b.client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
		require.ErrorIs(t, err, net.ErrClosed)
		require.Equal(t, 10*ms, time.Since(start))
	})
}

func TestPauseHoldsAll(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		io.WriteString(l.client, "before ")
		time.Sleep(100 * ms)
		b.server.Pause()
		b.server.Pause()
		require.Empty(t, l.says("meanwhile"), "nothing gets to it")
		require.Empty(t, l.answers("answer"), "nothing leaves it")
		b.server.Resume()
		b.server.Resume()
		require.Equal(t, "before meanwhile", hears(t, l.server, ms))
		require.Equal(t, "answer", hears(t, l.client, 30*ms))
	})
}

func TestResumeWakesWhoReads(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		b.server.Pause()
		got := make(chan time.Time, 1)
		go func() { l.server.Read(make([]byte, 9)); got <- time.Now() }()
		io.WriteString(l.client, "meanwhile")
		time.Sleep(time.Minute)
		b.server.Resume()
		require.Equal(t, time.Now().Add(time.Nanosecond), <-got)
	})
}

// What a pause has held comes at an instant of its own each, or who wakes first would
// be left to chance.
func TestResumeKeepsAnOrder(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		const conns = 20
		seen := make(chan time.Time, 2*conns)
		reads := func(c net.Conn) {
			c.Read(make([]byte, 1))
			seen <- time.Now()
		}
		var old []link
		for range conns {
			l := b.dial()
			go reads(l.server)
			old = append(old, l)
		}
		b.server.Pause()
		for i := range conns {
			c, err := b.client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
			require.NoError(t, err)
			io.WriteString(c, "x")
			io.WriteString(old[i].client, "x")
		}
		go func() {
			for c, err := b.listener.Accept(); err == nil; c, err = b.listener.Accept() {
				go reads(c)
			}
		}()
		time.Sleep(time.Minute)
		last := time.Now()
		b.server.Resume()
		time.Sleep(time.Microsecond)
		require.Len(t, seen, 2*conns)
		for range 2 * conns {
			at := <-seen
			require.True(t, at.After(last), "two at %v", at)
			last = at
		}
	})
}

func TestPauseAcceptsUpToTheBacklog(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.server.Pause()
		accepted := make(chan time.Time, 200)
		go func() {
			for {
				if _, err := b.listener.Accept(); err != nil {
					return
				}
				accepted <- time.Now()
			}
		}()
		for range 128 {
			_, err := b.client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
			require.NoError(t, err, "its kernel connects")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err := b.client.DialContext(ctx, "tcp", "10.0.0.1:80")
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, "the backlog is full")
		require.Empty(t, accepted)
		time.AfterFunc(10*time.Second, b.server.Resume)
		start := time.Now()
		_, err = b.client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
		require.NoError(t, err)
		require.InDelta(t, 15*time.Second, time.Since(start), float64(100*ms))
		time.Sleep(time.Second)
		require.Len(t, accepted, 129)
	})
}

func TestPausedProcessDoesNotDial(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		b.client.Pause()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := b.client.DialContext(ctx, "tcp", "10.0.0.1:80")
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		time.AfterFunc(time.Minute, b.client.Resume)
		start := time.Now()
		_, err = b.client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
		require.NoError(t, err)
		require.InDelta(t, time.Minute, time.Since(start), float64(50*ms))
	})
}

func TestKillOfAPausedProcessLosesWhatItHeld(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		b.server.Pause()
		require.Empty(t, l.answers("held"))
		b.server.Kill()
		require.Equal(t, "|reset", hears(t, l.client, time.Second))
	})
}

func TestPauseHoldsDatagrams(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		s, err := b.server.ListenPacket(t.Context(), "udp", ":53")
		require.NoError(t, err)
		c, err := b.client.DialContext(t.Context(), "udp", "10.0.0.1:53")
		require.NoError(t, err)
		b.server.Pause()
		io.WriteString(c, "question")
		s.SetReadDeadline(time.Now().Add(time.Second))
		_, _, err = s.ReadFrom(make([]byte, 99))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		s.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Second, b.server.Resume)
		n, _, err := s.ReadFrom(make([]byte, 99))
		require.NoError(t, err)
		require.Equal(t, 8, n)
	})
}

func TestAwaitPorts(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		time.AfterFunc(time.Second, func() { b.server.Listen(t.Context(), "tcp", ":81") })
		time.AfterFunc(2*time.Second, func() { b.server.ListenPacket(t.Context(), "udp", ":53") })
		start := time.Now()
		require.NoError(t, b.server.AwaitPorts(t.Context(), []int{80, 81, 53}))
		require.Equal(t, 2*time.Second, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, b.server.AwaitPorts(ctx, []int{82}), context.DeadlineExceeded)
		require.ErrorIs(t, b.net.Process("server").AwaitPorts(ctx, []int{80}), context.DeadlineExceeded, "a port of another process")
		time.AfterFunc(time.Second, b.server.Kill)
		require.ErrorIs(t, b.server.AwaitPorts(t.Context(), []int{82}), net.ErrClosed)
	})
}

func TestWatchIsTold(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		told := func(class string, ended bool) world.Conn {
			return world.Conn{From: "client", To: "server", Port: 80, Class: class, Ended: ended}
		}
		expect := func(want ...world.Conn) {
			t.Helper()
			time.Sleep(time.Second)
			require.Equal(t, want, b.watched)
			b.watched = nil
		}
		l := b.dial()
		expect(told("ok", false))
		l.client.Close()
		expect()
		l.server.Close()
		expect(told("eof", true))

		l = b.dial()
		b.breaks(world.LinkFault{Kind: "cut"})
		l.client.Close()
		l.server.Close()
		expect(told("ok", false), told("reset", true))

		l = b.dial()
		io.WriteString(l.client, "unread")
		time.Sleep(time.Second)
		l.server.Close()
		expect(told("ok", false), told("reset", true))

		stall := b.breaks(world.LinkFault{Kind: "stall"})
		b.dial()
		expect(told("held", false))
		stall.Heal()

		hole := b.breaks(world.LinkFault{Kind: "blackhole"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		b.client.DialContext(ctx, "tcp", "10.0.0.1:80")
		cancel()
		hole.Heal()
		expect(told("timeout", false))

		b.listener.Close()
		b.client.DialContext(t.Context(), "tcp", "10.0.0.1:80")
		expect(told("refused", false))
	})
}

func TestUnknownAddressesDoNotAnswer(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		_, err := b.client.DialContext(t.Context(), "tcp", "10.9.9.9:80")
		require.ErrorIs(t, err, syscall.ETIMEDOUT)
		c, err := b.client.DialContext(t.Context(), "udp", "10.9.9.9:80")
		require.NoError(t, err)
		_, err = io.WriteString(c, "anybody?")
		require.NoError(t, err)
	})
}

func TestHostsAreUnique(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		addr := b.listener.Addr().(*net.TCPAddr).AddrPort().Addr()
		require.ErrorContains(t, b.net.AddHost("third", addr), "taken")
		require.Panics(t, func() { b.net.Process("nobody") })
	})
}

func TestFlowsDifferInLatency(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		seen := map[time.Duration]bool{}
		for range 200 {
			start := time.Now()
			l := b.dial()
			io.WriteString(l.client, "x")
			l.server.Read(make([]byte, 1))
			seen[time.Since(start)] = true
		}
		require.Len(t, seen, 200, "each has its own")
	})
}
