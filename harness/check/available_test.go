package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// crowded is a scenario in which there is room for two shows on each recorder.
const crowded = `schema: 1
title: There is little room
system: {preset: two-datacenters, capacity: 2}
broadcasters:
  - {name: rome, from: Rome, count: 3, persona: butt}
  - {name: late, from: Rome, count: 2, persona: butt, on-air: 80s}
timeline:
  - {at: 60s, drain: eu-west/recorder-1, for: 2m}
  - {at: 100s, kill: eu-west/recorder-3, for: 1m}
  - {at: 3m20s, drain: eu-west/balancer-2, for: 1m}
ends: 5m
expect: [available-server, capacity-respected]
`

// onRecorders puts the first connection of some shows on a recorder of their own.
func onRecorders(t require.TestingT, where map[string]string) *run {
	r := newRun(t, expand(t, crowded, "today", "virtual"))
	for name, recorder := range where {
		r.shows[name].recorder, r.shows[name].conns[0].recorder = recorder, recorder
	}
	return r
}

// spread is where all go when it goes well: late-02 finds no room in Ireland.
func spread() map[string]string {
	return map[string]string{
		"rome-01": "eu-west/recorder-1", "rome-02": "eu-west/recorder-2", "rome-03": "eu-west/recorder-3",
		"late-01": "eu-west/recorder-2", "late-02": "eu-west/recorder-3",
	}
}

func TestAvailableServer(t *testing.T) {
	for name, c := range map[string]struct {
		change func(where map[string]string)
		play   func(r *run)
		fails  []string
	}{
		"all goes well": {},
		"one more than there are places": {
			change: func(w map[string]string) { w["rome-01"] = "eu-west/recorder-2" },
			fails:  []string{"capacity-respected"}},
		"on one that is drained": {
			change: func(w map[string]string) { w["late-01"] = "eu-west/recorder-1" },
			fails:  []string{"available-server"}},
		"far away, though there is room": {
			change: func(w map[string]string) { w["late-02"] = "us-east/recorder-1" },
			fails:  []string{"available-server"}},
		"back to one that is drained, for its show is there": {
			play:  func(r *run) { r.again("rome-01", 90*second, "dropped", second) },
			fails: []string{"no-unexplained-disconnect"}},
		"far away, for there is no room": {
			play: func(r *run) {
				r.lose("late-02", 100*second+20*time.Millisecond, "eof")
				r.shows["late-02"].recorder = "us-east/recorder-1"
				r.back("late-02", 108*second, b1)
			}},
		"through a balancer that is drained": {
			play: func(r *run) {
				r.lose("rome-02", 215*second, "dropped")
				r.back("rome-02", 216*second, b2)
			},
			fails: []string{"available-server", "no-unexplained-disconnect"}},
		"turned away, though there is room": {
			play: func(r *run) {
				r.lose("rome-03", 100*second+20*time.Millisecond, "eof")
				r.answered("rome-03", 102*second, b1, 403)
				r.shows["rome-03"].recorder = "us-east/recorder-1"
				r.back("rome-03", 108*second, b1)
			},
			fails: []string{"available-server"}},
		"turned away by a balancer that is drained": {
			play: func(r *run) {
				r.lose("rome-02", 215*second, "dropped")
				r.answered("rome-02", 216*second, b2, 403)
				r.back("rome-02", 217*second, b1)
			},
			fails: []string{"no-unexplained-disconnect"}},
	} {
		t.Run(name, func(t *testing.T) {
			where := spread()
			if c.change != nil {
				c.change(where)
			}
			r := onRecorders(t, where)
			if c.play != nil {
				c.play(r)
			}
			v := Judge(r.plan, r.history())
			require.Equal(t, c.fails, v.failed(), "%+v", v.Properties)
			require.Equal(t, contains(c.fails, "available-server"), of(t, v, "available-server").FirstEvent != nil)
		})
	}
}

// TestALateMachineIsNoReasonToTurnAway: whether there was room is in doubt then, which is no pass.
func TestALateMachineIsNoReasonToTurnAway(t *testing.T) {
	for late, want := range map[time.Duration]Result{second: Fail, 2 * second: Inconclusive} {
		r := newRun(t, expand(t, crowded, "today", "loopback"))
		for name, recorder := range spread() {
			r.shows[name].recorder, r.shows[name].conns[0].recorder = recorder, recorder
		}
		r.lose("rome-03", 100*second+20*time.Millisecond, "eof")
		r.answered("rome-03", 102*second, b1, 403)
		r.shows["rome-03"].recorder = "us-east/recorder-1"
		r.back("rome-03", 108*second, b1)
		r.add(history.Event{At: 60 * second, Node: "us-east/recorder-1", Kind: history.Canary, Took: late})
		require.Equal(t, want, of(t, Judge(r.plan, r.history()), "available-server").Result)
	}
}

func TestRoomThatNobodyNeeded(t *testing.T) {
	r := newRun(t, expand(t, dropped, "today", "virtual"))
	e := gather(r.plan, r.history())
	require.NotEmpty(t, capacityRespected(e, scenario.Expectation{}).unclear)
	require.NotEmpty(t, availableServer(e, scenario.Expectation{}).unclear)
}
