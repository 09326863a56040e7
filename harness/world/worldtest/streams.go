package worldtest

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// streams are the tests of connections that end well.
func streams() map[string]func(*testing.T, *pair) {
	return map[string]func(*testing.T, *pair){
		"bytes arrive in order, both ways at once": func(t *testing.T, p *pair) {
			up, down := pattern(3<<20, 1), pattern(2<<20, 2)
			got := make(chan []byte, 2)
			go func() { p.client.Write(up); p.client.CloseWrite() }()
			go func() { p.server.Write(down); p.server.CloseWrite() }()
			go func() { b, _ := io.ReadAll(p.server); got <- b }()
			b, err := io.ReadAll(p.client)
			require.NoError(t, err)
			require.True(t, bytes.Equal(down, b))
			require.True(t, bytes.Equal(up, <-got))
		},
		"small writes come together in one read": func(t *testing.T, p *pair) {
			for _, s := range []string{"a", "bc", "", "def"} {
				sends(t, p.client, s, "ok")
			}
			travel()
			wants(t, p.server, "abcdef", "ok")
		},
		"a read takes no more than there is room for": func(t *testing.T, p *pair) {
			sends(t, p.client, "abcdef", "ok")
			travel()
			buf := make([]byte, 4)
			n, err := p.server.Read(buf)
			require.NoError(t, err)
			require.Equal(t, "abcd", string(buf[:n]))
			wants(t, p.server, "ef", "ok")
		},
		"half close lets the answer through": func(t *testing.T, p *pair) {
			sends(t, p.client, "question", "ok")
			require.NoError(t, p.client.CloseWrite())
			require.NoError(t, p.client.CloseWrite(), "twice")
			sends(t, p.client, "more", "pipe")
			travel()
			wants(t, p.server, "question", "ok")
			wants(t, p.server, "", "eof")
			wants(t, p.server, "", "eof")
			sends(t, p.server, "answer", "ok")
			require.NoError(t, p.server.Close())
			travel()
			wants(t, p.client, "answer", "ok")
			wants(t, p.client, "", "eof")
		},
		"what was sent before a close arrives": func(t *testing.T, p *pair) {
			sends(t, p.client, "last words", "ok")
			require.NoError(t, p.client.Close())
			travel()
			wants(t, p.server, "last words", "ok")
			wants(t, p.server, "", "eof")
		},
		"a closed end knows it": func(t *testing.T, p *pair) {
			require.NoError(t, p.client.Close())
			wants(t, p.client, "", "closed")
			sends(t, p.client, "x", "closed")
			require.Equal(t, "closed", class(p.client.Close()))
			require.Equal(t, "closed", class(p.client.CloseWrite()))
			require.Equal(t, "closed", class(p.client.SetDeadline(time.Now())))
		},
		"a close wakes a blocked reader": func(t *testing.T, p *pair) {
			time.AfterFunc(20*time.Millisecond, func() { p.client.Close() })
			wants(t, p.client, "", "closed")
		},
		"a close wakes a blocked writer": func(t *testing.T, p *pair) {
			time.AfterFunc(50*time.Millisecond, func() { p.client.Close() })
			require.Equal(t, "closed", class(flood(p.client)))
		},
		"a writer waits for its reader": func(t *testing.T, p *pair) {
			sent := pattern(16<<20, 3)
			done := make(chan error, 1)
			go func() { _, err := p.client.Write(sent); p.client.CloseWrite(); done <- err }()
			travel()
			select {
			case <-done:
				require.Fail(t, "16 MB went into a connection that nobody reads")
			default:
			}
			got, err := io.ReadAll(p.server)
			require.NoError(t, err)
			require.NoError(t, <-done)
			require.True(t, bytes.Equal(sent, got))
		},
		"nothing to read, nothing to write": func(t *testing.T, p *pair) {
			n, err := p.client.Read(nil)
			require.Equal(t, "0 ok", num(n)+class(err))
			n, err = p.client.Write(nil)
			require.Equal(t, "0 ok", num(n)+class(err))
		},
		"two readers share the bytes": func(t *testing.T, p *pair) {
			got := make(chan int, 2)
			for range 2 {
				go func() { n, _ := io.ReadFull(p.server, make([]byte, 3)); got <- n }()
			}
			travel()
			sends(t, p.client, "abcdef", "ok")
			require.Equal(t, 6, <-got+<-got)
		},
	}
}

func num(n int) string {
	if n == 0 {
		return "0 "
	}
	return "some "
}

// pattern is bytes that tell their place.
func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16) ^ seed
	}
	return b
}

// flood writes until an error.
func flood(c net.Conn) error {
	for buf := make([]byte, 64<<10); ; {
		if _, err := c.Write(buf); err != nil {
			return err
		}
	}
}
