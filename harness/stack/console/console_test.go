package console_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"deadair/harness/stack/console"
)

func TestDo(t *testing.T) {
	m := miniredis.NewMiniRedis()
	conn, err := m.Dial()
	require.NoError(t, err)
	defer m.Close()
	c := console.New(conn)
	defer c.Close()
	for _, one := range []struct {
		words []string
		want  any
	}{
		{[]string{"SET", "key", "two words\r\n"}, "OK"},
		{[]string{"GET", "key"}, "two words\r\n"},
		{[]string{"DEL", "key", "other"}, 1},
		{[]string{"EVAL", "return {'a', 2}", "0"}, []any{"a", 2}},
	} {
		got, err := c.Do(t.Context(), one.words...)
		require.NoError(t, err)
		require.Equal(t, one.want, got)
	}

	var refusal *console.Refusal
	_, err = c.Do(t.Context(), "NONSENSE")
	require.ErrorAs(t, err, &refusal)
	require.ErrorContains(t, err, "redis answered: ERR unknown command")
	_, err = c.Do(t.Context(), "PING")
	require.NoError(t, err, "after a refusal it goes on")
}

// TestDeadlines: a Redis that does not answer holds nobody.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		go io.Copy(io.Discard, theirs)
		c := console.New(ours)
		defer c.Close()
		for limit, ctx := range map[time.Duration]func() (context.Context, context.CancelFunc){
			5 * time.Second: func() (context.Context, context.CancelFunc) { return t.Context(), func() {} },
			time.Second:     func() (context.Context, context.CancelFunc) { return context.WithTimeout(t.Context(), time.Second) },
		} {
			ctx, stop := ctx()
			began := time.Now()
			_, err := c.Do(ctx, "PING")
			stop()
			var late net.Error
			require.ErrorAs(t, err, &late)
			require.True(t, late.Timeout())
			require.Equal(t, limit, time.Since(began))
		}
	})
}
