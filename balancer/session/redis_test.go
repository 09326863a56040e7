package session_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/stretchr/testify/require"

	"deadair/balancer/session"
	"deadair/balancer/session/sessiontest"
)

func TestMemory(t *testing.T) {
	for _, c := range sessiontest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.Check(t, sessiontest.NewMemory()) })
		})
	}
}

func TestRedis(t *testing.T) {
	for _, c := range sessiontest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.Check(t, newRedis(t, newWires(t))) })
		})
	}
}

func newRedis(t *testing.T, w *wires) *session.Redis {
	store, err := session.NewRedis(session.RedisConfig{Addr: "10.0.0.1:6379"}, w.dial)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	return store
}

var mine = session.Claim{Mount: "/show", Account: "ann", NewID: "first", Datacenter: "eu-west", Window: 5 * time.Minute}

// warm leaves n idle connections in the pool.
func warm(t *testing.T, w *wires, store session.Store, n int) {
	t.Helper()
	w.slow(time.Millisecond)
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = store.Probe(t.Context()) })
	}
	wg.Wait()
	w.server.SetPreHook(nil)
	require.NoError(t, errors.Join(errs...))
	require.Len(t, w.existing(), n)
}

// took is how long a claim took that must succeed.
func took(t *testing.T, store session.Store) time.Duration {
	t.Helper()
	return begin(t, store, mine)()
}

// begin begins a claim that must succeed. end waits for it and tells how long it took.
func begin(t *testing.T, store session.Store, c session.Claim) (end func() time.Duration) {
	t.Helper()
	var err error
	done, start := make(chan time.Duration, 1), time.Now()
	go func() {
		_, err = store.Claim(t.Context(), c)
		done <- time.Since(start)
	}()
	return func() time.Duration {
		t.Helper()
		d := <-done
		require.NoError(t, err)
		return d
	}
}

// TestLostAnswer: the claim was made, its answer lost, and it was made again. An
// epoch is skipped; the session is the one begun first and its owner is not locked out.
func TestLostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		store := newRedis(t, w)
		warm(t, w, store, 1)
		w.each(leave, swallow)
		got, err := store.Claim(t.Context(), mine)
		require.NoError(t, err)
		require.EqualValues(t, 2, got.Epoch)
		require.Equal(t, "first", got.ID)
		require.NoError(t, store.Settle(t.Context(), mine.Mount, got.Epoch, "recorder-1"))
	})
}

// TestStuckClaim: a claim got stuck on its way and was given up; another one was
// made and holds. When the network lets go of the first one, it must do nothing.
func TestStuckClaim(t *testing.T) {
	for _, stuckFor := range []time.Duration{0, time.Second, time.Hour} {
		t.Run(fmt.Sprint(stuckFor), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWires(t)
				store := newRedis(t, w)
				warm(t, w, store, 1)
				stuck := w.existing()[0]
				stuck.out.change(hold)
				got, err := store.Claim(t.Context(), mine)
				require.NoError(t, err)
				require.EqualValues(t, 1, got.Epoch)
				time.Sleep(stuckFor)
				commands := w.redis.CommandCount()
				stuck.out.change(deliver)
				synctest.Wait()
				require.Greater(t, w.redis.CommandCount(), commands, "the stuck claim has not arrived")
				require.NoError(t, store.Renew(t.Context(), mine.Mount, got.Epoch, mine.Window))
			})
		})
	}
}

// TestRedisClockJumps: Redis' clock is not ours, and need not be.
func TestRedisClockJumps(t *testing.T) {
	for _, by := range []time.Duration{-24 * time.Hour, -3 * time.Second, 3 * time.Second, 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWires(t)
				store := newRedis(t, w)
				warm(t, w, store, 2)
				w.redis.SetTime(time.Now().Add(by))
				require.Zero(t, took(t, store))
				got, err := store.Lookup(t.Context(), mine.Mount)
				require.NoError(t, err)
				require.WithinDuration(t, time.Now().Add(by).Add(mine.Window), got.Until, time.Millisecond)
				require.Len(t, w.conns, 2, "a wrong clock is no reason for a new connection")
			})
		})
	}
}

// TestBadAnswers: a Redis that says no, or nonsense, is as good as none, and costs
// nothing once it is well again.
func TestBadAnswers(t *testing.T) {
	for _, answer := range []string{
		"LOADING Redis is loading the dataset in memory",
		"READONLY You can't write against a read only replica.",
		"ERR Error running script: @user_script:1: -READONLY You can't write against a read only replica.",
		"OOM command not allowed when used memory > 'maxmemory'.",
		"MISCONF Errors writing to the AOF file: No space left on device",
		"NOAUTH Authentication required.",
		"MOVED 3999 127.0.0.1:6381",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"ERR max number of clients reached",
		"BUSY Redis is busy running a script.",
	} {
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWires(t)
				store := newRedis(t, w)
				warm(t, w, store, 4)
				w.redis.SetError(answer)
				for range 3 {
					_, err := store.Claim(t.Context(), mine)
					require.ErrorIs(t, err, session.ErrUnavailable)
					require.ErrorContains(t, err, answer)
					require.ErrorIs(t, store.Probe(t.Context()), session.ErrUnavailable)
				}
				require.Empty(t, w.existing(), "a connection to a server that says no is not kept")
				w.redis.SetError("")
				require.Zero(t, took(t, store))
			})
		})
	}
}

