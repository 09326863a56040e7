package check

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// deadTwin is a scenario in which the one balancer dies, and something befell the other.
const deadTwin = `
broadcasters: [{name: rome, from: Rome, count: 1, persona: ezstream}]
timeline:
%s  - {at: 85s, kill: eu-west/balancer-1}
ends: 5m
expect: [first-reconnect-answered, lost-for-good]
`

// deadRecorders is a scenario in which something befalls recorders.
const deadRecorders = `
broadcasters: [{name: rome, from: Rome, count: 1, persona: %s}]
timeline:
%s
ends: 5m
expect: [lost-for-good, {dead-air: {at-most: bound}}]
`

const allDead = `  - {at: 80s, kill: "*/recorder-*", for: 1m}`

// TestBlame: nobody is blamed for what no system could have done, and whoever could is.
func TestBlame(t *testing.T) {
	for name, c := range map[string]struct {
		plan     string
		play     func(r *run)
		property string
		want     Result
	}{
		"no recorder lives, and a balancer dies later": {
			desolateAnd("", "  - {at: 145s, kill: eu-west/balancer-2, for: 1m}\n"),
			func(r *run) { ledAway(r); r.vote(170*second, b2, false) }, "cross-datacenter-failover", Pass,
		},
		"no recorder lives, and a balancer alone loses redis": {
			desolateAnd("", "  - {at: 100s, blackhole: {from: eu-west/balancer-2, to: redis}, for: 1m}\n"),
			func(r *run) { ledAway(r); r.vote(130*second, b2, false) }, "cross-datacenter-failover", Pass,
		},
		"no recorder lives, and checkers do not reach a balancer": {
			desolateAnd("", "  - {at: 100s, refuse: {from: \"checker-0?\", to: eu-west/balancer-2}, for: 1m}\n"),
			func(r *run) { ledAway(r); r.vote(130*second, b2, false) }, "cross-datacenter-failover", Pass,
		},
		"no recorder lives, and a balancer leaves for that": {
			desolateAnd("", ""), func(r *run) { ledAway(r); r.vote(130*second, b2, false) }, "cross-datacenter-failover", Fail,
		},
		"refused by a balancer that drains": {
			fmt.Sprintf(deadTwin, "  - {at: 80s, drain: eu-west/balancer-2}\n"), twinRefuses, "lost-for-good", Pass,
		},
		"refused by a balancer that drained before": {
			fmt.Sprintf(deadTwin, "  - {at: 70s, drain: eu-west/balancer-2}\n  - {at: 75s, undrain: eu-west/balancer-2}\n"), twinRefuses, "lost-for-good", Fail,
		},
		"not told of a balancer that drains": {
			fmt.Sprintf(deadTwin, "  - {at: 80s, drain: eu-west/balancer-2}\n"), twinUntold, "lost-for-good", Pass,
		},
		"not told of a balancer that lives": {fmt.Sprintf(deadTwin, ""), twinUntold, "lost-for-good", Fail},
		"refused while no recorder lives":   {fmt.Sprintf(deadRecorders, "ezstream", allDead), refusedAt(100 * second), "lost-for-good", Pass},
		"refused just after they are back":  {fmt.Sprintf(deadRecorders, "ezstream", allDead), refusedAt(142 * second), "lost-for-good", Pass},
		"refused when they are back":        {fmt.Sprintf(deadRecorders, "ezstream", allDead), refusedAt(155 * second), "lost-for-good", Fail},
		"refused while all disks are full": {
			fmt.Sprintf(deadRecorders, "ezstream", `  - {at: 80s, disk: {of: "*/recorder-*", is: full}, for: 1m}`), refusedAt(100 * second), "lost-for-good", Fail,
		},
		"refused when all were started again": {
			fmt.Sprintf(deadRecorders, "ezstream", `  - {at: 80s, restart: "*/recorder-*"}`), refusedAt(82 * second), "lost-for-good", Fail,
		},
		"a minute without recorders": {fmt.Sprintf(deadRecorders, "butt", allDead), awayUntil(160 * second), "dead-air", Pass},
		"a minute without recorders, in two parts": {
			fmt.Sprintf(deadRecorders, "butt", "  - {at: 80s, kill: \"*/recorder-*\", for: 30s}\n  - {at: 110s, kill: \"*/recorder-*\", for: 30s}"), awayUntil(150 * second), "dead-air", Pass,
		},
		"two minutes, one of them without recorders": {fmt.Sprintf(deadRecorders, "butt", allDead), awayUntil(200 * second), "dead-air", Fail},
		"told before it is in the store":             {untitled(told), toldEarly(time.Minute), "notice-sent", Fail},
		"told as it is in the store":                 {untitled(told), toldEarly(0), "notice-sent", Pass},
		"a silent twin that the client never gets to": {`
broadcasters: [{name: rome, from: Rome, count: 1, persona: butt}]
timeline:
  - {at: 80s, vanish: eu-west/balancer-1, for: 5m}
  - {at: 85s, drop: {broadcasters: rome}}
ends: 8m
expect: [{dead-air: {at-most: bound}}]
`, func(r *run) {
			for i, e := range r.events {
				if e.Node == "rome-01" && e.Peer == b1 {
					r.events[i].Peer = b2
				}
			}
			r.shows["rome-01"].conns[0].balancer = b2
			r.lose("rome-01", 85*second, "dropped")
			r.told("rome-01", 86*second, b2, b1)
			r.answered("rome-01", 87*second, b2, 403)
			r.back("rome-01", 200*second, b2)
		}, "dead-air", Fail},
	} {
		t.Run(name, func(t *testing.T) {
			p := judgedAs(t, c.plan, c.play, c.property)
			require.Equal(t, c.want, p.Result, "%s: %v", p.Measured, p.Findings)
		})
	}
}

