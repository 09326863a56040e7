package session

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestClock: the estimate is never ahead of Redis' clock by more than it must be,
// and finds back to it when it is.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		epoch := time.Now()
		ahead := time.Duration(0) // of Redis' clock
		redis := func() time.Duration { return time.Since(epoch) + ahead }
		c := clock{limit: 500 * time.Millisecond}
		off := func() time.Duration {
			estimate, ok := c.redis(time.Now())
			require.True(t, ok)
			return estimate - redis()
		}
		_, ok := c.redis(time.Now())
		require.False(t, ok)

		answer := func(wayBack time.Duration) {
			sent := redis()
			time.Sleep(wayBack)
			c.learn(sent)
		}
		answer(80 * time.Millisecond)
		require.Equal(t, -80*time.Millisecond, off())
		answer(30 * time.Millisecond)
		require.Equal(t, -30*time.Millisecond, off(), "a quicker answer is better")
		answer(400 * time.Millisecond)
		require.Equal(t, -30*time.Millisecond-400*time.Microsecond, off(), "a slower one changes nothing")

		ahead = 10 * time.Second
		answer(50 * time.Millisecond)
		require.Equal(t, -50*time.Millisecond, off(), "set forward")
		ahead = 0
		answer(50 * time.Millisecond)
		require.Equal(t, -50*time.Millisecond, off(), "set back")
		ahead = -100 * time.Millisecond
		for range 40 {
			time.Sleep(5 * time.Second)
			answer(50 * time.Millisecond)
		}
		require.Equal(t, -50*time.Millisecond, off(), "set back by a little")
		require.Equal(t, redis()-50*time.Millisecond+time.Second-time.Millisecond, first(c.redis(time.Now().Add(time.Second))))
	})
}

func first(d time.Duration, _ bool) time.Duration { return d }
