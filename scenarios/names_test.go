package scenarios_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// namesFail: in the night more and more questions about names of the delivery network
// failed, until 01:38 UTC, when random failures remained. Website and listening suffered.
func namesFail(t *testing.T, r record) {
	failed := r.all(func(e history.Event) bool { return e.Kind == history.Requested && e.Class != "ok" })
	require.NotEmpty(t, failed)
	share := func(site, from, to string) float64 {
		bad, all := 0, 0
		for _, e := range r.all(func(e history.Event) bool { return e.Kind == history.Requested && strings.HasPrefix(e.Subject, site) }) {
			if at := r.clock(e); at < from || at >= to {
				continue
			}
			all += e.Times()
			if e.Class != "ok" {
				bad += e.Times()
			}
		}
		require.Positive(t, all)
		return float64(bad) / float64(all)
	}
	for _, site := range []string{"www.", "live."} {
		rising, worst, later := share(site, "00:52", "01:00"), share(site, "01:00", "01:38"), share(site, "01:38", "01:50")
		require.Less(t, rising, worst, "it rises, of %s", site)
		require.Greater(t, worst, 0.1, "many are concerned")
		require.Less(t, later, worst/2, "it is restored gradually")
		require.Zero(t, share(site, "00:50", "00:52"))
	}
	require.Positive(t, share("www.", "01:38", "01:50")+share("live.", "01:38", "01:50"), "some still fail at random")
	for _, e := range failed {
		require.Equal(t, "unresolved", e.Class, "it is the names")
		require.NotContains(t, e.Subject, "api.", "of what is delivered")
	}
	require.Empty(t, r.all(func(e history.Event) bool { return e.Kind == history.Lost }), "no show is concerned")
	deaf := r.all(func(e history.Event) bool { return e.Kind == history.Listened && !e.OK && e.Class != "ok" })
	require.NotEmpty(t, deaf, "some hear nothing")
	for _, e := range deaf {
		require.Equal(t, "unresolved", e.Class)
	}
	for _, e := range r.all(func(e history.Event) bool { return e.Kind == history.Listened && e.OK }) {
		require.Equal(t, "ok", e.Class, "who listens goes on listening")
	}
}

// namesFailUnnoticed: today nobody who visits or listens notices it.
func namesFailUnnoticed(t *testing.T, r record) {
	touched := r.all(func(e history.Event) bool { return e.Kind == history.FaultTouched })
	require.NotEmpty(t, touched)
	require.Greater(t, touched[len(touched)-1].At-touched[0].At, 30*time.Minute)
	require.Empty(t, r.all(func(e history.Event) bool {
		return (e.Kind == history.Requested || e.Kind == history.Listened) && e.Class != "ok"
	}))
	require.NotEmpty(t, r.all(func(e history.Event) bool { return e.Kind == history.Listened && e.OK }))
}

// clock is the time of day of an event, such as 01:38.
func (r record) clock(e history.Event) string {
	r.Helper()
	wall, err := time.Parse(time.RFC3339, r.plan.Wall(e.At))
	require.NoError(r, err)
	return wall.Format("15:04")
}
