package redis_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/balancer/session"
	"deadair/fakes/redis"
	"deadair/harness/world"
	"deadair/harness/world/virtual"
)

const host = "us-east/redis"

// newWorld is a world with a Redis, not started, and somebody far away.
func newWorld(t *testing.T) *virtual.World {
	w, err := virtual.New(virtual.Config{
		Hosts: []world.Host{{Name: host, Place: "Virginia"}, {Name: "client", Place: "Ireland"}},
		Kinds: world.Kinds{"redis": redis.Serve},
		Seed:  1,
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, w.Close())
		time.Sleep(time.Minute) // for what is still on its way
	})
	return w
}

func start(t *testing.T, w *virtual.World, cfg redis.Config) {
	raw, err := json.Marshal(cfg)
	require.NoError(t, err)
	require.NoError(t, w.Start(t.Context(), world.Node{Name: host, Kind: "redis", Config: raw, Ports: []int{6379}}))
}

// connect is a client with one connection.
func connect(t *testing.T, w *virtual.World) *goredis.Client {
	client := goredis.NewClient(&goredis.Options{
		Addr: w.Addr(host).String() + ":6379", Dialer: w.Env("client").DialContext,
		PoolSize: 2, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true,
	})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// TestClock: keys expire and TIME goes by the world's clock.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start(t, w, redis.Config{})
		client := connect(t, w)
		require.NoError(t, client.Set(t.Context(), "key", "value", time.Minute).Err())
		time.Sleep(59 * time.Second)
		require.Equal(t, "value", client.Get(t.Context(), "key").Val())
		time.Sleep(2 * time.Second)
		require.ErrorIs(t, client.Get(t.Context(), "key").Err(), goredis.Nil)

		scripted, err := client.Eval(t.Context(), "return redis.call('TIME')[1]", nil).Int64()
		require.NoError(t, err)
		require.InDelta(t, time.Now().Unix(), scripted, 1)
		require.WithinDuration(t, time.Now(), client.Time(t.Context()).Val(), time.Second)
	})
}

// TestSessions: the store it is there for works with it, from the other side of the
// ocean, and over its death.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start(t, w, redis.Config{})
		store, err := session.NewRedis(session.RedisConfig{Addr: w.Addr(host).String() + ":6379"}, w.Env("client").DialContext)
		require.NoError(t, err)
		t.Cleanup(store.Close)
		claim := session.Claim{Mount: "/show", Account: "ann", NewID: "one", Window: 5 * time.Minute}
		for epoch := range int64(3) {
			got, err := store.Claim(t.Context(), claim)
			require.NoError(t, err)
			require.Equal(t, epoch+1, got.Epoch)
		}

		require.NoError(t, w.Signal(t.Context(), host, world.Kill))
		_, err = store.Claim(t.Context(), claim)
		require.ErrorIs(t, err, session.ErrUnavailable)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		start(t, w, redis.Config{})
		got, err := store.Claim(t.Context(), claim)
		require.NoError(t, err)
		require.EqualValues(t, 1, got.Epoch, "it comes back empty")
	})
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		answer            redis.Answer
		ping, set, get    string
		script, del, dial string
		refused           int
	}{
		{answer: redis.Healthy},
		{answer: redis.Loading, ping: "LOADING", set: "LOADING", get: "LOADING", script: "LOADING", del: "LOADING", refused: 6},
		{answer: redis.NoAuth, ping: "NOAUTH", set: "NOAUTH", get: "NOAUTH", script: "NOAUTH", del: "NOAUTH", refused: 6},
		{answer: redis.ReadOnly, set: "READONLY", script: "READONLY", del: "READONLY", refused: 3},
		{answer: redis.Misconf, ping: "MISCONF", set: "MISCONF", script: "MISCONF", del: "MISCONF", refused: 4},
		{answer: redis.OOM, set: "OOM", script: "OOM", refused: 2},
		{answer: redis.MaxClients, dial: "-ERR max number of clients reached\r\n", refused: 1},
	} {
		t.Run("answer "+string(c.answer), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				start(t, w, redis.Config{})
				client := connect(t, w)
				require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())
				require.NoError(t, client.Do(t.Context(), redis.AnswerCommand, string(c.answer)).Err())

				says := func(want string, err error) {
					t.Helper()
					if want == "" {
						require.NoError(t, err)
						return
					}
					require.ErrorContains(t, err, want)
				}
				says(c.ping, client.Ping(t.Context()).Err())
				says(c.set, client.Set(t.Context(), "key", "other", 0).Err())
				says(c.get, client.Get(t.Context(), "key").Err())
				says(c.get, client.Eval(t.Context(), "return redis.call('GET', 'key')", nil).Err())
				says(c.script, client.Eval(t.Context(), "return redis.call('HSET', 'hash', 'a', 'b')", nil).Err())
				says(c.del, client.Del(t.Context(), "key").Err())
				require.Equal(t, c.dial, greeting(t, w))
				require.Equal(t, c.refused, refused(t, client))

				require.NoError(t, client.Do(t.Context(), redis.AnswerCommand, "").Err())
				require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())
				require.NoError(t, connect(t, w).Ping(t.Context()).Err())
				require.Zero(t, refused(t, client), "a switch counts anew")
			})
		})
	}
}

