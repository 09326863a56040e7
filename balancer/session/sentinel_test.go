package session_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/balancer/session"
	"deadair/fakes/redis"
)

// failover is two Redis and three sentinels that watch them, in virtual time.
type failover struct {
	store   *session.Redis
	servers map[string]*redis.Redis // by address

	mu    sync.Mutex
	serve map[string]func(net.Conn) // who answers at an address; nobody: refused
	says  map[string]decision       // by each sentinel's address
	made  int                       // decisions
}

// decision is whom sentinels have agreed upon.
type decision struct {
	master string
	epoch  int
}

const (
	redisA, redisB = "10.0.0.1:6379", "10.0.0.2:6379"
	budget         = 500 * time.Millisecond // of a claim: its deadline
)

func sentinelsOf() []string { return []string{"10.0.1.1:26379", "10.0.1.2:26379", "10.0.1.3:26379"} }

// newFailover is one whose master is A.
func newFailover(t *testing.T) *failover {
	f := &failover{servers: map[string]*redis.Redis{}, serve: map[string]func(net.Conn){}, says: map[string]decision{}}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	for _, at := range []string{redisA, redisB} {
		accepted := make(chan net.Conn)
		r, err := redis.New(redis.Config{}, env.Env{
			Listen: func(context.Context, string, string) (net.Listener, error) { return &queue{accepted, ctx}, nil },
			Rand:   func(string) *rand.Rand { return rand.New(rand.NewPCG(1, 1)) },
		})
		require.NoError(t, err)
		go r.Serve(ctx)
		f.servers[at], f.serve[at] = r, func(c net.Conn) { accepted <- c }
	}
	for _, at := range sentinelsOf() {
		f.serve[at] = func(c net.Conn) { f.sentinel(c, at) }
	}
	f.name(redisA, sentinelsOf()...)
	var err error
	f.store, err = session.NewRedis(session.RedisConfig{Sentinels: sentinelsOf(), Master: "index"}, f.dial)
	require.NoError(t, err)
	t.Cleanup(f.store.Close)
	return f
}

// name has sentinels decide for a master.
func (f *failover) name(master string, sentinels ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made++
	for _, at := range sentinels {
		f.says[at] = decision{master, f.made}
	}
}

// put has somebody else answer at an address; nil for nobody.
func (f *failover) put(at string, serve func(net.Conn)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serve[at] = serve
}

// demote has a server refuse writes, and the other one take them.
func (f *failover) demote(t *testing.T, old, master string) {
	require.NoError(t, f.servers[old].SetAnswer(redis.ReadOnly))
	require.NoError(t, f.servers[master].SetAnswer(redis.Healthy))
}

func (f *failover) dial(_ context.Context, _, addr string) (net.Conn, error) {
	f.mu.Lock()
	serve := f.serve[addr]
	f.mu.Unlock()
	if serve == nil {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	go serve(far)
	return near, nil
}

// sentinel answers as a sentinel does.
func (f *failover) sentinel(c net.Conn, at string) {
	defer c.Close()
	for in := bufio.NewReader(c); ; {
		words, err := command(in)
		switch {
		case err != nil:
			return
		case words[0] == "SENTINEL":
			f.answer(c, at, words[1])
		default:
			fmt.Fprintf(c, "-ERR unknown command '%s'\r\n", words[0])
		}
	}
}

// command reads one: *2, and a length and a word for each word.
func command(in *bufio.Reader) (words []string, err error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	for range n {
		if _, err := in.ReadString('\n'); err != nil {
			return nil, err
		}
		word, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		words = append(words, strings.TrimSpace(word))
	}
	return words, err
}

// answer names the master, or nobody, or tells what is known of it.
func (f *failover) answer(c net.Conn, at, what string) {
	f.mu.Lock()
	says := f.says[at]
	f.mu.Unlock()
	host, port, ok := strings.Cut(says.master, ":")
	words := []string{host, port}
	switch {
	case ok && what == "MASTER":
		words = []string{"name", "index", "flags", "master", "config-epoch", strconv.Itoa(says.epoch)}
	case what == "MASTER":
		io.WriteString(c, "-ERR No such master with that name\r\n")
		return
	case !ok:
		io.WriteString(c, "*-1\r\n")
		return
	}
	fmt.Fprintf(c, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(c, "$%d\r\n%s\r\n", len(w), w)
	}
}

// silent reads all and says nothing, as a process that stands still.
func silent(c net.Conn) { io.Copy(io.Discard, c) }

// claim claims the mount and tells what came of it; never later than its budget.
func (f *failover) claim(t *testing.T) error {
	began := time.Now()
	_, err := f.store.Claim(t.Context(), mine)
	require.LessOrEqual(t, time.Since(began), budget)
	return err
}

// epochOn is the epoch of the mount on one of the servers, 0 if that knows none.
func (f *failover) epochOn(t *testing.T, at string) int {
	t.Helper()
	direct, err := session.NewRedis(session.RedisConfig{Addr: at}, f.dial)
	require.NoError(t, err)
	defer direct.Close()
	s, err := direct.Lookup(t.Context(), mine.Mount)
	if !errors.Is(err, session.ErrNotFound) {
		require.NoError(t, err)
	}
	return int(s.Epoch)
}

// TestMasterDemoted: the old master lives and is read-only; its connections are
// alive too. The very first claim finds the new one, and so at the second failover, back again.
func TestMasterDemoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailover(t)
		require.NoError(t, f.claim(t))
		for _, turn := range [][2]string{{redisA, redisB}, {redisB, redisA}} {
			f.demote(t, turn[0], turn[1])
			require.ErrorIs(t, f.claim(t), session.ErrUnavailable, "until the sentinels have agreed")
			f.name(turn[1], sentinelsOf()...)
			require.NoError(t, f.claim(t))
			require.NoError(t, f.claim(t))
		}
	})
}

