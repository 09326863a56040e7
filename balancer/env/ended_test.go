package env_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
)

func TestEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		require.False(t, env.Ended(t.Context()), "one without an end")
		at := time.Now().Add(time.Second)
		ctx, cancel := context.WithDeadline(t.Context(), at)
		defer cancel()
		time.Sleep(time.Second - 1)
		require.False(t, env.Ended(ctx))
		time.Sleep(time.Nanosecond)
		require.True(t, env.Ended(ctx), "whether its own timer has fired or not")

		other, cancel := context.WithCancel(t.Context())
		cancel()
		require.True(t, env.Ended(other))
	})
}
