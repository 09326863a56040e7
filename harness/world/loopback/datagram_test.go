package loopback

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A server of datagrams on a privileged port sees who asks, also where addresses are mapped.
func TestDatagrams(t *testing.T) {
	for name, mapped := range map[string]bool{"own addresses": false, "mapped": true} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, func(c *Config) { c.Mapped = mapped })
			server, err := s.Env("a").ListenPacket(t.Context(), "udp", ":53")
			require.NoError(t, err)
			defer server.Close()
			require.NotEqualValues(t, 53, s.Reach("a", 53).Port())
			require.NoError(t, server.SetDeadline(time.Now().Add(patience)))
			c, err := s.Env("client").DialContext(t.Context(), "udp", s.Addr("a").String()+":53")
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(patience)))

			_, err = c.Write([]byte("where?"))
			require.NoError(t, err)
			buf := make([]byte, 100)
			n, from, err := server.ReadFrom(buf)
			require.NoError(t, err)
			require.Equal(t, "where?", string(buf[:n]))
			require.Equal(t, "client", s.HostAt(from.(*net.UDPAddr).AddrPort().Addr()))
			_, err = server.WriteTo([]byte("there"), from)
			require.NoError(t, err)
			n, err = c.Read(buf)
			require.NoError(t, err)
			require.Equal(t, "there", string(buf[:n]))

			require.NoError(t, server.Close())
			require.EqualValues(t, 53, s.Reach("a", 53).Port(), "nobody is there any more")
		})
	}
}
