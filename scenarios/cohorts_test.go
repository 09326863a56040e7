package scenarios_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// cohortsLed: at 10:43 in Italy, 08:43 UTC, shows of PRO users with third-party
// applications were recorded by the new infrastructure, in Ireland, Virginia and Oregon,
// and all others not yet. Later all of them are, whatever the user and the app. Who is
// on air keeps his server.
func cohortsLed(t *testing.T, r record) {
	places := map[string]string{}
	for _, dc := range r.plan.System.Datacenters {
		places[dc.Name] = dc.Place
	}
	wrote := map[string]map[string]bool{} // the recorders that have frames of a show
	began := map[string]string{}          // the one that has its first
	for _, e := range r.all(func(e history.Event) bool { return e.Kind == history.SegmentFound }) {
		if wrote[e.Subject] == nil {
			wrote[e.Subject] = map[string]bool{}
		}
		wrote[e.Subject][e.Node] = true
		if e.Epoch == 1 {
			began[e.Subject] = e.Node
		}
	}
	instants := map[string]int{}
	sites := map[string]bool{}
	for _, b := range r.plan.Broadcasters {
		on := r.all(func(e history.Event) bool { return e.Kind == history.OnAir && e.Node == b.Name })
		require.Len(t, on, 1)
		at := r.plan.Wall(on[0].At)[11:19]
		instants[at]++
		led := strings.HasSuffix(began[b.Name], "/recorder-2") // the newer one of two
		require.Len(t, wrote[b.Name], 1, "%s is not moved while it is on air", b.Name)
		switch at {
		case "08:42:00", "08:44:30":
			require.False(t, led, "%s begins on the old infrastructure", b.Name)
		case "08:42:30", "08:43:00", "08:43:30":
			require.Equal(t, b.Plan == "pro" && b.Persona != "app", led, "%s: PRO users with third-party applications", b.Name)
		case "08:44:00":
			require.True(t, led, "%s: all users and apps", b.Name)
		}
		if at == "08:43:00" && led {
			site, _, _ := strings.Cut(began[b.Name], "/")
			sites[places[site]] = true
		}
	}
	require.Equal(t, map[string]int{"08:42:00": 6, "08:42:30": 6, "08:43:00": 6, "08:43:30": 6, "08:44:00": 6, "08:44:30": 6}, instants)
	require.Equal(t, map[string]bool{"Ireland": true, "Virginia": true, "Oregon": true}, sites)
	require.NotEmpty(t, r.all(func(e history.Event) bool { return e.Kind == history.Lost }), "some came back meanwhile")
}
