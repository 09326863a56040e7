package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// delivered is a valid file with listeners; tests append to it.
const delivered = minimal + `system: {web: {edge: 2, second: true}}
visitors: [{name: listeners, from: Paris, count: 2, ask: streaming}, {name: readers, from: Paris}]
`

func TestListenersAndNames(t *testing.T) {
	p := planOf(t, delivered+`timeline:
  - {at: 1m, dns: {of: [website, streaming], answer: servfail, share: 20%}, for: 1m}
  - {at: 3m, dns: {of: api, answer: timeout}, for: 1m}
  - {at: 5m, kill: eu-west/edge-2, for: 1m}
`)
	require.Equal(t, []string{"eu-west/edge-1", "eu-west/edge-2"}, p.System.Pools()[2].Nodes)
	require.Equal(t, "www2.deadair.test", p.System.Pools()[0].Second)
	require.Equal(t, Visitor{
		Name: "listeners-01", Group: "listeners", From: "Paris", Resolver: "honest", Ask: "streaming", Site: "live.deadair.test",
		Second: "live2.deadair.test", Mount: p.Broadcasters[0].Mount,
	}, p.Visitors[0])
	require.Zero(t, p.Visitors[0].Every, "they stay")
	require.Equal(t, 2*time.Minute, planOf(t, strings.Replace(delivered, "ask: streaming", "every: 2m, ask: streaming", 1)).Visitors[0].Every)
	require.Equal(t, "20% of the questions about the names of website streaming: servfail, for 1m0s", p.Steps[0].Sentence())
	require.Equal(t, 100, p.Steps[1].Share)
	require.Equal(t, []string{"eu-west/edge-2"}, p.Steps[2].Nodes)

	p = planOf(t, delivered+"variants: {today: {system: {web: {second: false}}, verdict: pass}}\n")
	require.Empty(t, p.System.Pools()[0].Second)
	require.Empty(t, p.Visitors[0].Second)
	require.Equal(t, 2, p.System.Web.Edge, "a variant changes what it names, and no more")
}

func TestListenersAndNamesThatCannotBe(t *testing.T) {
	const visitor = "visitors: [{name: listeners, from: Paris, ask: streaming}]\n"
	for name, c := range map[string]struct{ text, want string }{
		"nobody delivers":  {minimal + "system: {web: {website: 1}}\n" + visitor, "there is nothing to listen to"},
		"too many":         {minimal + "system: {web: {edge: 17}}\n", "edge is 17: from 0 to 16"},
		"no such name":     {delivered + "timeline: [{at: 1m, dns: {of: shop, answer: servfail}, for: 1m}]\n", `there is no name of "shop" here`},
		"no such answer":   {delivered + "timeline: [{at: 1m, dns: {of: api, answer: fail}, for: 1m}]\n", `unknown word "fail"`},
		"no answer":        {delivered + "timeline: [{at: 1m, dns: {of: api}, for: 1m}]\n", `"answer" is missing`},
		"no name of any":   {minimal + "timeline: [{at: 1m, dns: {of: api, answer: servfail}, for: 1m}]\n", `there is no name of "api" here`},
		"share beyond all": {delivered + "timeline: [{at: 1m, dns: {of: api, answer: servfail, share: 101%}, for: 1m}]\n", "101%"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
}