// twinRefuses has a client try both balancers, the living one last, and give up.
func twinRefuses(r *run) {
	r.lose("rome-01", 85*second+20*time.Millisecond, "reset")
	r.told("rome-01", 85*second+500*time.Millisecond, b1, b2)
	r.refused("rome-01", 85*second+600*time.Millisecond, b1, "refused")
	r.answered("rome-01", 85*second+700*time.Millisecond, b2, 403)
	r.gaveUp("rome-01", 86*second, "answered")
}

// twinUntold has a client be told of the dead balancer only, and give up.
func twinUntold(r *run) {
	r.lose("rome-01", 85*second+20*time.Millisecond, "reset")
	r.told("rome-01", 85*second+500*time.Millisecond, b1)
	r.refused("rome-01", 85*second+600*time.Millisecond, b1, "refused")
	r.gaveUp("rome-01", 86*second, "refused")
}

// refusedAt has a client be refused once, and give up.
func refusedAt(at time.Duration) func(*run) {
	return func(r *run) {
		r.lose("rome-01", 80*second+20*time.Millisecond, "eof")
		r.told("rome-01", at-second, b1, b2)
		r.answered("rome-01", at, b1, 403)
		r.gaveUp("rome-01", at+second, "answered")
	}
}

// awayUntil has a client be refused for a while.
func awayUntil(back time.Duration) func(*run) {
	return func(r *run) {
		r.lose("rome-01", 80*second+20*time.Millisecond, "eof")
		for i := range 10 {
			r.answered("rome-01", time.Duration(84+5*i)*second, b1, 403)
		}
		r.back("rome-01", back, b1)
	}
}

// toldEarly has everybody be told of their shows before these are in the store.
func toldEarly(by time.Duration) func(*run) {
	return func(r *run) {
		found := r.publishedAt(over + time.Minute)
		for _, n := range r.order {
			r.add(history.Event{At: over + time.Minute - by, Node: "mail", Kind: history.MailTaken, Subject: n, Session: "s-" + n, File: n + "@x", Class: "ok"})
		}
		r.add(history.Event{At: r.plan.End + 3*time.Minute, Node: "mail", Kind: history.MailsRead, Count: 2})
		r.inStore(found, 0)
	}
}

// TestVain: a connection that no disk has a frame of was in vain if recorders were away
// before it was asked for, and nothing was on the client's own way.
func TestVain(t *testing.T) {
	kill := scenario.Step{Do: "kill", Nodes: []string{"eu-west/recorder-1"}}
	for name, c := range map[string]struct {
		by   scenario.Step
		path path
		want bool
	}{
		"a recorder had died":           {kill, path{dialled: 90 * second}, true},
		"it died meanwhile":             {kill, path{dialled: 79 * second}, false},
		"it was on air":                 {kill, path{dialled: 90 * second, recorder: "eu-west/recorder-2"}, false},
		"it was started again":          {scenario.Step{Do: "restart", Nodes: kill.Nodes}, path{dialled: 90 * second}, false},
		"their balancer died":           {scenario.Step{Do: "kill", Nodes: []string{b1}}, path{dialled: 90 * second}, false},
		"their own way was broken":      {scenario.Step{Do: "stall", From: []string{"rome-01"}, To: []string{b1}}, path{dialled: 90 * second}, false},
		"their own connection was lost": {scenario.Step{Do: "drop", Who: []string{"rome-01"}}, path{dialled: 90 * second}, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := &evidence{plan: &scenario.Plan{}}
			c.path.broadcaster, c.path.balancer = "rome-01", b1
			b := &interruption{path: c.path, cause: &step{Step: c.by, began: 80 * second}}
			require.Equal(t, c.want, e.vain(&show{plan: scenario.Broadcaster{Name: "rome-01"}}, b))
		})
	}
	require.False(t, (&evidence{}).vain(&show{}, &interruption{}), "nothing broken explains it")
}
