package harness

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world"
)

// TestStoreStandsWhereThePlanSays, and only when it says so.
func TestStoreStandsWhereThePlanSays(t *testing.T) {
	const text = "schema: 1\ntitle: A title\nbroadcasters:\n  - {name: rome, from: Rome, persona: butt}\n"
	for tail, want := range map[string]bool{
		"":                                 false,
		"system: {store: {in: us-west}}\n": true,
		"system: {store: {in: us-east}}\nvariants: {today: {system: {store: {in: us-west}}, verdict: pass}}\n": true,
	} {
		f, err := scenario.Parse("x.yaml", []byte(text+tail))
		require.NoError(t, err)
		p, err := scenario.Expand(f, "today", "virtual", 1, 1)
		require.NoError(t, err)
		hosts := stack.Hosts(p)
		if !want {
			for _, h := range hosts {
				require.NotEqual(t, "store", h.Name)
			}
			continue
		}
		require.Contains(t, hosts, world.Host{Name: "store", Place: "Oregon"})
		var described strings.Builder
		require.NoError(t, scenario.Describe(&described, p))
		require.Contains(t, described.String(), "us-west (Oregon): 2 balancers, 3 recorders of 20, object store\n")
	}
}
