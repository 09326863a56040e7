package scenarios_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/suite"
)

// facts is what the operators told of an incident, looked up in the history of its
// replay: when it began and ended, whom it hit and where. What is compared stands here
// and not in the scenario, which could be wrong.
func facts() map[string]func(*testing.T, record) {
	return map[string]func(*testing.T, record){
		"2014-07-08/today":     cohortsLed,
		"2014-10-15/as-it-was": sslDisabled,
		"2014-10-28/as-it-was": blankMails,
		"2014-10-28/today":     blankMailsHeldBack,
		"2014-11-26/as-it-was": irelandImpaired,
		"2014-11-26/today":     irelandImpaired,
		"2014-11-27/as-it-was": namesFail,
		"2014-11-27/today":     namesFailUnnoticed,
		"2014-11-30/as-it-was": italyDown,
		"2014-11-30/today":     italyDown,
		"2014-12-17/as-it-was": webServerFails,

		"redis-failover/today": indexIs(map[string]map[string]string{
			"1m40s": {"eu-west/balancer-1": "redis-2", "eu-west/balancer-2": "redis-2", "us-east/balancer-1": "redis-2", "us-east/balancer-2": "redis-2"},
			"3m29s": {"eu-west/balancer-1": "redis", "eu-west/balancer-2": "redis", "us-east/balancer-1": "redis", "us-east/balancer-2": "redis"},
			"4m":    {"eu-west/balancer-1": "redis", "eu-west/balancer-2": "redis", "us-east/balancer-1": "redis", "us-east/balancer-2": "redis"},
		}),
		"redis-split/today": indexIs(map[string]map[string]string{
			"1m15s": {"eu-west/balancer-1": "redis", "eu-west/balancer-2": "redis", "us-east/balancer-1": "redis", "us-east/balancer-2": "redis"},
			"1m35s": {"eu-west/balancer-1": "redis-2", "eu-west/balancer-2": "redis-2", "us-east/balancer-1": "redis", "us-east/balancer-2": "redis"},
			"3m":    {"eu-west/balancer-1": "redis-2", "eu-west/balancer-2": "redis-2", "us-east/balancer-1": "redis-2", "us-east/balancer-2": "redis-2"},
		}),

		"nearest-datacenter/today":         sentTo(map[string]string{"rome": "eu-west", "new-york": "us-east", "san-francisco": "us-west", "rome-told": "eu-west", "rome-hidden": "us-east"}),
		"nearest-datacenter/another-table": sentTo(map[string]string{"rome": "us-east", "new-york": "us-west", "san-francisco": "us-west", "rome-told": "us-east", "rome-hidden": "us-west"}),
	}
}

// record is the history of a run with the clock of its incident.
type record struct {
	*testing.T
	plan   *scenario.Plan
	events []history.Event
}

