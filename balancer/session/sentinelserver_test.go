package session_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"deadair/balancer/session"
)

// watched is two real Redis of which one is the master, and the sentinels that watch them.
type watched struct {
	exe     string
	servers map[string]*exec.Cmd // by address
	guards  map[string]*exec.Cmd // the sentinels, by address
	master  string
	frozen  []*exec.Cmd
}

// newWatched starts them and waits until all know one another.
func newWatched(t *testing.T) *watched {
	t.Helper()
	exe, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	w := &watched{exe: exe, servers: map[string]*exec.Cmd{}, guards: map[string]*exec.Cmd{}}
	w.master = w.begin(t, freePort)
	master := portOf(w.master)
	replica := w.begin(t, freePort, "--replicaof", "127.0.0.1", master)
	until(t, w.master, "slave0:ip=127.0.0.1,port="+portOf(replica)+",state=online")
	for range 3 {
		guard, at := begun(t, freePort, exe, func(port string) []string {
			conf := filepath.Join(t.TempDir(), "sentinel.conf")
			require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, "port %s\nbind 127.0.0.1\nsentinel monitor index 127.0.0.1 %s 2\n"+
				"sentinel down-after-milliseconds index 500\nsentinel failover-timeout index 3000\n", port, master), 0o600))
			return []string{conf, "--sentinel"}
		})
		w.guards[at] = guard
	}
	for sentinel := range w.guards {
		until(t, sentinel, "slaves=1,sentinels=3")
	}
	return w
}

// begin starts a server, and tells its address.
func (w *watched) begin(t *testing.T, port func(*testing.T) string, args ...string) (at string) {
	t.Helper()
	server, at := begun(t, port, w.exe, func(port string) []string {
		return append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--repl-diskless-sync-delay", "0"}, args...)
	})
	w.servers[at] = server
	return at
}

// settled waits until a replica has all that the master has.
func (w *watched) settled(t *testing.T) {
	t.Helper()
	client := clientAt(w.master)
	defer client.Close()
	require.Eventually(t, func() bool {
		n, err := client.Wait(t.Context(), 1, time.Second).Result()
		return err == nil && n == 1
	}, time.Minute, 50*time.Millisecond)
}

// other is the server that is not the master.
func (w *watched) other() string {
	for at := range w.servers {
		if at != w.master {
			return at
		}
	}
	return ""
}

// kill ends the master.
func (w *watched) kill(t *testing.T) {
	t.Helper()
	p := w.servers[w.master]
	require.NoError(t, p.Process.Kill())
	require.Error(t, p.Wait())
	w.servers[w.master] = nil
}

// freeze has a process stand still until rejoin, or the end.
func (w *watched) freeze(t *testing.T, p *exec.Cmd) {
	t.Helper()
	require.NoError(t, p.Process.Signal(syscall.SIGSTOP))
	w.frozen = append(w.frozen, p)
}

// freezeOne freezes a sentinel.
func (w *watched) freezeOne(t *testing.T) {
	t.Helper()
	for _, p := range w.guards {
		w.freeze(t, p)
		return
	}
}

// change has the sentinels change the master while it is well. They refuse for a
// while after a failover.
func (w *watched) change(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		for sentinel := range w.guards {
			client := clientAt(sentinel)
			err := client.Do(t.Context(), "SENTINEL", "FAILOVER", "index").Err()
			client.Close()
			if err == nil {
				return true
			}
		}
		return false
	}, time.Minute, 100*time.Millisecond)
}

// rejoin has who was the master be a replica of the other one, once all sentinels have
// ended the failover: with a server that comes back earlier they may begin another one.
func (w *watched) rejoin(t *testing.T) {
	t.Helper()
	old := w.master
	w.master = w.other()
	for _, p := range w.frozen {
		require.NoError(t, p.Process.Signal(syscall.SIGCONT))
	}
	w.frozen = nil
	for sentinel := range w.guards {
		client := clientAt(sentinel)
		defer client.Close()
		require.Eventually(t, func() bool {
			got := goredis.NewMapStringStringCmd(t.Context(), "SENTINEL", "MASTER", "index")
			return client.Process(t.Context(), got) == nil && got.Val()["port"] == portOf(w.master) && got.Val()["flags"] == "master"
		}, time.Minute, 50*time.Millisecond)
	}
	if w.servers[old] == nil {
		same := func(*testing.T) string { return portOf(old) }
		w.begin(t, same, "--replicaof", "127.0.0.1", portOf(w.master))
	}
	until(t, w.master, "state=online")
}

// claims claims one mount, again and again.
type claims struct {
	store    *session.Redis
	deadline time.Duration
}

// once makes a claim, which must not take longer than its budget.
func (c claims) once(t *testing.T) (session.Session, error) {
	t.Helper()
	const busy = time.Second // what a busy machine adds
	began := time.Now()
	s, err := c.store.Claim(t.Context(), mine)
	require.Less(t, time.Since(began), c.deadline+busy)
	return s, err
}

