package recorder

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestOustedIsNotServed although his request came just then.
func TestOustedIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q waiting
		require.False(t, q.oust(), "nobody waits")
		one, end := net.Pipe()
		defer end.Close()
		two, other := net.Pipe()
		defer other.Close()
		defer two.Close()
		first := q.enter(one)
		second := q.enter(two)
		require.False(t, q.oust(), "they came just now")
		time.Sleep(patience)
		require.True(t, q.oust())
		require.False(t, q.leave(first))
		require.True(t, q.leave(second))
		require.False(t, q.oust(), "who has a request stays")
	})
}
