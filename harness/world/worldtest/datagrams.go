package worldtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// datagrams are the tests of UDP.
func datagrams() map[string]func(t *testing.T, server, client Sockets) {
	return map[string]func(t *testing.T, server, client Sockets){
		"question and answer": func(t *testing.T, server, client Sockets) {
			s, err := server.ListenPacket(t.Context(), "udp", server.Addr+":0")
			require.NoError(t, err)
			defer s.Close()
			c, err := client.DialContext(t.Context(), "udp", s.LocalAddr().String())
			require.NoError(t, err)
			defer c.Close()
			require.Equal(t, s.LocalAddr().String(), c.RemoteAddr().String())
			sends(t, c, "question", "ok")
			buf := make([]byte, 100)
			n, from, err := s.ReadFrom(buf)
			require.NoError(t, err)
			require.Equal(t, "question", string(buf[:n]))
			require.Equal(t, c.LocalAddr().String(), from.String())
			_, err = s.WriteTo([]byte("answer"), from)
			require.NoError(t, err)
			wants(t, c, "answer", "ok")
		},
		"each read takes one datagram, cut to its room": func(t *testing.T, server, client Sockets) {
			s, err := server.ListenPacket(t.Context(), "udp", server.Addr+":0")
			require.NoError(t, err)
			defer s.Close()
			c, err := client.ListenPacket(t.Context(), "udp", client.Addr+":0")
			require.NoError(t, err)
			defer c.Close()
			for _, d := range []string{"first", "second", ""} {
				_, err := c.WriteTo([]byte(d), s.LocalAddr())
				require.NoError(t, err)
			}
			buf := make([]byte, 3)
			for _, want := range []string{"fir", "sec", ""} {
				n, _, err := s.ReadFrom(buf)
				require.NoError(t, err)
				require.Equal(t, want, string(buf[:n]))
			}
		},
		"a dialled socket hears nobody else": func(t *testing.T, server, client Sockets) {
			s, err := server.ListenPacket(t.Context(), "udp", server.Addr+":0")
			require.NoError(t, err)
			defer s.Close()
			other, err := server.ListenPacket(t.Context(), "udp", server.Addr+":0")
			require.NoError(t, err)
			defer other.Close()
			c, err := client.DialContext(t.Context(), "udp", s.LocalAddr().String())
			require.NoError(t, err)
			defer c.Close()
			_, err = other.WriteTo([]byte("spoofed"), c.LocalAddr())
			require.NoError(t, err)
			require.NoError(t, c.SetReadDeadline(time.Now().Add(60*time.Millisecond)))
			wants(t, c, "", "deadline")
		},
		"nobody listens to datagrams": func(t *testing.T, server, client Sockets) {
			s, err := server.ListenPacket(t.Context(), "udp", server.Addr+":0")
			require.NoError(t, err)
			require.NoError(t, s.Close())
			c, err := client.DialContext(t.Context(), "udp", s.LocalAddr().String())
			require.NoError(t, err)
			defer c.Close()
			sends(t, c, "hello?", "ok")
			wants(t, c, "", "refused")
			sends(t, c, "hello?", "ok")
			travel()
			sends(t, c, "hello?", "refused")
		},
		"a closed datagram socket": func(t *testing.T, server, _ Sockets) {
			s, err := server.ListenPacket(t.Context(), "udp", server.Addr+":0")
			require.NoError(t, err)
			time.AfterFunc(20*time.Millisecond, func() { s.Close() })
			_, _, err = s.ReadFrom(make([]byte, 1))
			require.Equal(t, "closed", class(err))
			_, err = s.WriteTo([]byte("x"), s.LocalAddr())
			require.Equal(t, "closed", class(err))
			require.Equal(t, "closed", class(s.Close()))
		},
		"a datagram port is taken once": func(t *testing.T, server, _ Sockets) {
			s, err := server.ListenPacket(t.Context(), "udp", server.Addr+":0")
			require.NoError(t, err)
			defer s.Close()
			_, err = server.ListenPacket(t.Context(), "udp", s.LocalAddr().String())
			require.Equal(t, "in use", class(err))
		},
	}
}