// TestGarbage: whatever comes instead of an answer is trouble of the index.
func TestGarbage(t *testing.T) {
	for name, bytes := range map[string]string{
		"not redis":         "HTTP/1.1 400 Bad Request\r\n\r\n",
		"nothing":           "",
		"half an answer":    "*3\r\n$2\r\nok\r\n",
		"no answer":         "*0\r\n",
		"nil":               "*-1\r\n",
		"a number":          ":1\r\n",
		"another's answer":  "*3\r\n$2\r\nok\r\n$10\r\ndeadair:{}\r\n:946684800000\r\n",
		"too many":          "*4\r\n$2\r\nok\r\n$15\r\ndeadair:{/show}\r\n:946684800000\r\n:1\r\n",
		"unknown status":    "*3\r\n$2\r\nno\r\n$15\r\ndeadair:{/show}\r\n:946684800000\r\n",
		"time is no number": "*3\r\n$2\r\nok\r\n$15\r\ndeadair:{/show}\r\n$1\r\nx\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWires(t)
				store := newRedis(t, w)
				warm(t, w, store, 1)
				w.server.SetPreHook(func(p *server.Peer, _ string, _ ...string) bool {
					p.WriteRaw(bytes)
					p.Close()
					return true
				})
				_, err := store.Claim(t.Context(), mine)
				require.ErrorIs(t, err, session.ErrUnavailable)
				w.server.SetPreHook(nil)
				require.Zero(t, took(t, store))
			})
		})
	}
}

func TestNewRedisRefuses(t *testing.T) {
	w := &wires{}
	for name, cfg := range map[string]session.RedisConfig{
		"no address":          {},
		"negative deadline":   {Addr: "x", Deadline: -1},
		"stale after the end": {Addr: "x", Deadline: time.Second, StaleAfter: time.Second},
		"negative stale":      {Addr: "x", StaleAfter: -1},
		"negative idle":       {Addr: "x", IdleTimeout: -1},
		"negative keep":       {Addr: "x", Keep: -1},
		"no connections":      {Addr: "x", Connections: -1},
	} {
		_, err := session.NewRedis(cfg, w.dial)
		require.Error(t, err, name)
	}
	_, err := session.NewRedis(session.RedisConfig{Addr: "x"}, nil)
	require.Error(t, err)
}

// TestPrefix: two ingests can share a Redis.
func TestPrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires(t)
		other, err := session.NewRedis(session.RedisConfig{Addr: "10.0.0.1:6379", Prefix: "other:"}, w.dial)
		require.NoError(t, err)
		t.Cleanup(other.Close)
		for _, store := range []session.Store{newRedis(t, w), other} {
			got, err := store.Claim(t.Context(), mine)
			require.NoError(t, err)
			require.EqualValues(t, 1, got.Epoch)
		}
		require.Equal(t, []string{"deadair:{/show}", "other:{/show}"}, w.redis.Keys())
	})
}

// TestKeep: a mount's epochs go on for a day after its session, and no longer.
func TestKeep(t *testing.T) {
	for _, end := range []struct {
		name string
		end  func(t *testing.T, s session.Store, epoch int64)
		keep time.Duration
	}{
		{"claimed", func(*testing.T, session.Store, int64) {}, mine.Window + 24*time.Hour},
		{"renewed", func(t *testing.T, s session.Store, epoch int64) {
			require.NoError(t, s.Renew(t.Context(), mine.Mount, epoch, time.Hour))
		}, 25 * time.Hour},
		{"released", func(t *testing.T, s session.Store, epoch int64) {
			require.NoError(t, s.Release(t.Context(), mine.Mount, epoch))
		}, 24 * time.Hour},
	} {
		t.Run(end.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWires(t)
				store := newRedis(t, w)
				for epoch := range int64(2) { // a second time, a second before the first one's is forgotten
					got, err := store.Claim(t.Context(), mine)
					require.NoError(t, err)
					require.Equal(t, epoch+1, got.Epoch)
					end.end(t, store, got.Epoch)
					time.Sleep(end.keep - time.Second)
				}
				time.Sleep(2 * time.Second)
				got, err := store.Claim(t.Context(), mine)
				require.NoError(t, err)
				require.EqualValues(t, 1, got.Epoch)
				require.NoError(t, store.Probe(t.Context()))
				time.Sleep(24*time.Hour + time.Second)
				require.NotContains(t, w.redis.Keys(), "deadair:{probe}")
			})
		})
	}
}
