package worldtest

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// listeners are the tests of how connections begin.
func listeners() map[string]func(t *testing.T, server, client Sockets) {
	return map[string]func(t *testing.T, server, client Sockets){
		"nobody listens": func(t *testing.T, server, client Sockets) {
			l := listen(t, server)
			require.NoError(t, l.Close())
			_, err := client.DialContext(t.Context(), "tcp", l.Addr().String())
			require.Equal(t, "refused", class(err))
			var op *net.OpError
			require.ErrorAs(t, err, &op)
			require.Equal(t, "dial tcp", op.Op+" "+op.Net)
			require.Equal(t, l.Addr().String(), op.Addr.String())
			require.Contains(t, err.Error(), "connect: connection refused")
		},
		"a port is taken once": func(t *testing.T, server, _ Sockets) {
			l := listen(t, server)
			defer l.Close()
			_, err := server.Listen(t.Context(), "tcp", l.Addr().String())
			require.Equal(t, "in use", class(err))
			require.NoError(t, l.Close())
			l, err = server.Listen(t.Context(), "tcp", l.Addr().String())
			require.NoError(t, err, "free again")
			require.NoError(t, l.Close())
		},
		"a closed listener accepts nobody": func(t *testing.T, server, _ Sockets) {
			l := listen(t, server)
			require.NoError(t, l.Close())
			_, err := l.Accept()
			require.Equal(t, "closed", class(err))
			require.Equal(t, "closed", class(l.Close()))
		},
		"closing wakes who accepts": func(t *testing.T, server, _ Sockets) {
			l := listen(t, server)
			time.AfterFunc(20*time.Millisecond, func() { l.Close() })
			_, err := l.Accept()
			require.Equal(t, "closed", class(err))
		},
		"closing resets who was not accepted": func(t *testing.T, server, client Sockets) {
			l := listen(t, server)
			c, err := client.DialContext(t.Context(), "tcp", l.Addr().String())
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, l.Close())
			travel()
			wants(t, c, "", "reset")
		},
		"closing leaves accepted connections alone": func(t *testing.T, server, client Sockets) {
			l := listen(t, server)
			p := dialTo(t, l, client)
			defer p.close()
			require.NoError(t, l.Close())
			sends(t, p.client, "abc", "ok")
			wants(t, p.server, "abc", "ok")
		},
		"data waits for accept": func(t *testing.T, server, client Sockets) {
			l := listen(t, server)
			defer l.Close()
			c, err := client.DialContext(t.Context(), "tcp", l.Addr().String())
			require.NoError(t, err)
			defer c.Close()
			sends(t, c, "early", "ok")
			travel()
			s, err := l.Accept()
			require.NoError(t, err)
			defer s.Close()
			wants(t, s, "early", "ok")
		},
		"who hung up before accept is still accepted": func(t *testing.T, server, client Sockets) {
			l := listen(t, server)
			defer l.Close()
			c, err := client.DialContext(t.Context(), "tcp", l.Addr().String())
			require.NoError(t, err)
			abort(t, c.(end))
			travel()
			s, err := l.Accept()
			require.NoError(t, err)
			defer s.Close()
			wants(t, s, "", "reset")
		},
		"connections are accepted in their order": func(t *testing.T, server, client Sockets) {
			l := listen(t, server)
			defer l.Close()
			for range 20 {
				c, err := client.DialContext(t.Context(), "tcp", l.Addr().String())
				require.NoError(t, err)
				defer c.Close()
				s, err := l.Accept()
				require.NoError(t, err)
				require.Equal(t, c.LocalAddr().String(), s.RemoteAddr().String())
				require.NoError(t, s.Close())
			}
		},
		"a dial that is called off": func(t *testing.T, server, client Sockets) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := client.DialContext(ctx, "tcp", server.Addr+":9")
			require.Equal(t, "canceled", class(err))
		},
		"a dial after its deadline": func(t *testing.T, server, client Sockets) {
			ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
			defer cancel()
			_, err := client.DialContext(ctx, "tcp", server.Addr+":9")
			var timeout net.Error
			require.True(t, errors.As(err, &timeout) && timeout.Timeout(), "%v", err)
		},
		"wrong networks and addresses": func(t *testing.T, server, client Sockets) {
			for _, wrong := range [][2]string{{"carrier-pigeon", server.Addr + ":1"}, {"tcp", server.Addr}, {"tcp", server.Addr + ":99999"}} {
				_, err := server.Listen(t.Context(), wrong[0], wrong[1])
				require.Error(t, err, "listen %s", wrong)
				_, err = client.DialContext(t.Context(), wrong[0], wrong[1])
				require.Error(t, err, "dial %s", wrong)
			}
		},
		"an address of somebody else": func(t *testing.T, server, _ Sockets) {
			_, err := server.Listen(t.Context(), "tcp", "192.0.2.1:80")
			require.Error(t, err)
		},
	}
}

func listen(t *testing.T, s Sockets) net.Listener {
	t.Helper()
	l, err := s.Listen(t.Context(), "tcp", s.Addr+":0")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(l.Addr().String(), s.Addr+":"))
	return l
}