// TestMasterGone: the master is dead, or stands still. Claims fail within their budget until
// the sentinels name another one.
func TestMasterGone(t *testing.T) {
	for name, gone := range map[string]func(net.Conn){"dead": nil, "frozen": silent} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFailover(t)
				f.put(redisA, gone)
				require.ErrorIs(t, f.claim(t), session.ErrUnavailable)
				require.ErrorIs(t, f.claim(t), session.ErrUnavailable)
				f.name(redisB, sentinelsOf()...)
				require.NoError(t, f.claim(t))
			})
		})
	}
}

// TestSentinelSplit: a sentinel that was cut off from the others names the master of
// then, or nothing, or keeps silent: the others are believed.
func TestSentinelSplit(t *testing.T) {
	one, others := sentinelsOf()[0], sentinelsOf()[1:]
	for name, cut := range map[string]func(*failover){
		"it names the old one": func(f *failover) { f.name(redisA, one) },
		"it knows nobody":      func(f *failover) { f.name("", one) },
		"it is dead":           func(f *failover) { f.put(one, nil) },
		"it stands still":      func(f *failover) { f.put(one, silent) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFailover(t)
				require.NoError(t, f.claim(t))
				cut(f)
				f.demote(t, redisA, redisB)
				f.name(redisB, others...)
				require.NoError(t, f.claim(t))
			})
		})
	}
}

// TestSentinelsOfWhomOneIsGone: of the two that are left one was cut off when the master
// changed. The later decision counts, whoever answers first.
func TestSentinelsOfWhomOneIsGone(t *testing.T) {
	all := sentinelsOf()
	for name, gone := range map[string]func(net.Conn){"dead": nil, "frozen": silent} {
		for i, stale := range all {
			t.Run(name+" "+stale, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFailover(t)
					f.name(redisB, all[(i+1)%3])
					f.put(all[(i+2)%3], gone)
					require.Zero(t, f.epochOn(t, redisA))
					require.NoError(t, f.claim(t))
					require.Equal(t, 1, f.epochOn(t, redisB), "the latest decision was for B")
					require.Zero(t, f.epochOn(t, redisA))
				})
			})
		}
	}
}

// TestCutOffWithTheOldMaster: this balancer, the old master and one sentinel are cut off from
// the rest. That master takes writes, which will be lost: what it says is not used.
func TestCutOffWithTheOldMaster(t *testing.T) {
	for name, gone := range map[string]func(net.Conn){"refused": nil, "unanswered": silent} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFailover(t)
				for _, at := range sentinelsOf()[1:] {
					f.put(at, gone)
				}
				require.ErrorIs(t, f.claim(t), session.ErrUnavailable)
				require.ErrorIs(t, f.store.Probe(t.Context()), session.ErrUnavailable, "and it is not called healthy")
				require.Zero(t, f.epochOn(t, redisA))
			})
		})
	}
}

// TestMasterCutOffFromItsSentinels: another one was made master, and this one does not know:
// its connections live, and it takes writes. The next probe finds out.
func TestMasterCutOffFromItsSentinels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailover(t)
		require.NoError(t, f.claim(t))
		f.name(redisB, sentinelsOf()...)
		require.NoError(t, f.store.Probe(t.Context()))
		require.NoError(t, f.claim(t))
		require.Equal(t, 1, f.epochOn(t, redisA))
		require.Equal(t, 1, f.epochOn(t, redisB))
	})
}

// TestProbeWithoutSentinels: while the master that is known answers, no sentinel is needed, and none is waited for long.
func TestProbeWithoutSentinels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailover(t)
		require.NoError(t, f.claim(t))
		for _, at := range sentinelsOf() {
			f.put(at, silent)
		}
		began := time.Now()
		require.NoError(t, f.store.Probe(t.Context()))
		require.LessOrEqual(t, time.Since(began), budget/2)
		require.NoError(t, f.claim(t))
		require.Equal(t, 2, f.epochOn(t, redisA))
	})
}

// TestSentinelsGone: a master that is known is used without them, and one that must be
// found is not found in time.
func TestSentinelsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFailover(t)
		require.NoError(t, f.claim(t))
		for _, at := range sentinelsOf() {
			f.put(at, silent)
		}
		require.NoError(t, f.claim(t))
		f.demote(t, redisA, redisB)
		require.ErrorIs(t, f.claim(t), session.ErrUnavailable)
		for _, at := range sentinelsOf() {
			f.put(at, func(c net.Conn) { f.sentinel(c, at) })
		}
		f.name("", sentinelsOf()...)
		require.ErrorContains(t, f.claim(t), `it knows no master "index"`)
		f.name(redisB, sentinelsOf()...)
		require.NoError(t, f.claim(t))
	})
}

func TestSentinelConfig(t *testing.T) {
	dial := new(net.Dialer).DialContext
	for want, cfg := range map[string]session.RedisConfig{
		"set the address of Redis, as ip:port":             {},
		"name the master that the sentinels watch":         {Sentinels: sentinelsOf()},
		"set the address of Redis, or sentinels that tell": {Addr: redisA, Sentinels: sentinelsOf(), Master: "index"},
	} {
		_, err := session.NewRedis(cfg, dial)
		require.ErrorContains(t, err, want)
	}
}
