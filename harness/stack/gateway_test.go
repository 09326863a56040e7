package stack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/session"
	"deadair/harness/scenario"
)

var discard = slog.New(slog.DiscardHandler)

// opened is a gateway that serves on an address until the test ends.
func opened(t *testing.T, g *gateway) (addr string, end func()) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.serve(ctx, l)
	}()
	end = func() { cancel(); <-done }
	t.Cleanup(end)
	return l.Addr().String(), end
}

// claim makes a claim through an address.
func claim(t *testing.T, addr, keys string) (session.Session, error) {
	t.Helper()
	store, err := session.NewRedis(session.RedisConfig{Addr: addr, Prefix: keys, Deadline: 5 * time.Second}, new(net.Dialer).DialContext)
	require.NoError(t, err)
	defer store.Close()
	return store.Claim(t.Context(), session.Claim{Mount: "/show", Account: "ann", NewID: "one", Window: time.Minute})
}

func TestGatewayLeadsToAForeignRedis(t *testing.T) {
	cert := httptest.NewTLSServer(nil)
	defer cert.Close()
	pool := x509.NewCertPool()
	pool.AddCert(cert.Certificate())
	for name, c := range map[string]struct {
		url, password string
		prepare       func(m *miniredis.Miniredis)
		db            int
		tls           bool
		refused       string
	}{
		"plain":               {url: "redis://ADDR"},
		"database":            {url: "redis://ADDR/3", db: 3},
		"password":            {url: "redis://ADDR", password: "open", prepare: func(m *miniredis.Miniredis) { m.RequireAuth("open") }},
		"user":                {url: "redis://ann@ADDR", password: "open", prepare: func(m *miniredis.Miniredis) { m.RequireUserAuth("ann", "open") }},
		"TLS":                 {url: "rediss://ADDR/1", db: 1, tls: true},
		"password is missing": {url: "redis://ADDR", prepare: func(m *miniredis.Miniredis) { m.RequireAuth("open") }, refused: "SELECT at the foreign redis ADDR: redis answered: NOAUTH"},
		"wrong password":      {url: "redis://ADDR", password: "shut", prepare: func(m *miniredis.Miniredis) { m.RequireAuth("open") }, refused: "AUTH at the foreign redis ADDR: redis answered: WRONGPASS"},
		"out of order":        {url: "redis://ADDR", prepare: func(m *miniredis.Miniredis) { m.SetError("LOADING it") }, refused: "SELECT at the foreign redis ADDR: redis answered: LOADING it"},
		"away":                {url: "redis://ADDR", prepare: func(m *miniredis.Miniredis) { m.Close() }, refused: "reach the foreign redis: "},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			t.Setenv(RedisPasswordEnv, c.password)
			m := miniredis.NewMiniRedis()
			if c.tls {
				require.NoError(t, m.StartTLS(&tls.Config{Certificates: cert.TLS.Certificates}))
			} else {
				require.NoError(t, m.Start())
			}
			defer m.Close()
			addr := m.Addr()
			if c.prepare != nil {
				c.prepare(m)
			}
			g, err := newGateway(strings.ReplaceAll(c.url, "ADDR", addr), discard)
			require.NoError(t, err)
			if c.tls {
				g.to.TLSConfig.RootCAs, g.to.TLSConfig.ServerName = pool, "example.com"
			}
			at, end := opened(t, g)
			defer end()

			err = g.sweep(t.Context(), []string{"{/show}"})
			got, claimed := claim(t, at, g.keys)
			if c.refused != "" {
				require.ErrorContains(t, err, strings.ReplaceAll(c.refused, "ADDR", addr))
				require.ErrorIs(t, claimed, session.ErrUnavailable)
				return
			}
			require.NoError(t, err)
			require.NoError(t, claimed)
			require.EqualValues(t, 1, got.Epoch)
			m.DB(c.db).Set("deadair:{/show}", "somebody else's")
			require.Len(t, m.DB(c.db).Keys(), 2, "a run has keys of its own")
			require.NoError(t, g.sweep(t.Context(), []string{"{/show}", "{never}"}))
			require.Equal(t, []string{"deadair:{/show}"}, m.DB(c.db).Keys())
		})
	}
}

// TestGatewayHandsOnEnds: the end of a connection shows on the other side.
func TestGatewayHandsOnEnds(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	m := miniredis.RunT(t)
	g, err := newGateway("redis://"+m.Addr(), discard)
	require.NoError(t, err)
	addr, end := opened(t, g)
	dial := func() *net.TCPConn {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		return conn.(*net.TCPConn)
	}
	half := dial()
	_, err = io.WriteString(half, "*1\r\n$4\r\nPING\r\n")
	require.NoError(t, err)
	require.NoError(t, half.CloseWrite())
	got, err := io.ReadAll(half)
	require.NoError(t, err)
	require.Equal(t, "+PONG\r\n", string(got), "half of it is closed, the answer comes")

	open := dial()
	end()
	_, err = open.Read(make([]byte, 1))
	require.Error(t, err, "what is open ends with the gateway")
	m.Close()
}

func TestRunsDoNotShareKeys(t *testing.T) {
	one, err := newGateway("redis://10.0.0.7", discard)
	require.NoError(t, err)
	other, err := newGateway("redis://10.0.0.7", discard)
	require.NoError(t, err)
	require.NotEqual(t, one.keys, other.keys)
	require.Equal(t, "10.0.0.7:6379", one.to.Addr)
}

func TestCheckRedis(t *testing.T) {
	require.NoError(t, CheckRedis(scenario.RedisEmbedded))
	require.NoError(t, CheckRedis("redis://ann@10.0.0.7:6380/2"))
	require.NoError(t, CheckRedis("rediss://10.0.0.7"))
	for which, want := range map[string]string{
		"serve":                   `--redis "serve": choose embedded, server or a URL such as redis://10.0.0.7:6379/0`,
		"10.0.0.7:6379":           `--redis "10.0.0.7:6379": choose `,
		"http://10.0.0.7":         "--redis http://10.0.0.7: redis: invalid URL scheme: http",
		"redis://10.0.0.7/x":      "--redis redis://10.0.0.7/x: redis: invalid database number",
		"redis://a:b@10.0.0.7/0":  "--redis redis://a:xxxxx@10.0.0.7/0: give the password in $DEADAIR_REDIS_PASSWORD, for the URL stands in the report",
		"redis://10.0.0.7/0?db=x": "--redis redis://10.0.0.7/0?db=x: redis: ",
	} {
		require.ErrorContains(t, CheckRedis(which), want)
		require.NotContains(t, CheckRedis(which).Error(), "\n")
	}
	t.Setenv("PATH", t.TempDir())
	require.EqualError(t, CheckRedis(scenario.RedisServer), "--redis server: redis-server is not installed here: install it, or use --redis embedded")
}
