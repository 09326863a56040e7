package feed

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLulls: a listener is woken now and then while nothing follows, and not otherwise.
func TestLulls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := onAir(config(), 50)
		for range 2 { // the second one takes the timer that the first one left
			l := join(t, f)
			for range 3 {
				began := time.Now()
				turn, err := l.Next(t.Context())
				require.NoError(t, err)
				require.Empty(t, turn)
				require.Equal(t, lullEvery, time.Since(began))
			}
			for n := range 100 {
				publish(f, n, n+1)
				turn, err := l.Next(t.Context())
				require.NoError(t, err)
				require.NotEmpty(t, turn)
			}
			l.Leave()
			lulls := f.lulls.n
			time.Sleep(time.Minute)
			require.Equal(t, lulls, f.lulls.n, "nobody to wake")
		}
	})
}

// TestLullIsNoEnd: a show that is over while its listener was away from Next is over.
func TestLullIsNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := onAir(config(), 50)
		l := join(t, f)
		defer l.Leave()
		turn, err := l.Next(t.Context())
		require.NoError(t, err)
		require.Empty(t, turn)
		f.Close()
		_, err = l.Next(t.Context())
		require.ErrorIs(t, err, ErrOver)
	})
}
