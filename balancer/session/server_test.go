package session_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"deadair/balancer/session"
	"deadair/balancer/session/sessiontest"
)

// TestRedisServer holds the scripts to the real thing, not only to miniredis.
func TestRedisServer(t *testing.T) {
	server := startServer(t)
	sessiontest.Run(t, func(t *testing.T) session.Store {
		store, err := session.NewRedis(session.RedisConfig{Addr: "unix", Deadline: 10 * time.Second}, server.dial)
		require.NoError(t, err)
		t.Cleanup(store.Close)
		return store
	})
}

// TestRedisServerStopped: a server that stands still accepts connections and takes
// in what they send. When it goes on, the claims that were given up do nothing.
func TestRedisServerStopped(t *testing.T) {
	server := startServer(t)
	store, err := session.NewRedis(session.RedisConfig{Addr: "unix"}, server.dial)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	first, err := store.Claim(t.Context(), mine)
	require.NoError(t, err)

	require.NoError(t, server.process.Signal(syscall.SIGSTOP))
	for range 2 {
		_, err = store.Claim(t.Context(), mine)
		require.ErrorIs(t, err, session.ErrUnavailable)
	}
	require.NoError(t, server.process.Signal(syscall.SIGCONT))
	server.wait(t, "connected_clients:1\r")
	server.wait(t, "cmdstat_eval:calls=2,") // the first attempt of each claim that had a connection
	require.NoError(t, store.Renew(t.Context(), mine.Mount, first.Epoch, mine.Window))
}

type redisServer struct {
	dir     string
	socket  string
	process *os.Process
}

// startServer runs a redis-server on a Unix socket until the test ends.
func startServer(t *testing.T, args ...string) *redisServer {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	dir := t.TempDir()
	s := &redisServer{dir: dir, socket: filepath.Join(dir, "redis.sock")}
	cmd := exec.Command(path, append([]string{"--port", "0", "--unixsocket", s.socket, "--dir", dir, "--save", "", "--appendonly", "no"}, args...)...)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s.process = cmd.Process
	s.wait(t, "redis_version")
	return s
}

func (s *redisServer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", s.socket)
}

// wait waits until INFO holds a text.
func (s *redisServer) wait(t *testing.T, text string) {
	var info string
	require.Eventually(t, func() bool {
		conn, err := s.dial(t.Context(), "", "")
		if err != nil {
			return false
		}
		conn.Close()
		client := redis.NewClient(&redis.Options{Dialer: s.dial, MaxRetries: -1, DialerRetries: 1})
		defer client.Close()
		info = client.Info(t.Context(), "all").Val()
		return strings.Contains(info, text)
	}, 20*time.Second, 10*time.Millisecond, text)
}
