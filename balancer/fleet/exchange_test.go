package fleet

import (
	"bytes"
	"net"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// deaf is a connection whose other side says fixed bytes whatever it hears.
type deaf struct {
	net.Conn
	says *bytes.Reader
}

func (d deaf) Write(p []byte) (int, error) { return len(p), nil }

func (d deaf) Read(p []byte) (int, error) { return iotest.HalfReader(d.says).Read(p) }

// Whatever a recorder says, it is read within bounds and understood or refused.
func FuzzExchange(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}"))
	f.Fuzz(func(t *testing.T, says []byte) {
		status, body, _, err := exchange(deaf{says: bytes.NewReader(says)}, healthRequest)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(body), maxBody)
		require.True(t, bytes.Contains(says, body))
		if h, state, err := readHealth(status, body); err == nil {
			require.NotEqual(t, Unknown, state)
			require.NotEmpty(t, h.Status)
		}
	})
}
