package session_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/balancer/session"
	"deadair/fakes/redis"
)

// bed is an index, the network before its Redis, and what can be done to the Redis.
type bed struct {
	*wires
	store    *session.Redis
	deadline time.Duration
	stale    time.Duration
	hold     time.Duration // how long a fault is kept
	idle     time.Duration // a time without traffic

	ill   func(t *judge, answer redis.Answer) (heal func()) // has Redis refuse
	stops map[string]func(t *judge) (goOn func())           // ways to have Redis stand still
}

// judge is a test that proves nothing on a machine that is too busy: then it is
// skipped where it would fail.
type judge struct {
	*testing.T
	late  func() time.Duration // how late this machine was so far
	limit time.Duration        // of late; 0 is none
}

// Errorf implements require.TestingT.
func (j *judge) Errorf(format string, args ...any) {
	j.Helper()
	if late := j.late(); j.limit > 0 && late > j.limit {
		j.Skipf("this machine is too busy, timers fire %v late: "+format, append([]any{late}, args...)...)
	}
	j.T.Errorf(format, args...)
}

// newFakeBed is one with the fake, in virtual time.
func newFakeBed(t *testing.T) *bed {
	accepted := make(chan net.Conn)
	ctx, cancel := context.WithCancel(context.Background())
	r, err := redis.New(redis.Config{}, env.Env{
		Listen: func(context.Context, string, string) (net.Listener, error) { return &queue{accepted, ctx}, nil },
		Rand:   func(string) *rand.Rand { return rand.New(rand.NewPCG(1, 1)) },
	})
	require.NoError(t, err)
	done := make(chan error)
	go func() { done <- r.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	b := &bed{
		wires:    &wires{serve: func(c net.Conn) { accepted <- c }},
		deadline: 500 * time.Millisecond, stale: 200 * time.Millisecond, hold: time.Minute, idle: time.Minute,
		ill: func(t *judge, answer redis.Answer) func() {
			require.NoError(t, r.SetAnswer(answer))
			return func() { require.NoError(t, r.SetAnswer(redis.Healthy)) }
		},
	}
	// Nothing of a server that stands still is its own doing: the kernel accepts, and keeps what comes.
	b.stops = map[string]func(*judge) func(){"stopped": func(*judge) func() {
		b.all(hold, hold)
		return b.heal
	}}
	b.open(t)
	return b
}

// queue is a listener whose connections come from a channel.
type queue struct {
	accepted <-chan net.Conn
	ctx      context.Context
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.accepted:
		return c, nil
	case <-q.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error   { return nil }
func (q *queue) Addr() net.Addr { return &net.TCPAddr{} }

// open makes the index.
func (b *bed) open(t *testing.T) {
	store, err := session.NewRedis(session.RedisConfig{Addr: "10.0.0.1:6379", Deadline: b.deadline, StaleAfter: b.stale}, b.dial)
	require.NoError(t, err)
	b.store = store
	t.Cleanup(store.Close)
}

// claimOf is a claim of one of several callers.
func claimOf(caller int) session.Claim {
	c := mine
	c.Mount, c.NewID = fmt.Sprint("/caller-", caller), fmt.Sprint("first of ", caller)
	return c
}

// warm has n connections idle in the pool. It must be told apart from a fault:
// all of its calls succeed.
func (b *bed) warm(t *judge, n int) {
	t.Helper()
	b.setDials(nil, false)
	b.all(lag(20*time.Millisecond, 0), lag(20*time.Millisecond, 0)) // so that they are under way together
	for i, err := range b.atOnce(t, n) {
		require.NoError(t, err, "caller %d", i)
	}
	b.heal()
	require.NotEmpty(t, b.existing())
}

// atOnce makes n claims at once, each for a mount of its own.
func (b *bed) atOnce(t *judge, n int) []error {
	t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { _, errs[i] = b.store.Claim(t.Context(), claimOf(i)) })
	}
	all.Wait()
	return errs
}

// tally is what came of claims.
type tally struct {
	ok, failed int
	worst      time.Duration
	odd        error // of a kind that trouble of the index does not excuse
}

const callers = 4

// claims has some callers claim again and again for a time, and tells what came of it.
func (b *bed) claims(t *judge, d time.Duration) tally {
	t.Helper()
	var mu sync.Mutex
	var sum tally
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for i := range callers {
		all.Go(func() {
			for time.Now().Before(end) {
				began := time.Now()
				_, err := b.store.Claim(t.Context(), claimOf(i))
				took := time.Since(began)
				mu.Lock()
				sum.worst = max(sum.worst, took)
				switch {
				case err == nil:
					sum.ok++
				case errors.Is(err, session.ErrUnavailable):
					sum.failed++
				default:
					sum.odd = errors.Join(sum.odd, err)
				}
				mu.Unlock()
				pause := time.NewTimer(200 * time.Millisecond)
				<-pause.C
			}
		})
	}
	all.Wait()
	require.NoError(t, sum.odd, "nobody is locked out by trouble of the index")
	require.LessOrEqual(t, sum.worst, b.deadline+t.allowance(), "a claim took longer than its budget")
	require.Positive(t, sum.ok+sum.failed)
	return sum
}

// allowance is what a machine that is late itself may add to a call.
func (j *judge) allowance() time.Duration { return 3 * j.late() }

// recovers makes sure that the index works again: the very first claim succeeds
// within its budget, the next ones use connections that work, and what was given
// up before does nothing.
func (b *bed) recovers(t *judge) {
	t.Helper()
	began := time.Now()
	got, err := b.store.Claim(t.Context(), claimOf(0))
	require.NoError(t, err)
	require.LessOrEqual(t, time.Since(began), b.deadline+t.allowance())
	require.Equal(t, "first of 0", got.ID, "one session, whatever became of the claims")
	for i, err := range b.atOnce(t, 8) {
		require.NoError(t, err, "caller %d", i)
	}
	for range 4 {
		began = time.Now()
		got, err = b.store.Claim(t.Context(), claimOf(0))
		require.NoError(t, err)
		require.Less(t, time.Since(began), b.stale+t.allowance(), "a connection that does not work was kept")
	}
	require.NoError(t, b.store.Renew(t.Context(), got.Mount, got.Epoch, mine.Window), "an old claim outranks the new one")
	require.LessOrEqual(t, len(b.existing()), 64)
	require.NoError(t, b.store.Probe(t.Context()))
}

// ping asks over a connection that was there before, as a health check that only reads.
func (b *bed) ping(t *judge) func() (answer string) {
	t.Helper()
	conn, err := b.dial(t.Context(), "tcp", "")
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	answers := bufio.NewReader(conn)
	ask := func() string {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(b.deadline)))
		if _, err := io.WriteString(conn, "*1\r\n$4\r\nPING\r\n"); err != nil {
			return err.Error()
		}
		line, err := answers.ReadString('\n')
		if err != nil {
			return err.Error()
		}
		return line
	}
	require.Equal(t, "+PONG\r\n", ask())
	return ask
}

// canary measures how late timers fire until the test ends.
func canary(t *testing.T) func() time.Duration {
	const every = 10 * time.Millisecond
	var worst atomic.Int64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTimer(every)
		for due := time.Now().Add(every); ; due = time.Now().Add(every) {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			worst.Store(max(worst.Load(), int64(time.Since(due))))
			tick.Reset(every)
		}
	}()
	t.Cleanup(func() { close(done); <-ended })
	return func() time.Duration { return time.Duration(worst.Load()) }
}
