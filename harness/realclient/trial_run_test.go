//go:build linux

package realclient_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestATrialIsHeldAgain: what failed on a starved machine is held once more, and only
// what fails on a machine that has time is a failure.
func TestATrialIsHeldAgain(t *testing.T) {
	for name, c := range map[string]struct {
		starved [2]bool // this trial
		fails   [2]bool
		held    int
		unclear bool
	}{
		"it holds":                        {held: 1},
		"it holds on a starved machine":   {starved: [2]bool{true}, held: 1},
		"it fails starved, then holds":    {starved: [2]bool{true}, fails: [2]bool{true}, held: 2},
		"it fails starved, and once more": {starved: [2]bool{true, true}, fails: [2]bool{true, true}, held: 2, unclear: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stage{pulse: &pulse{}}
			held, cleaned, unclear := 0, 0, false
			defer func() {
				require.Equal(t, c.held, held)
				require.Equal(t, held, cleaned, "each cleans up behind itself")
				require.Equal(t, c.unclear, unclear)
				require.Equal(t, c.unclear, s.unclear.Load() == 1)
			}()
			s.meet(t, func(tb testing.TB) {
				tb.Cleanup(func() { cleaned++ })
				if c.starved[held] {
					s.pulse.late = append(s.pulse.late, beat{time.Now().Add(time.Millisecond), starved})
				}
				held++
				require.False(tb, c.fails[held-1])
			}, func(string) { unclear = true })
		})
	}
}

// TestATrialThatFailsIsToldOf: a trial's own failures are not lost, in its cleanup
// neither.
func TestATrialThatFailsIsToldOf(t *testing.T) {
	r := hold(t, func(tb testing.TB) {
		tb.Cleanup(func() { tb.Fatal("left behind") })
		require.Equal(tb, 1, 2)
		panic("it went on")
	})
	require.True(t, r.Failed())
	require.Contains(t, r.said(), "left behind")
	require.Contains(t, r.said(), "Not equal")
}

// TestThePulseTells: it is late when it is not given time, and only then.
func TestThePulseTells(t *testing.T) {
	p := newPulse()
	defer p.stop()
	began := time.Now()
	p.mu.Lock() // it cannot take its note, nor go on
	p.late = append(p.late, beat{began.Add(time.Second), time.Second})
	p.mu.Unlock()
	require.Equal(t, time.Second, p.worst(began))
	require.Zero(t, p.worst(began.Add(time.Hour)))
}
