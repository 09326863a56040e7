package fault

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
	"deadair/harness/stack/console"
	"deadair/harness/world"
)

// server is a site with a redis-server behind a Unix socket.
type server struct {
	Site
	t      *testing.T
	socket string
}

func newServer(t *testing.T) *server {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	dir := t.TempDir()
	s := &server{t: t, socket: filepath.Join(dir, "redis.sock")}
	cmd := exec.Command(path, "--port", "0", "--unixsocket", s.socket, "--dir", dir, "--save", "", "--maxclients", strconv.Itoa(RedisClients))
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool { return s.ask("PING") == nil }, 20*time.Second, 10*time.Millisecond)
	return s
}

func (s *server) RedisKind() string { return scenario.RedisServer }

func (s *server) Console(ctx context.Context) (*console.Console, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", s.socket)
	if err != nil {
		return nil, err
	}
	return console.New(conn), nil
}

// ask gives a command on a connection of its own.
func (s *server) ask(words ...string) error {
	c, err := s.Console(s.t.Context())
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Do(s.t.Context(), words...)
	return err
}

// TestRedisServerRefuses: the real one is brought into the state that answers so,
// and out of it.
func TestRedisServerRefuses(t *testing.T) {
	const script = "return redis.call('HSET', KEYS[1], 'field', 'value')"
	for answer, c := range map[string]struct {
		text string
		ping bool // is answered
	}{
		"readonly":   {"READONLY", true},
		"oom":        {"OOM", true},
		"noauth":     {"NOAUTH", false},
		"maxclients": {"", false}, // the connection is closed, which may come first
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			require.NoError(t, s.ask("SET", "key", "value"))
			a, err := Inject(t.Context(), s, scenario.Step{ID: "step-1", Do: "redis", Answer: answer})
			require.NoError(t, err)
			require.Zero(t, a.Touched())
			require.ErrorContains(t, s.ask("SET", "key", "value"), c.text)
			require.ErrorContains(t, s.ask("EVAL", script, "1", "hash"), c.text)
			require.Equal(t, world.Touched{Conns: 2}, a.Touched())
			require.Equal(t, c.ping, s.ask("PING") == nil)
			require.NoError(t, a.End(t.Context()))
			require.NoError(t, s.ask("EVAL", script, "1", "hash"))
			require.GreaterOrEqual(t, a.Touched().Conns, 2)
		})
	}
}
