package ssl3_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/fakes/ssl3"
)

// between joins a client and what serves it.
func between(t *testing.T, serve func(net.Conn)) net.Conn {
	here, there := net.Pipe()
	t.Cleanup(func() { here.Close() })
	go func() {
		defer there.Close()
		serve(there)
	}()
	return here
}

func TestOldServerAgrees(t *testing.T) {
	conn := between(t, func(c net.Conn) {
		old, begun, err := ssl3.OldHello(c)
		if err == nil && old && bytes.Equal(begun, ssl3.ClientHello()) {
			c.Write(ssl3.ServerHello())
		}
	})
	require.NoError(t, ssl3.Shake(conn))
}

// TestTodaysServerDeclines asks the library that our servers use.
func TestTodaysServerDeclines(t *testing.T) {
	conn := between(t, func(c net.Conn) { _ = tls.Server(c, &tls.Config{MinVersion: tls.VersionTLS10}).Handshake() })
	require.ErrorIs(t, ssl3.Shake(conn), ssl3.ErrDeclined)
}

func TestWhatIsNoServerOfSSL(t *testing.T) {
	conn := between(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, len(ssl3.ClientHello())))
		io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\n")
	})
	require.ErrorIs(t, ssl3.Shake(conn), ssl3.ErrForeign)
	closes := between(t, func(c net.Conn) { io.ReadFull(c, make([]byte, len(ssl3.ClientHello()))) })
	require.ErrorIs(t, ssl3.Shake(closes), io.EOF)
}

func TestLaterHellosAreNotOld(t *testing.T) {
	conn := between(t, func(c net.Conn) { _ = tls.Client(c, &tls.Config{ServerName: "x"}).Handshake() })
	old, begun, err := ssl3.OldHello(conn)
	require.NoError(t, err)
	require.False(t, old)
	require.Equal(t, byte(22), begun[0])

	old, begun, err = ssl3.OldHello(strings.NewReader("GET / HTTP/1.0\r\n\r\n"))
	require.NoError(t, err)
	require.False(t, old)
	require.Equal(t, "GET /", string(begun), "what was read is not lost")

	_, _, err = ssl3.OldHello(bytes.NewReader(ssl3.ClientHello()[:20]))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
