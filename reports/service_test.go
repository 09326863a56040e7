package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
)

// TestTheTableOfMinutes: what health checks said beside what was served.
func TestTheTableOfMinutes(t *testing.T) {
	f := newFilm("rome-1", "rome-2")
	f.plan.End = 9*minute + 30*time.Second
	f.step(scenario.Step{ID: "step-1", Do: "restart", Nodes: []string{eu1}, At: minute})
	f.dial(eu1, 10*time.Second)
	f.dial("eu-west/balancer-2", 11*time.Second)
	f.ask(eu1, 30*time.Second, "ok", 1)
	f.attempt("rome-1", eu1, 59*time.Second, time.Second, "accepted")
	f.attempt("rome-2", eu1, 59*time.Second, time.Second, "refused")
	f.attempt("rome-2", eu2, 59*time.Second, time.Second, "accepted")
	f.attempt("rome-1", eu1, 61*time.Second, 5*time.Second, "timeout") // began a minute earlier
	f.knocks("rome-1", eu1, 7, 62*time.Second)
	f.saw("checker-01", eu1, 90*time.Second, false)
	f.saw("checker-02", eu1, 91*time.Second, false)
	f.saw("checker-02", eu1, 92*time.Second, false) // the same opinion again
	f.saw("checker-01", eu1, 93*time.Second, true)
	f.saw("checker-09", eu2, 94*time.Second, false)
	f.ask(eu1, 95*time.Second, "ok", 4)
	f.ask(eu1, 100*time.Second, "timeout", 1)
	f.answer("eu-west", 130*time.Second, "", eu2)
	f.answer("eu-west", 250*time.Second, "", eu1, eu2)
	f.saw("checker-02", eu1, 250*time.Second, true)
	f.dial(eu1, 251*time.Second)
	pg := f.page()
	require.Equal(t, eu1, pg.Service[0].Balancer)
	s := pg.Service[0]
	require.True(t, s.Watched)
	require.True(t, s.Witness)
	require.Nil(t, s.Lie)
	require.Equal(t, []Minute{
		{At: "0:00:00.0", Green: 16, Checkers: 16, DNS: "yes", Attempts: 2, Served: 1, Dials: 1, Fresh: "worked"},
		{At: "0:01:00.0", Green: 14, Checkers: 16, DNS: "yes", Attempts: 8, Fresh: "worked, timeout"},
		{At: "0:02:00.0", Green: 15, Checkers: 16, DNS: "partly"},
		{At: "0:03:00.0", Green: 15, Checkers: 16, DNS: "no"},
		{At: "0:04:00.0", Green: 15, Checkers: 16, DNS: "partly", Dials: 1},
		{At: "0:05:00.0", Until: "0:09:00.0", Green: 16, Checkers: 16, DNS: "yes"},
	}, s.Minutes)
}

// TestMinutesOfTheLieAreMarked, also those in which nobody came, and no others.
func TestMinutesOfTheLieAreMarked(t *testing.T) {
	f := newFilm("rome-1")
	f.timeouts(eu1, 2*minute+30*time.Second, 4*minute+30*time.Second, 5*minute, 6*minute+10*time.Second)
	var marked []string
	for _, m := range f.page().Service[0].Minutes {
		if m.Lie {
			marked = append(marked, m.At)
		}
	}
	require.Equal(t, []string{"0:02:00.0", "0:03:00.0", "0:04:00.0", "0:05:00.0", "0:06:00.0"}, marked)
}

// TestWhichBalancersAreTold: those somebody tried and something is about.
func TestWhichBalancersAreTold(t *testing.T) {
	f := newFilm("rome-1")
	f.attempt("rome-1", eu1, minute, time.Second, "accepted")
	f.attempt("rome-1", eu2, minute, time.Second, "accepted")
	require.Empty(t, f.page().Service, "nothing happened to them")
	f.saw("checker-01", eu2, 2*minute, false)
	f.saw("checker-01", us1, 2*minute, false)
	pg := f.page()
	require.Len(t, pg.Service, 1, "nobody tried us-east/balancer-1")
	require.Equal(t, eu2, pg.Service[0].Balancer)
}

// TestALongRunKeepsItsTableShort: a day has 1,440 minutes.
func TestALongRunKeepsItsTableShort(t *testing.T) {
	f := newFilm("rome-1")
	f.plan.End = 24 * time.Hour
	for m := range 1440 {
		f.attempt("rome-1", eu1, time.Duration(m)*minute+time.Second, time.Second, map[bool]string{true: "accepted", false: "refused"}[m%2 == 0])
	}
	f.saw("checker-01", eu1, minute, false)
	s := f.page().Service[0]
	require.Len(t, s.Minutes, maxMinutes)
	require.Equal(t, 1440-maxMinutes, s.More)
	require.Contains(t, f.html(t), "1,350 more rows are left out")
}
