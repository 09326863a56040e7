package session_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"deadair/fakes/redis"
)

// newServerBed is one with a redis-server, in real time. Its deadlines are long
// enough for a busy machine.
func newServerBed(t *testing.T) *bed {
	s := startServer(t, debugAllowed(t)...)
	b := &bed{
		wires:    &wires{},
		deadline: 1500 * time.Millisecond, stale: 600 * time.Millisecond, hold: 2 * time.Second, idle: 200 * time.Millisecond,
	}
	var pumps sync.WaitGroup
	b.serve = func(near net.Conn) { pumps.Go(func() { pump(near, s) }) }
	t.Cleanup(func() {
		for _, c := range b.existing() {
			c.Close()
		}
		require.NoError(t, s.process.Signal(syscall.SIGCONT))
		require.NoError(t, s.process.Kill())
		pumps.Wait()
	})
	b.ill = s.ill
	b.stops = map[string]func(*judge) func(){
		"stopped": func(t *judge) func() {
			require.NoError(t, s.process.Signal(syscall.SIGSTOP))
			s.silent(t)
			return func() { require.NoError(t, s.process.Signal(syscall.SIGCONT)) }
		},
		"clients paused": func(t *judge) func() {
			c := s.client(t)
			require.NoError(t, c.Do(t.Context(), "CLIENT", "PAUSE", b.still().Milliseconds()).Err())
			return func() { require.NoError(t, c.Ping(t.Context()).Err()) } // it waits, too
		},
		"busy": func(t *judge) func() {
			c := s.client(t)
			done := make(chan error)
			go func() { done <- c.Do(t.Context(), "DEBUG", "SLEEP", b.still().Seconds()).Err() }()
			s.silent(t)
			return func() { require.NoError(t, <-done) }
		},
	}
	b.open(t)
	return b
}

// still is how long the server stands still of itself: until the last claim has failed.
func (b *bed) still() time.Duration { return b.hold + b.deadline + 2*time.Second }

// debugAllowed is what lets the server take DEBUG: since version 7 it must be told.
func debugAllowed(t *testing.T) []string {
	version, err := exec.CommandContext(t.Context(), "redis-server", "--version").Output()
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	for _, old := range []string{"v=5.", "v=6."} {
		if strings.Contains(string(version), old) {
			return nil
		}
	}
	return []string{"--enable-debug-command", "yes"}
}

// pump joins the far end of a wire with the server.
func pump(near net.Conn, s *redisServer) {
	defer near.Close()
	far, err := s.dial(context.Background(), "", "")
	if err != nil {
		return
	}
	defer far.Close()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(far, near)
		far.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(near, far)
		near.Close()
	})
	both.Wait()
}

// silent waits until the server answers nobody.
func (s *redisServer) silent(t *judge) {
	require.Eventually(t, func() bool {
		conn, err := s.dial(t.Context(), "", "")
		if err != nil {
			return false
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "PING\r\n")
		return err == nil && conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)) == nil && isTimeout(conn.Read(make([]byte, 1)))
	}, 20*time.Second, 10*time.Millisecond)
}

func isTimeout(_ int, err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// client is a connection past the network.
func (s *redisServer) client(t *judge) *goredis.Client {
	c := goredis.NewClient(&goredis.Options{
		Dialer: s.dial, PoolSize: 1, MaxRetries: -1, DialerRetries: 1, ReadTimeout: time.Minute, DisableIdentity: true, Protocol: 2,
	})
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.Ping(t.Context()).Err())
	return c
}

// ill brings the server into the state in which it answers so.
func (s *redisServer) ill(t *judge, answer redis.Answer) (heal func()) {
	c := s.client(t)
	do := func(words ...any) { require.NoError(t, c.Do(t.Context(), words...).Err(), "%v", words) }
	set := func(key, value string) { do("CONFIG", "SET", key, value) }
	switch answer {
	case redis.ReadOnly:
		do("REPLICAOF", "127.0.0.1", "1")
		return func() { do("REPLICAOF", "NO", "ONE") }
	case redis.OOM:
		set("maxmemory", "1")
		return func() { set("maxmemory", "0") }
	case redis.NoAuth:
		set("requirepass", "nobody knows")
		do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		return func() { set("requirepass", "") }
	case redis.MaxClients:
		set("maxclients", "1")
		return func() { set("maxclients", "1000") }
	case redis.Misconf:
		// What stands where the dump belongs cannot be replaced by one.
		require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "dump.rdb", "full"), 0o755))
		set("save", "3600 1")
		do("BGSAVE")
		s.wait(t.T, "rdb_last_bgsave_status:err")
		return func() { set("save", "") }
	case redis.Loading:
		return s.loading(t, c)
	}
	require.Fail(t, "no such answer", answer)
	return nil
}

// loading has the server load what it has, so slowly that it takes a while.
func (s *redisServer) loading(t *judge, c *goredis.Client) (wait func()) {
	do := func(words ...any) { require.NoError(t, c.Do(t.Context(), words...).Err(), "%v", words) }
	do("EVAL", "for i = 1, 1500 do redis.call('SET', 'filling:' .. i, 'x') end return 1", "0")
	do("CONFIG", "SET", "loading-process-events-interval-bytes", "1024")
	do("CONFIG", "SET", "key-load-delay", "2000") // microseconds, at least
	done := make(chan error)
	go func() { done <- c.Do(t.Context(), "DEBUG", "RELOAD").Err() }()
	s.wait(t.T, "loading:1\r")
	return func() { require.NoError(t, <-done) }
}
