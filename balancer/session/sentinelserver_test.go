package session_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"deadair/balancer/session"
)

// TestSentinelServers has real sentinels fail a real Redis over. The session that the dead
// master knew lives on: the claim after it gets the same one.
func TestSentinelServers(t *testing.T) {
	exe, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	master, replica := freePort(t), freePort(t)
	first := begun(t, exe, "--port", master, "--save", "", "--bind", "127.0.0.1")
	begun(t, exe, "--port", replica, "--save", "", "--bind", "127.0.0.1", "--replicaof", "127.0.0.1", master)
	until(t, master, "slave0:ip=127.0.0.1,port="+replica+",state=online")
	var sentinels []string
	for range 3 {
		port := freePort(t)
		conf := filepath.Join(t.TempDir(), "sentinel.conf")
		require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, "port %s\nbind 127.0.0.1\nsentinel monitor index 127.0.0.1 %s 2\n"+
			"sentinel down-after-milliseconds index 500\nsentinel failover-timeout index 3000\n", port, master), 0o600))
		begun(t, exe, conf, "--sentinel")
		sentinels = append(sentinels, net.JoinHostPort("127.0.0.1", port))
	}
	for _, at := range sentinels {
		_, port, _ := net.SplitHostPort(at)
		until(t, port, "slaves=1,sentinels=3")
	}
	const deadline = 2 * time.Second
	store, err := session.NewRedis(session.RedisConfig{Sentinels: sentinels, Master: "index", Deadline: deadline}, new(net.Dialer).DialContext)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	before, err := store.Claim(t.Context(), mine)
	require.NoError(t, err)
	client := clientAt(master)
	defer client.Close()
	require.NoError(t, client.Wait(t.Context(), 1, 10*time.Second).Err())

	require.NoError(t, first.Process.Kill())
	var after session.Session
	require.Eventually(t, func() bool {
		after, err = store.Claim(t.Context(), mine)
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	require.Equal(t, before.ID, after.ID)
	require.Equal(t, before.Epoch+1, after.Epoch)
}

// freePort is a port that nobody has.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// begun is a server that runs until the test ends.
func begun(t *testing.T, exe string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(exe, args...)
	cmd.Dir = t.TempDir()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func clientAt(port string) *goredis.Client {
	return goredis.NewClient(&goredis.Options{Addr: net.JoinHostPort("127.0.0.1", port), MaxRetries: -1, DialerRetries: 1, PoolSize: 1, DisableIdentity: true, Protocol: 2})
}

// until waits until a server's INFO holds a text.
func until(t *testing.T, port, text string) {
	t.Helper()
	client := clientAt(port)
	defer client.Close()
	require.Eventually(t, func() bool {
		info, err := client.Info(t.Context()).Result()
		return err == nil && strings.Contains(info, text)
	}, 30*time.Second, 20*time.Millisecond, text)
}
