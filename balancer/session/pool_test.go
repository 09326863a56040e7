package session_test

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/session"
)

// TestStalePool: the connections have died without a word; new ones work. The very
// first call gets through, and later ones pay nothing.
func TestStalePool(t *testing.T) {
	for name, c := range map[string]struct {
		forth, back func(*half)
		first       time.Duration
	}{
		"black hole":        {swallow, swallow, 200 * time.Millisecond},
		"requests get lost": {swallow, leave, 200 * time.Millisecond},
		"answers get lost":  {leave, swallow, 200 * time.Millisecond},
		"stalled":           {hold, hold, 200 * time.Millisecond},
		"reset":             {reset, reset, 0},
		"closed":            {leave, finish, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWires(t)
				store := newRedis(t, w)
				warm(t, w, store, 8)
				w.each(c.forth, c.back)
				require.Equal(t, c.first, took(t, store))
				require.Len(t, w.existing(), 1, "none of the old connections is kept")
				require.Zero(t, took(t, store))
			})
		})
	}
}

// TestStalePoolAtOnce: many callers find out at the same time, and none of them
// throws the others' new connections away.
func TestStalePoolAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		store := newRedis(t, w)
		warm(t, w, store, 8)
		w.each(swallow, swallow)
		var ends []func() time.Duration
		for range 8 {
			ends = append(ends, begin(t, store, mine))
			time.Sleep(10 * time.Millisecond)
		}
		for _, end := range ends {
			require.Equal(t, 200*time.Millisecond, end())
		}
		require.Len(t, w.existing(), 8)
		require.Zero(t, took(t, store))
		require.Len(t, w.conns, 16)
	})
}

// TestInUseWhileStale: a connection that was in use when others of its age were
// found dead is not kept, though its own call went well.
func TestInUseWhileStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		store := newRedis(t, w)
		warm(t, w, store, 2)
		before := [2]int{w.conns[0].out.writes, w.conns[1].out.writes}
		w.slow(100 * time.Millisecond)
		end := begin(t, store, mine)
		synctest.Wait()
		w.server.SetPreHook(nil)
		inUse, idle := w.conns[0], w.conns[1]
		if before[0] == inUse.out.writes {
			inUse, idle = idle, inUse
		}
		idle.in.change(reset)
		require.Zero(t, took(t, store))
		require.Equal(t, 100*time.Millisecond, end())
		require.True(t, inUse.out.isClosed())
		require.Len(t, w.existing(), 1)
	})
}

// TestLateDial: a dialer that comes back after the deadline has its connection closed.
func TestLateDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		store, err := session.NewRedis(session.RedisConfig{Addr: "10.0.0.1:6379"}, func(_ context.Context, network, addr string) (net.Conn, error) {
			time.Sleep(time.Second)
			return w.dial(context.Background(), network, addr)
		})
		require.NoError(t, err)
		require.ErrorIs(t, store.Probe(t.Context()), session.ErrUnavailable)
		require.Empty(t, w.existing())
		require.Len(t, w.conns, 1)
	})
}

// TestFarAway: across an ocean a stale pool is found out, and a new connection
// made, within the deadline.
func TestFarAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		w.delay = 40 * time.Millisecond
		store := newRedis(t, w)
		require.Equal(t, 320*time.Millisecond, took(t, store)) // dial, hello, time, claim
		require.Equal(t, 80*time.Millisecond, took(t, store))
		w.each(swallow, swallow)
		require.Equal(t, 440*time.Millisecond, took(t, store)) // stale, dial, hello, claim
	})
}

// TestDeadline: no call takes longer, whatever the network does.
func TestDeadline(t *testing.T) {
	for name, breakIt := range map[string]func(w *wires){
		"no answer to dials": func(w *wires) { w.setDials(nil, true); w.each(swallow, swallow) },
		"slow to dial":       func(w *wires) { w.delay = 300 * time.Millisecond; w.each(swallow, swallow) },
		"slow server":        func(w *wires) { w.slow(time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWires(t)
				store := newRedis(t, w)
				warm(t, w, store, 3)
				breakIt(w)
				for range 3 {
					start := time.Now()
					_, err := store.Claim(t.Context(), mine)
					require.ErrorIs(t, err, session.ErrUnavailable)
					require.LessOrEqual(t, time.Since(start), 600*time.Millisecond)
					require.GreaterOrEqual(t, time.Since(start), 500*time.Millisecond)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				start := time.Now()
				require.ErrorIs(t, store.Probe(ctx), session.ErrUnavailable)
				require.LessOrEqual(t, time.Since(start), 600*time.Millisecond)
				time.Sleep(10 * time.Second) // the slow server's
			})
		})
	}
}

// TestRefused: it is known at once, and over at once.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		store := newRedis(t, w)
		warm(t, w, store, 3)
		w.each(reset, reset)
		w.setDials(syscall.ECONNREFUSED, false)
		start := time.Now()
		for range 100 {
			_, err := store.Claim(t.Context(), mine)
			require.ErrorIs(t, err, session.ErrUnavailable)
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		}
		require.Zero(t, time.Since(start))
		w.setDials(nil, false)
		require.Zero(t, took(t, store))
	})
}

// TestConnections: no more than configured, and callers wait their turn.
func TestConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		w.delay = 20 * time.Millisecond
		store, err := session.NewRedis(session.RedisConfig{Addr: "10.0.0.1:6379", Connections: 3}, w.dial)
		require.NoError(t, err)
		defer store.Close()
		require.NoError(t, store.Probe(t.Context()))
		var ends []func() time.Duration
		for i := range 12 {
			c := mine
			c.Mount = fmt.Sprint("/", i)
			ends = append(ends, begin(t, store, c))
		}
		for _, end := range ends {
			require.LessOrEqual(t, end(), 6*40*time.Millisecond)
		}
		require.Equal(t, 3, w.redis.TotalConnectionCount()-1) // the one that started it
	})
}

// TestIdleTimeout: connections that were unused for long are closed, not used.
func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		store := newRedis(t, w)
		warm(t, w, store, 4)
		for range 8 { // one is used again and again, three are not
			time.Sleep(time.Minute)
			require.Zero(t, took(t, store))
		}
		require.Len(t, w.existing(), 1)
		require.Len(t, w.conns, 4)
		time.Sleep(5*time.Minute + 1)
		require.Zero(t, took(t, store))
		require.Len(t, w.existing(), 1)
		require.Len(t, w.conns, 5)
	})
}

// TestCallerLeaves: one caller that gives up costs the others nothing.
func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		store := newRedis(t, w)
		warm(t, w, store, 3)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := store.Claim(ctx, mine)
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, w.existing(), 3)
	})
}

// TestTheBudgetEndsWithACall: who has no time left does not dial. The connection's own
// deadline may be seen before the context's end, or after it.
func TestTheBudgetEndsWithACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		store := newRedis(t, w)
		for range 100 {
			warm(t, w, store, 1)
			before := w.dialled()
			w.each(swallow, swallow)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			_, err := store.Claim(ctx, mine)
			cancel()
			require.ErrorIs(t, err, session.ErrUnavailable)
			require.Equal(t, before, w.dialled())
			w.heal()
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		store := newRedis(t, w)
		warm(t, w, store, 3)
		w.slow(100 * time.Millisecond)
		end := begin(t, store, mine)
		synctest.Wait()
		store.Close()
		require.Len(t, w.existing(), 1, "the one in use")
		end()
		require.Empty(t, w.existing())
		require.ErrorIs(t, store.Probe(t.Context()), session.ErrUnavailable)
		store.Close()
	})
}
