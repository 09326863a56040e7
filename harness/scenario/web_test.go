package scenario

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// visited is a valid file with a website; tests append to it.
const visited = minimal + `system: {web: {website: 4}}
visitors:
  - {name: readers, from: Paris, count: 3, every: 5s}
  - {name: apps, from: London, ask: api, resolver: stale}
`

func TestWebsiteAndVisitors(t *testing.T) {
	p := planOf(t, visited+`timeline:
  - {at: 1m, answer: {nodes: "us-west/*", status: 503}, for: 1m}
  - {at: 3m, kill: us-west/web-1, for: 1m}
  - {at: 5m, cut: {from: readers, to: us-west}}
expect: [{error-rate: {at-most: 2%, within: 30s, visitors: readers}}]
variants:
  today: {system: {web: {in: us-west, check: tcp}}, resolvers: {readers: pinned}, verdict: pass}
`)
	require.Equal(t, &Web{In: "us-west", Website: 4, API: 2, Check: "tcp"}, p.System.Web, "a variant changes what it names, and no more")
	require.Len(t, p.Visitors, 4)
	require.Equal(t, Visitor{Name: "readers-03", Group: "readers", From: "Paris", Resolver: "pinned", Ask: "website", Site: "www.deadair.test", Every: 5_000_000_000}, p.Visitors[2])
	require.Equal(t, Visitor{Name: "apps-01", Group: "apps", From: "London", Resolver: "stale", Ask: "api", Site: "api.deadair.test", Every: presetEvery}, p.Visitors[3])
	require.Equal(t, "us-west/api-1 us-west/api-2 … us-west/web-4 (6) answers 503 to everything, for 1m0s", p.Steps[0].Sentence())
	require.Equal(t, []string{"us-west/web-1"}, p.Steps[1].Nodes)
	require.Equal(t, []string{"readers-01", "readers-02", "readers-03"}, p.Steps[2].From)
	require.Subset(t, p.Steps[2].To, []string{"us-west/web-4", "us-west/api-2", "us-west/recorder-1"})
	require.Equal(t, "error-rate {within: 30s, at-most: 2%, visitors: readers}", p.Expect[0].String())
	require.Equal(t, []string{"website"}, p.Affects)
}

// TestAppsAskTheAPI where there is one, and are judged as visitors are.
func TestAppsAskTheAPI(t *testing.T) {
	text := strings.Replace(visited, "persona: butt", "persona: app", 1) + "expect: [{error-rate: {at-most: 1%, within: 1m, visitors: rome}}]\n"
	p := planOf(t, text)
	require.Equal(t, "api.deadair.test", p.Broadcasters[0].API)
	require.Empty(t, p.Broadcasters[0].Second)
	p = planOf(t, strings.Replace(text, "website: 4", "second: true", 1))
	require.Equal(t, "api2.deadair.test", p.Broadcasters[0].Second)
	require.Greater(t, p.Begin(p.Broadcasters[0]).Max, p.Admission(p.Broadcasters[0], false).Max, "asking takes time")
	p = planOf(t, minimal)
	require.Empty(t, p.Broadcasters[0].API)
	require.Equal(t, p.Admission(p.Broadcasters[0], false), p.Begin(p.Broadcasters[0]))
}

func TestWebsitesAndVisitorsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"datacenter":             {strings.Replace(visited, "{website: 4}", "{in: us-est}", 1), `x.yaml:5:20: unknown datacenter "us-est" (did you mean "us-east"?)`},
		"servers":                {strings.Replace(visited, "website: 4", "website: 17", 1), `x.yaml:5:15: website is 17: from 1 to 16`},
		"health check":           {strings.Replace(visited, "website: 4", "check: icmp", 1), `x.yaml:5:23: unknown health check "icmp"`},
		"nothing to visit":       {strings.Replace(visited, "web: {website: 4}", "preset: two-datacenters", 1), `x.yaml:7:5: there is nothing to visit: give the system a website`},
		"group taken":            {strings.Replace(visited, "name: readers", "name: rome", 1), `x.yaml:7:12: there is a group "rome" already`},
		"group twice":            {strings.Replace(visited, "name: apps", "name: readers", 1), `x.yaml:8:12: there is a group "readers" already`},
		"group's name":           {strings.Replace(visited, "name: apps", "name: redis", 1), `x.yaml:8:12: "redis" is no name for a group`},
		"place":                  {strings.Replace(visited, "Paris", "Pari", 1), `x.yaml:7:27: unknown place "Pari" (did you mean "Paris"?)`},
		"site":                   {strings.Replace(visited, "ask: api", "ask: shop", 1), `x.yaml:8:37: unknown word "shop"`},
		"count":                  {strings.Replace(visited, "count: 3", "count: 1001", 1), `x.yaml:7:5: count is 1001: from 1 to 1000`},
		"more in all":            {strings.Replace(visited, "count: 3", "count: 1000", 1), `x.yaml:8:5: 1001 visitors are more than 1000`},
		"every":                  {strings.Replace(visited, "every: 5s", "every: 10ms", 1), `x.yaml:7:5: every is 10ms: from 1s to 1h`},
		"status":                 {visited + "timeline: [{at: 1m, answer: {nodes: eu-west/web-1, status: 200}}]\n", `x.yaml:9:29: status 200 is no failure: from 400 to 599`},
		"way to speak":           {strings.Replace(visited, "ask: api", "speak: 2.0", 1), `x.yaml:8:39: unknown word "2.0"`},
		"floor":                  {strings.Replace(visited, "website: 4", "floor: 2.0", 1), `x.yaml:5:23: no server agrees to "2.0"`},
		"nobody speaks TLS":      {strings.Replace(visited, "ask: api", "speak: 1.2", 1), `x.yaml:8:5: nobody there speaks TLS: give the system's web a floor`},
		"floor of a step":        {visited + "timeline: [{at: 1m, harden: {nodes: eu-west/web-1, floor: 1.3}}]\n", `x.yaml:9:59: unknown word "1.3"`},
		"nothing to harden":      {visited + "timeline: [{at: 1m, harden: {nodes: eu-west/web-1, floor: 1.2}}]\n", `nobody there speaks TLS: give the system's web a floor`},
		"answer of an edge":      {strings.Replace(visited, "website: 4", "edge: 1", 1) + "timeline: [{at: 1m, answer: {nodes: eu-west/edge-1, status: 503}}]\n", `x.yaml:9:37: unknown name "eu-west/edge-1"`},
		"no status":              {visited + "timeline: [{at: 1m, answer: {nodes: eu-west/web-1}}]\n", `"status" is missing`},
		"answer of a balancer":   {visited + "timeline: [{at: 1m, answer: {nodes: eu-west/balancer-1, status: 503}}]\n", `x.yaml:9:37: unknown name "eu-west/balancer-1"`},
		"drain of a web server":  {visited + "timeline: [{at: 1m, drain: eu-west/web-1}]\n", `x.yaml:9:28: unknown name "eu-west/web-1"`},
		"drop of visitors":       {visited + "timeline: [{at: 1m, drop: {broadcasters: readers}}]\n", `x.yaml:9:42: unknown group "readers"`},
		"share":                  {visited + "expect: [{error-rate: {at-most: 10s, within: 1m}}]\n", `x.yaml:9:33: "10s" is no share`},
		"no share":               {visited + "expect: [{error-rate: {within: 1m}}]\n", `error-rate needs "at-most"`},
		"share of dead air":      {visited + "expect: [{dead-air: {at-most: 1%}}]\n", `x.yaml:9:31: "1%" is no length of time`},
		"group of visitors":      {visited + "expect: [{error-rate: {at-most: 1%, within: 1m, visitors: rome}}]\n", `x.yaml:9:59: unknown group "rome"`},
		"visitors of a property": {visited + "expect: [{untouched: {broadcasters: readers}}]\n", `unknown group "readers"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
}
