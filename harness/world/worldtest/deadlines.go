package worldtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deadlines are the tests of calls that may not block for ever.
func deadlines() map[string]func(*testing.T, *pair) {
	soon := func() time.Time { return time.Now().Add(50 * time.Millisecond) }
	return map[string]func(*testing.T, *pair){
		"a read ends at its deadline": func(t *testing.T, p *pair) {
			require.NoError(t, p.client.SetReadDeadline(soon()))
			start := time.Now()
			wants(t, p.client, "", "deadline")
			require.GreaterOrEqual(t, time.Since(start), 49*time.Millisecond)
		},
		"a write ends at its deadline": func(t *testing.T, p *pair) {
			require.NoError(t, p.client.SetWriteDeadline(soon()))
			require.Equal(t, "deadline", class(flood(p.client)))
		},
		"a passed deadline comes before data": func(t *testing.T, p *pair) {
			sends(t, p.server, "abc", "ok")
			travel()
			require.NoError(t, p.client.SetReadDeadline(time.Now().Add(-time.Second)))
			wants(t, p.client, "", "deadline")
			require.NoError(t, p.client.SetReadDeadline(time.Time{}))
			wants(t, p.client, "abc", "ok")
		},
		"a deadline set later wakes who waits": func(t *testing.T, p *pair) {
			time.AfterFunc(20*time.Millisecond, func() { p.client.SetDeadline(time.Now()) })
			wants(t, p.client, "", "deadline")
			sends(t, p.client, "x", "deadline")
		},
		"a deadline moved away lets the reader wait on": func(t *testing.T, p *pair) {
			const far = 500 * time.Millisecond // a timer of a busy machine comes late, but not as late as that
			require.NoError(t, p.client.SetReadDeadline(time.Now().Add(far)))
			time.AfterFunc(20*time.Millisecond, func() { p.client.SetReadDeadline(time.Time{}) })
			time.AfterFunc(far+100*time.Millisecond, func() { p.server.Write([]byte("late")) })
			wants(t, p.client, "late", "ok")
		},
		"a deadline of writes leaves reads alone": func(t *testing.T, p *pair) {
			require.NoError(t, p.client.SetWriteDeadline(time.Now().Add(-time.Second)))
			sends(t, p.server, "abc", "ok")
			wants(t, p.client, "abc", "ok")
			sends(t, p.client, "x", "deadline")
		},
	}
}