// refused is how many commands and connections the server says it has refused.
func refused(t *testing.T, client *goredis.Client) int {
	n, err := client.Do(t.Context(), redis.RefusedCommand).Int()
	require.NoError(t, err)
	return n
}

// greeting is what a new connection hears, unasked, within a second.
func greeting(t *testing.T, w *virtual.World) string {
	conn, err := w.Env("client").DialContext(t.Context(), "tcp", w.Addr(host).String()+":6379")
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Second)))
	heard, _ := io.ReadAll(conn)
	return string(heard)
}

// TestConfiguredAnswer: it may be ill from the start, and be switched by its method.
func TestConfiguredAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start(t, w, redis.Config{Answer: redis.Loading})
		client := connect(t, w)
		require.ErrorContains(t, client.Ping(t.Context()).Err(), "LOADING")
		require.NoError(t, client.Do(t.Context(), "HELLO", "2").Err(), "connections can be made")
	})

	r, err := redis.New(redis.Config{}, env.Env{})
	require.NoError(t, err)
	require.NoError(t, r.SetAnswer(redis.OOM))
	require.ErrorContains(t, r.SetAnswer("asleep"), `unknown answer "asleep"`)
	_, err = redis.New(redis.Config{Answer: "asleep"}, env.Env{})
	require.Error(t, err)
	require.Error(t, redis.Serve(t.Context(), env.Env{Config: json.RawMessage(`{"answer": 1}`)}))
	require.Error(t, redis.Serve(t.Context(), env.Env{Config: json.RawMessage(`{"answer": "asleep"}`)}))
}

// TestSwitch: SetAnswer takes hold of connections that are there already.
func TestSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r, err := redis.New(redis.Config{}, w.Env(host))
		require.NoError(t, err)
		ctx, end := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Serve(ctx) }()
		synctest.Wait()

		client := connect(t, w)
		require.NoError(t, client.Ping(t.Context()).Err())
		require.NoError(t, r.SetAnswer(redis.Loading))
		require.ErrorContains(t, client.Ping(t.Context()).Err(), "LOADING")
		require.NoError(t, r.SetAnswer(redis.Healthy))
		require.NoError(t, client.Ping(t.Context()).Err())
		require.ErrorContains(t, client.Do(t.Context(), redis.AnswerCommand).Err(), "wrong number")
		require.ErrorContains(t, client.Do(t.Context(), redis.AnswerCommand, "asleep").Err(), "unknown answer")

		end()
		require.NoError(t, <-done)
		require.Error(t, client.Ping(t.Context()).Err(), "its connections have ended")
	})
}

// TestListenFails: what is wrong with the port is said, not waited out.
func TestListenFails(t *testing.T) {
	broken := errors.New("port taken")
	e := env.Env{Listen: func(context.Context, string, string) (net.Listener, error) { return nil, broken }}
	require.ErrorIs(t, redis.Serve(t.Context(), e), broken)
}
