package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
)

func TestInstantsShowTheIncidentsClock(t *testing.T) {
	plain := &scenario.Plan{Clock: []scenario.Stretch{{}, {Run: minute, Incident: 6 * time.Hour}}}
	wall := &scenario.Plan{Clock: []scenario.Stretch{
		{Incident: 1500 * time.Millisecond, Wall: "2014-11-30T23:59:58Z"}, {Run: minute, Incident: 6 * time.Hour, Wall: "2014-12-01T05:59:56Z"},
	}}
	cases := []struct {
		p    *scenario.Plan
		run  time.Duration
		want string
	}{
		{plain, 0, "0:00:00.0"},
		{plain, -time.Second, "0:00:00.0"},
		{plain, 59*time.Second + 960*time.Millisecond, "0:01:00.0"},
		{plain, 59*time.Second + 940*time.Millisecond, "0:00:59.9"},
		{plain, minute, "6:00:00.0"},
		{plain, 2*minute + 1250*time.Millisecond, "6:01:01.3"},
		{wall, 0, "23:59:58.0Z"},
		{wall, 1240 * time.Millisecond, "23:59:59.2Z"},
		{wall, 3 * time.Second, "Dec 1, 00:00:01.0Z"},
		{wall, minute + 300*time.Millisecond, "Dec 1, 05:59:56.8Z"},
		{&scenario.Plan{}, time.Second, "0:00:01.0"},
	}
	for _, c := range cases {
		require.Equal(t, c.want, instant(c.p, c.run))
	}
	require.Equal(t, "6:00:01", label(plain, minute+700*time.Millisecond))
	require.Equal(t, "23:59:59", label(wall, 700*time.Millisecond))
}

func TestSpans(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 70 * time.Millisecond: "0.07 s", 9990 * time.Millisecond: "9.99 s", 10 * time.Second: "10.0 s", 119900 * time.Millisecond: "119.9 s",
		2 * minute: "2 min", 10*minute + 25*time.Second + 900*time.Millisecond: "10 min 26 s", 6*time.Hour + 30*time.Second: "6 h 30 s", -3 * time.Second: "-3.00 s",
	} {
		require.Equal(t, want, span(d))
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", -999: "-999", 91800: "91,800"} {
		require.Equal(t, want, number(n))
	}
	require.Equal(t, []string{"1 run", "0 runs", "1,200 runs"}, []string{plural(1, "run"), plural(0, "run"), plural(1200, "run")})
}

// TestPlayed: what was left out stands beside the numbers that do not count it.
func TestPlayed(t *testing.T) {
	require.Equal(t, "15 min", playedOf(&scenario.Plan{End: 15 * minute, Clock: []scenario.Stretch{{}}}))
	cut := &scenario.Plan{End: 3 * minute, Clock: []scenario.Stretch{{}, {Run: minute, Incident: 5 * minute}}}
	require.Equal(t, "3 min, 4 min of quiet time left out", playedOf(cut))
}
