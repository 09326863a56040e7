package scenario

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const rolledOut = `schema: 1
title: New recorders are rolled out
system: {preset: two-datacenters, recorders: 3, old-recorders: 2, accounts: us-east}
broadcasters:
  - {name: pro, from: Rome, plan: pro, persona: butt}
  - {name: app, from: Rome, plan: pro, persona: app}
  - {name: free, from: Rome, plan: free, persona: butt}
  - {name: none, from: Rome, persona: app}
timeline:
  - {at: 1m, rollout: pro-third-party}
  - {at: 2m, rollout: everybody}
  - {at: 3m, rollout: nobody}
expect: [cohort-routed]
`

func TestRollout(t *testing.T) {
	p := planOf(t, rolledOut)
	require.Equal(t, "old", p.System.Generation("eu-west/recorder-2"))
	require.Equal(t, "new", p.System.Generation("us-east/recorder-3"))
	require.Empty(t, System{Datacenters: p.System.Datacenters}.Generation("us-east/recorder-3"), "there is only one")
	s := p.Steps[0]
	require.Equal(t, []string{"eu-west/balancer-1", "eu-west/balancer-2", "us-east/balancer-1", "us-east/balancer-2"}, s.Nodes)
	require.Equal(t, "shows of PRO accounts with third-party apps that begin go to the new recorders, all others to the old ones", s.Sentence())
	require.Equal(t, "all shows that begin go to the new recorders", p.Steps[1].Sentence())
	require.Equal(t, "all shows that begin go to the old recorders", p.Steps[2].Sentence())
	for cohort, want := range map[string][]string{
		"nobody": nil, "pro-third-party": {"pro-01"}, "third-party": {"pro-01", "free-01"}, "pro": {"pro-01", "app-01"},
		"everybody": {"pro-01", "app-01", "free-01", "none-01"},
	} {
		var led []string
		for _, b := range p.Broadcasters {
			if b.In(cohort) {
				led = append(led, b.Name)
			}
		}
		require.Equal(t, want, led, cohort)
	}
}

func TestRolloutsThatCannotBe(t *testing.T) {
	for change, want := range map[string]string{
		"old-recorders: 2, >":                      "there are no old recorders and no new ones",
		"old-recorders: 2>old-recorders: 3":        "old-recorders is 3: from 1 to 2",
		"old-recorders: 2>old-recorders: 0":        "old-recorders is 0: from 1 to 2",
		", accounts: us-east>":                     "nobody tells balancers the plan of an account",
		"plan: free>plan: fre":                     `unknown word "fre" (did you mean "free"?)`,
		"rollout: nobody>rollout: somebody":        `there is no cohort "somebody"`,
		"rollout: nobody>rollout: nobody, for: 1m": `takes no "for"`,
	} {
		from, to, _ := strings.Cut(change, ">")
		require.Contains(t, rolledOut, from)
		f, err := Parse("x.yaml", []byte(strings.Replace(rolledOut, from, to, 1)))
		if err == nil {
			_, err = Expand(f, "today", "virtual", 1, 1)
		}
		require.ErrorContains(t, err, want, change)
	}
}
