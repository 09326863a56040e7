package worldtest

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// resets are the tests of connections that end badly.
func resets() map[string]func(*testing.T, *pair) {
	return map[string]func(*testing.T, *pair){
		"a reset is told once to a reader, then it is the end": func(t *testing.T, p *pair) {
			abort(t, p.client)
			travel()
			wants(t, p.server, "", "reset")
			wants(t, p.server, "", "eof")
			sends(t, p.server, "x", "pipe")
		},
		"a reset is told once to a writer": func(t *testing.T, p *pair) {
			abort(t, p.client)
			travel()
			sends(t, p.server, "x", "reset")
			sends(t, p.server, "x", "pipe")
			wants(t, p.server, "", "eof")
		},
		"what arrived before a reset can be read": func(t *testing.T, p *pair) {
			sends(t, p.client, "abc", "ok")
			travel()
			abort(t, p.client)
			travel()
			wants(t, p.server, "abc", "ok")
			wants(t, p.server, "", "reset")
		},
		"a reset after the end of the stream hurts writers only": func(t *testing.T, p *pair) {
			sends(t, p.client, "abc", "ok")
			require.NoError(t, p.client.CloseWrite())
			travel()
			abort(t, p.client)
			travel()
			wants(t, p.server, "abc", "ok")
			wants(t, p.server, "", "eof")
			sends(t, p.server, "x", "pipe")
		},
		"a reset wakes a blocked reader": func(t *testing.T, p *pair) {
			time.AfterFunc(20*time.Millisecond, func() { p.client.SetLinger(0); p.client.Close() })
			wants(t, p.server, "", "reset")
		},
		"a reset wakes a blocked writer": func(t *testing.T, p *pair) {
			time.AfterFunc(60*time.Millisecond, func() { p.client.SetLinger(0); p.client.Close() })
			require.Equal(t, "reset", class(flood(p.server)))
			sends(t, p.server, "x", "pipe")
		},
		"a reset ends half-closed connections too": func(t *testing.T, p *pair) {
			require.NoError(t, p.client.CloseWrite())
			travel()
			wants(t, p.server, "", "eof")
			abort(t, p.server)
			travel()
			wants(t, p.client, "", "reset")
			require.Equal(t, "not connected", class(p.client.CloseWrite()))
		},
		"a close with unread data is a reset": func(t *testing.T, p *pair) {
			sends(t, p.client, "unread", "ok")
			travel()
			require.NoError(t, p.server.Close())
			travel()
			wants(t, p.client, "", "reset")
			sends(t, p.client, "x", "pipe")
		},
		"a close with unread data and an end is a reset": func(t *testing.T, p *pair) {
			sends(t, p.client, "unread", "ok")
			require.NoError(t, p.client.CloseWrite())
			travel()
			require.NoError(t, p.server.Close())
			travel()
			wants(t, p.client, "", "reset")
		},
		"an answer before a close with unread data can be read": func(t *testing.T, p *pair) {
			sends(t, p.client, "unread", "ok")
			sends(t, p.server, "refused", "ok")
			travel()
			require.NoError(t, p.server.Close())
			travel()
			wants(t, p.client, "refused", "ok")
			wants(t, p.client, "", "reset")
		},
		"writing to who has closed breaks at the second write": func(t *testing.T, p *pair) {
			require.NoError(t, p.server.Close())
			travel()
			sends(t, p.client, "x", "ok")
			travel()
			sends(t, p.client, "x", "pipe")
			wants(t, p.client, "", "eof")
		},
		"data under way to who closes comes back as a broken pipe": func(t *testing.T, p *pair) {
			require.NoError(t, p.server.Close())
			sends(t, p.client, "x", "ok")
			travel()
			wants(t, p.client, "", "eof")
			sends(t, p.client, "x", "pipe")
		},
		"a close against a blocked writer is a reset": func(t *testing.T, p *pair) {
			time.AfterFunc(60*time.Millisecond, func() { p.client.Close() })
			require.Equal(t, "reset", class(flood(p.server)))
		},
		"a reset connection can be closed": func(t *testing.T, p *pair) {
			abort(t, p.client)
			travel()
			require.NoError(t, p.server.Close())
			wants(t, p.server, "", "closed")
		},
		"an idle connection shows its health to a pool": func(t *testing.T, p *pair) {
			require.Equal(t, "ok", health(t, p.client))
			require.NoError(t, p.server.Close())
			travel()
			require.Equal(t, "eof", health(t, p.client))
		},
		"an idle connection shows a reset to a pool": func(t *testing.T, p *pair) {
			abort(t, p.server)
			travel()
			require.Equal(t, "reset", health(t, p.client))
		},
		"an idle connection shows unread data to a pool": func(t *testing.T, p *pair) {
			sends(t, p.server, "x", "ok")
			travel()
			require.Equal(t, "unread", health(t, p.client))
			wants(t, p.client, "x", "ok")
		},
	}
}

// health looks at an idle connection as connection pools do.
func health(t *testing.T, c end) string {
	t.Helper()
	raw, err := c.SyscallConn()
	require.NoError(t, err)
	seen := "ok"
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case n > 0:
			seen = "unread"
		case n == 0 && err == nil:
			seen = "eof"
		case err != syscall.EAGAIN:
			seen = class(err)
		}
		return true
	})
	switch {
	case err == nil:
		return seen
	case class(err) == "reset", class(err) == "eof":
		return class(err)
	}
	return "unread"
}