// until claims until it succeeds; then it is on the server that is the master now.
func (c claims) until(t *testing.T, master string) (s session.Session) {
	t.Helper()
	require.Eventually(t, func() (ok bool) {
		var err error
		s, err = c.once(t)
		return err == nil
	}, time.Minute, 50*time.Millisecond)
	direct, err := session.NewRedis(session.RedisConfig{Addr: master, Deadline: c.deadline}, new(net.Dialer).DialContext)
	require.NoError(t, err)
	defer direct.Close()
	there, err := direct.Lookup(t.Context(), mine.Mount)
	require.NoError(t, err)
	require.Equal(t, s.Epoch, there.Epoch)
	return s
}

// TestSentinelServers has real sentinels fail a real Redis over. The session that the old
// master knew lives on, and no claim takes longer than its budget.
func TestSentinelServers(t *testing.T) {
	type falls []func(*watched, *testing.T)
	for name, all := range map[string]falls{
		"the master dies, and the next one": {(*watched).kill, (*watched).kill},
		"it lives and is a replica":         {(*watched).change},
		"it stands still":                   {func(w *watched, t *testing.T) { w.freeze(t, w.servers[w.master]) }},
		"it dies, and a sentinel stands still": {func(w *watched, t *testing.T) {
			w.freezeOne(t)
			w.kill(t)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWatched(t)
			c := claims{deadline: 2 * time.Second}
			var err error
			c.store, err = session.NewRedis(session.RedisConfig{Sentinels: slices.Collect(maps.Keys(w.guards)), Master: "index", Deadline: c.deadline}, new(net.Dialer).DialContext)
			require.NoError(t, err)
			t.Cleanup(c.store.Close)
			before := c.until(t, w.master)
			for _, fall := range all {
				w.settled(t)
				fall(w, t)
				after := c.until(t, w.other())
				require.Equal(t, before.ID, after.ID, "the session lives on")
				require.Greater(t, after.Epoch, before.Epoch)
				w.rejoin(t)
				before = c.until(t, w.master)
			}
		})
	}
}

// freePort is a port that nobody has.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// begun is a server at a port that port finds, which runs until the test ends. Somebody may take
// the port before the server does: then the next one is tried.
func begun(t *testing.T, port func(*testing.T) string, exe string, args func(port string) []string) (server *exec.Cmd, at string) {
	t.Helper()
	for range 10 {
		free := port(t)
		server = exec.Command(exe, args(free)...)
		server.Dir = t.TempDir()
		said, err := server.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, server.Start())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = io.Copy(io.Discard, said)
		}()
		t.Cleanup(func() {
			_ = server.Process.Kill()
			<-ended
			_ = server.Wait()
		})
		if at = onHost(free); answers(t, at, server.Process.Pid, ended) {
			return server, at
		}
	}
	require.FailNow(t, "somebody takes every port")
	return nil, ""
}

// answers waits until a server answers at an address, and tells whether it is the process.
func answers(t *testing.T, at string, pid int, ended <-chan struct{}) (it bool) {
	t.Helper()
	client := clientAt(at)
	defer client.Close()
	require.Eventually(t, func() bool {
		select {
		case <-ended:
			return true
		default:
		}
		info, err := client.Info(t.Context(), "server").Result()
		it = strings.Contains(info, fmt.Sprintf("process_id:%d\r\n", pid))
		return err == nil
	}, 30*time.Second, 20*time.Millisecond)
	return it
}

func onHost(port string) string { return net.JoinHostPort("127.0.0.1", port) }

func portOf(at string) string {
	_, port, _ := net.SplitHostPort(at)
	return port
}

func clientAt(at string) *goredis.Client {
	return goredis.NewClient(&goredis.Options{Addr: at, MaxRetries: -1, DialerRetries: 1, PoolSize: 1, DisableIdentity: true, Protocol: 2})
}

// until waits until a server's INFO holds a text.
func until(t *testing.T, at, text string) {
	t.Helper()
	client := clientAt(at)
	defer client.Close()
	require.Eventually(t, func() bool {
		info, err := client.Info(t.Context()).Result()
		return err == nil && strings.Contains(info, text)
	}, 30*time.Second, 20*time.Millisecond, text)
}

// TestAPortThatSomebodyTook: a server that somebody was faster than is started again elsewhere,
// and who answers in its place is not taken for it.
func TestAPortThatSomebodyTook(t *testing.T) {
	exe, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	args := func(port string) []string { return []string{"--port", port, "--bind", "127.0.0.1", "--save", ""} }
	_, taken := begun(t, freePort, exe, args)
	ports := []string{portOf(taken), freePort(t)}
	_, at := begun(t, func(*testing.T) (port string) {
		port, ports = ports[0], ports[1:]
		return port
	}, exe, args)
	require.NotEqual(t, taken, at)
}