// verify looks up what is known of the incident that a run replays.
func verify(t *testing.T, out string, j suite.Job) {
	t.Helper()
	check := facts()[j.Plan.Scenario+"/"+j.Plan.Variant]
	if check == nil {
		return
	}
	f, err := os.Open(filepath.Join(out, j.Dir(), "history.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	events, err := history.Read(f)
	require.NoError(t, err)
	check(t, record{t, j.Plan, events})
}

// all are the events that match.
func (r record) all(match func(history.Event) bool) []history.Event {
	return slices.DeleteFunc(slices.Clone(r.events), func(e history.Event) bool { return !match(e) })
}

// at requires that an event was within a minute after a time of the incident's day, such as 18:40.
func (r record) at(want string, e history.Event) {
	r.Helper()
	began, err := time.Parse(time.DateTime, r.plan.Date+" "+want+":00")
	require.NoError(r, err)
	wall, err := time.Parse(time.RFC3339, r.plan.Wall(e.At))
	require.NoError(r, err)
	require.WithinRange(r, wall, began, began.Add(time.Minute), "%s of %s", e.Kind, e.Node)
}

// until requires that an event was within a minute before a time.
func (r record) until(want string, e history.Event) {
	r.Helper()
	e.At += time.Minute
	r.at(want, e)
}

// sslDisabled: at 04:55 UTC the website had ended SSL 3.0, and whatever is later was
// spoken on.
func sslDisabled(t *testing.T, r record) {
	speaks := map[string]string{}
	for _, v := range r.plan.Visitors {
		if v.Ask == "website" {
			speaks[v.Name] = v.Speak
		}
	}
	old := r.all(func(e history.Event) bool { return e.Kind == history.Requested && speaks[e.Node] == "ssl3" })
	first := slices.IndexFunc(old, func(e history.Event) bool { return e.Class == "declined" })
	require.Positive(t, first, "it was spoken before")
	r.at("04:55", old[first])
	servers := map[string]bool{}
	for _, e := range old[first:] {
		servers[e.Peer] = true
		if e.Class == "ok" { // told once it has been counted for a while
			require.Less(t, e.At-old[first].At, 15*time.Second)
		}
	}
	require.Len(t, servers, r.plan.System.Web.Website, "all servers of the website")
	for _, e := range r.all(func(e history.Event) bool {
		return e.Kind == history.Requested && speaks[e.Node] > "1" && speaks[e.Node] < "ssl"
	}) {
		require.Equal(t, "ok", e.Class, "TLS is spoken all the time")
	}
}

// irelandImpaired: from 15:00 till 15:58 UTC connectivity from the Internet was
// impaired, now and then, for some of the servers in Ireland.
func irelandImpaired(t *testing.T, r record) {
	site := ""
	for _, dc := range r.plan.System.Datacenters {
		if dc.Place == "Ireland" {
			site = dc.Name + "/"
		}
	}
	network := r.all(func(e history.Event) bool {
		return e.Kind == history.FaultBegan && !strings.HasPrefix(e.Detail, "drain")
	})
	during := r.all(func(e history.Event) bool {
		return slices.ContainsFunc(network, func(began history.Event) bool { return began.Fault == e.Fault })
	})
	require.Greater(t, len(network), 4, "it comes and goes")
	r.at("15:00", during[0])
	r.at("15:58", during[len(during)-1])

	out := map[string]bool{}
	for _, v := range r.all(func(e history.Event) bool { return e.Kind == history.Voted && !e.OK }) {
		require.True(t, strings.HasPrefix(v.Subject, site), "those in Ireland")
		out[v.Subject] = true
	}
	require.Equal(t, map[string]bool{site + "balancer-1": true, site + "api-1": true}, out, "some of the servers, not all")
	failed := r.all(func(e history.Event) bool { return e.Kind == history.Requested && e.Class != "ok" })
	require.NotEmpty(t, failed, "apps on phones notice")
	for _, f := range failed {
		require.Equal(t, []string{site + "api-1", "timeout"}, []string{f.Peer, f.Class})
	}
	lost := r.all(func(e history.Event) bool { return e.Kind == history.Lost })
	require.NotEmpty(t, lost)
	require.True(t, slices.ContainsFunc(lost, func(l history.Event) bool {
		return slices.ContainsFunc(failed, func(f history.Event) bool { return f.Node == l.Node })
	}), "and somebody's app has both troubles")
	for _, l := range lost {
		require.Equal(t, site+"balancer-1", l.Peer, "nobody loses a show but there")
		require.Greater(t, l.At, network[len(network)-1].At, "and while it came and went, nobody at all")
	}
}

// italyDown: from 01:33 till 09:04 UTC some servers in Italy failed; European users
// dropped, and were led elsewhere within a few minutes.
func italyDown(t *testing.T, r record) {
	site := italy(r)
	ours := func(node string) bool { return strings.HasPrefix(node, site+"/") }
	ended := r.all(func(e history.Event) bool { return e.Kind == history.NodeEnded })
	ready := r.all(func(e history.Event) bool { return e.Kind == history.NodeReady && e.At > ended[0].At })
	require.Len(t, ready, len(ended))
	for i := range ended {
		require.True(t, ours(ended[i].Subject) && ours(ready[i].Subject), "only servers in Italy fail")
		r.at("01:33", ended[i])
		r.at("09:04", ready[i])
	}
	began := r.all(func(e history.Event) bool {
		return e.Kind == history.NodeReady && ours(e.Subject) && e.At <= ended[0].At
	})
	require.Less(t, len(ended), len(began), "some of them")

	lost := r.all(func(e history.Event) bool { return e.Kind == history.Lost })
	require.NotEmpty(t, lost)
	for _, l := range lost {
		r.at("01:33", l)
		require.True(t, ours(l.Peer))
		back := r.all(func(e history.Event) bool {
			return e.Node == l.Node && e.Kind == history.Attempt && e.Class == "accepted" && e.At > l.At
		})
		require.NotEmpty(t, back, "%s is on air again", l.Node)
		require.False(t, ours(back[0].Peer), "and elsewhere")
		require.Less(t, back[0].At-l.At, 4*time.Minute, "in a few minutes")
	}
	last := ready[len(ready)-1].At
	home := r.all(func(e history.Event) bool {
		return e.Kind == history.Attempt && e.Class == "accepted" && ours(e.Peer) && e.At > ended[0].At
	})
	require.NotEmpty(t, home, "the site is back")
	require.Greater(t, home[0].At, last, "and nobody was there before")
}

// italy is the datacenter that stands there.
func italy(r record) string {
	for _, dc := range r.plan.System.Datacenters {
		if slices.Contains([]string{"Turin", "Italy", "Milan"}, dc.Place) {
			return dc.Name
		}
	}
	require.Fail(r, "no datacenter in Italy")
	return ""
}

// webServerFails: from 18:40 till 19:05 UTC all requests on one web server failed with
// a 503 error.
func webServerFails(t *testing.T, r record) {
	requests := r.all(func(e history.Event) bool { return e.Kind == history.Requested })
	failed := slices.DeleteFunc(slices.Clone(requests), func(e history.Event) bool { return e.Class == "ok" })
	r.at("18:40", failed[0])
	r.until("19:05", failed[len(failed)-1])
	r.at("18:40", r.all(func(e history.Event) bool { return e.Kind == history.FaultTouched })[0]) // and not when it ended
	server := failed[0].Peer
	require.Contains(t, server, "/web-", "it is a server of the website")
	for _, e := range failed {
		require.Equal(t, [2]any{server, 503}, [2]any{e.Peer, e.Status}, "one server, one answer")
	}
	total, bad, there := 0, 0, 0 // once what was counted before it began has been told
	for _, e := range requests {
		if e.At < failed[0].At+15*time.Second || e.At > failed[len(failed)-1].At || !strings.Contains(e.Subject, "www") {
			continue
		}
		total += e.Times()
		if e.Peer == server {
			there += e.Times()
		}
		if e.Class != "ok" {
			bad += e.Times()
		}
	}
	require.InDelta(t, 0.25, float64(bad)/float64(total), 0.03, "its share of four")
	require.InDelta(t, 1, float64(bad)/float64(there), 0.03, "all requests that came to it")
}

// sentTo: each group's broadcasters are told of the balancers of one datacenter, and of no other.
func sentTo(want map[string]string) func(*testing.T, record) {
	return func(t *testing.T, r record) {
		group := map[string]string{}
		for _, b := range r.plan.Broadcasters {
			group[b.Name] = b.Group
		}
		asked := map[string]bool{}
		for _, e := range r.all(func(e history.Event) bool { return e.Kind == history.Resolved }) {
			asked[group[e.Node]] = true
			for _, host := range e.Hosts {
				require.True(t, strings.HasPrefix(host, want[group[e.Node]]+"/"), "%s was told of %s", e.Node, host)
			}
		}
		require.Len(t, asked, len(want), "every group asked")
	}
}

// indexIs: at some instants each balancer had its index at the Redis named, by the last
// connection that it opened. Failovers that nobody follows would go unnoticed: the recorders
// keep every promise without an index.
func indexIs(want map[string]map[string]string) func(*testing.T, record) {
	return func(t *testing.T, r record) {
		for at, where := range want {
			until, err := time.ParseDuration(at)
			require.NoError(t, err)
			got := map[string]string{}
			for _, e := range r.all(func(e history.Event) bool { return e.Kind == history.Dialed && e.Class == "ok" && e.At <= until }) {
				got[e.Subject] = e.Peer
			}
			require.Equal(t, where, got, "at %s", at)
		}
	}
}
