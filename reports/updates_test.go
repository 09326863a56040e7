package reports

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// told is a film's post, line by line.
func told(f *film, v check.Verdict) []string {
	es := f.history()
	var lines []string
	for _, u := range updates(Judged{Plan: f.plan, Events: es, Verdict: v}) {
		lines = append(lines, u.At+" "+u.Stage+": "+u.Sentence)
	}
	return lines
}

// dated gives a film a clock that shows 18:40 at its zero.
func dated() *film {
	f := newFilm("rome-1", "rome-2", "rome-3")
	f.plan.Date, f.plan.Clock = "2014-12-17", []scenario.Stretch{{Wall: "2014-12-17T18:40:00Z"}}
	return f
}

// TestAPostIsWrittenFromTheHistory: what broke, who noticed, what the system did, how it ended.
func TestAPostIsWrittenFromTheHistory(t *testing.T) {
	f := dated()
	for _, n := range []string{"rome-1", "rome-2", "rome-3"} {
		f.show(n, eu1)
	}
	f.went(scenario.Step{ID: "step-1", Do: "drain", Nodes: []string{eu2}}, 0, 5*time.Second)
	f.went(scenario.Step{ID: "step-2", Do: "kill", Nodes: []string{eu1}, At: minute, For: 2 * minute}, minute, 3*minute)
	for i, n := range []string{"rome-1", "rome-2"} {
		f.add(history.Event{At: minute + time.Duration(i)*time.Second, Node: n, Kind: history.Lost, Peer: eu1, Class: "reset"})
		f.attempt(n, eu1, minute+4*time.Second, time.Second, "refused")
	}
	f.add(history.Event{At: minute + 5*time.Second, Node: "rome-2", Kind: history.GaveUp, Class: "refused"})
	f.attempt("rome-1", eu2, minute+9*time.Second, time.Second, "accepted")
	f.attempt("rome-3", eu2, minute+9*time.Second, time.Second, "accepted")
	f.vote(eu1, minute+30*time.Second, false, 2)
	f.answer("eu-west", minute+32*time.Second, "", eu2)
	f.attempt("rome-1", "", 2*minute, 0, "unresolved")
	require.Equal(t, []string{
		"18:41 UTC fault: eu-west/balancer-1 dies: its ports refuse.",
		"18:41 UTC impact: 2 of 3 broadcasters lose their connection (eu).",
		"18:41:04 UTC impact: 2 broadcasters cannot get through: eu-west/balancer-1 takes none of 2 attempts.",
		"18:41:05 UTC impact: 1 client will not try again: the show is over (eu).",
		"18:41:09 UTC recovery: 1 broadcaster is on air again (eu).",
		"18:41:30 UTC detected: eu-west/balancer-1 is unhealthy: 2 of 16 checkers say healthy.",
		"18:41:32 UTC detected: Clients near eu-west are now answered eu-west/balancer-2.",
		"18:42 UTC impact: 1 broadcaster cannot get through: the name does not resolve.",
		"18:43 UTC fault: eu-west/balancer-1 is started again.",
		"18:55 UTC outcome: Every property held through 2 steps, and nobody lost a second of a show.",
	}, told(f, check.Verdict{Result: check.Pass, AsExpected: true}))
}

// TestAPostTellsEachThingOnce, whoever reports it.
func TestAPostTellsEachThingOnce(t *testing.T) {
	f := dated()
	f.add(history.Event{At: minute, Node: "checker-01", Kind: history.Voted, Subject: eu1, Count: 2, Of: 16})
	f.add(history.Event{At: minute, Node: "checker-02", Kind: history.Voted, Subject: eu1, Count: 2, Of: 16})
	f.add(history.Event{At: 2 * minute, Node: "world", Kind: history.NodeEnded, Subject: eu1, Class: "crashed"})
	f.add(history.Event{At: 20 * minute, Node: "world", Kind: history.NodeEnded, Subject: eu2, Class: "crashed"})
	lines := told(f, check.Verdict{})
	require.Equal(t, []string{
		"18:41 UTC detected: eu-west/balancer-1 is unhealthy: 2 of 16 checkers say healthy.",
		"18:42 UTC impact: eu-west/balancer-1 crashes, and nobody asked it to.",
	}, lines[:2])
	require.Len(t, lines, 3, "and its outcome; what comes after the end is not told")
}

// TestAPostCountsWhatComesAgain instead of telling it.
func TestAPostCountsWhatComesAgain(t *testing.T) {
	f := newFilm("rome-1")
	for i := range 25 {
		at := time.Duration(i+1) * 30 * time.Second
		id := fmt.Sprint("step-", i+1)
		f.went(scenario.Step{ID: id, Do: "drop", Who: []string{"rome-1"}, At: at}, at, 0)
		f.add(history.Event{At: at, Node: "rome-1", Kind: history.Lost, Peer: eu1, Class: "dropped"})
		f.attempt("rome-1", eu1, at+time.Second, time.Second, "timeout")
		f.attempt("rome-1", eu1, at+2*time.Second, time.Second, "accepted")
	}
	require.Equal(t, []string{
		"0:00:30 fault: 1 broadcaster loses its own connection, as a home network does.",
		"0:00:31 impact: 1 broadcaster cannot get through: eu-west/balancer-1 takes none of 1 attempt.",
		"0:00:32 recovery: 1 broadcaster is on air again (eu).",
		"0:01:00 fault: 1 broadcaster loses its own connection, as a home network does; and so 23 times more, until 0:12:30.",
		"0:01:01 impact: 1 broadcaster cannot get through: eu-west/balancer-1 takes none of 1 attempt; and so 23 times more, until 0:12:31.",
		"0:01:02 recovery: 1 broadcaster is on air again (eu); and so 23 times more, until 0:12:32.",
	}, told(f, check.Verdict{})[:6])
}

// TestAPostTellsWhoAsks: visitors, apps, or both.
func TestAPostTellsWhoAsks(t *testing.T) {
	for who, want := range map[string]string{"rome-1": "1 app", "readers-1": "1 visitor", "rome-1 readers-1": "1 visitor and 1 app"} {
		f := newFilm("rome-1")
		for _, name := range strings.Fields(who) {
			f.add(history.Event{At: minute, Node: name, Kind: history.Requested, Subject: "api.deadair.test", Peer: "eu-west/api-1", Class: "answered", Status: 503})
		}
		require.Equal(t, "0:01:00 impact: Requests for api.deadair.test are answered 503 by eu-west/api-1: of "+want+".", told(f, check.Verdict{})[0])
	}
}

// TestAPostTellsWhoHearsNothing, and why; who tunes in is no news.
func TestAPostTellsWhoHearsNothing(t *testing.T) {
	f := newFilm("rome-1")
	for _, name := range []string{"a", "b"} {
		f.add(history.Event{At: minute, Node: name, Kind: history.Listened, Class: "unresolved", Took: time.Second})
		f.add(history.Event{At: 2 * minute, Node: name, Kind: history.Listened, Class: "ok", Took: time.Second})
		f.add(history.Event{At: 3 * minute, Node: name, Kind: history.Listened, OK: true, Class: "ok", Took: minute})
	}
	f.add(history.Event{At: 4 * minute, Node: "a", Kind: history.Listened, Class: "timeout", Peer: "eu-west/edge-1", Took: time.Second})
	require.Equal(t, []string{
		"0:01:00 impact: 2 listeners hear nothing for a while: the name does not resolve.",
		"0:04:00 impact: 1 listener hears nothing for a while: nothing comes from eu-west/edge-1.",
	}, told(f, check.Verdict{})[:2])
}

// TestAPostTellsWhomADropHit: who is not on air has nothing to lose.
func TestAPostTellsWhomADropHit(t *testing.T) {
	f := newFilm("rome-1", "rome-2")
	f.went(scenario.Step{ID: "step-1", Do: "drop", Who: []string{"rome-1", "rome-2"}, At: minute}, minute, 0)
	require.Equal(t, "0:01:00 fault: 1 broadcaster loses its own connection, as a home network does.", told(f, check.Verdict{})[0])
}

// TestAPostIsShort: what weighs least is left out, and the faults stay.
func TestAPostIsShort(t *testing.T) {
	f := newFilm("rome-1")
	for i := range 12 {
		at := time.Duration(i+1) * minute
		f.went(scenario.Step{ID: fmt.Sprint("step-", i+1), Do: "stall", From: []string{eu1}, To: []string{"redis"}, At: at}, at, at+20*time.Second)
		f.answer("eu-west", at+10*time.Second, "", []string{eu1, eu2}[i%2])
	}
	lines := told(f, check.Verdict{})
	require.Len(t, lines, maxUpdates)
	faults := 0
	for _, l := range lines {
		faults += bit(strings.Contains(l, "fault: Nothing gets through"))
		require.NotContains(t, l, "detected: ")
	}
	require.Equal(t, 12, faults)
	require.Contains(t, lines[len(lines)-1], "20 updates of less weight are left out here")
}

// TestABalancerThatLiesIsTold in its own sentence.
func TestABalancerThatLiesIsTold(t *testing.T) {
	f := scene()
	v := verdict()
	var sentences []string
	for _, u := range updates(Judged{Plan: f.plan, Events: f.history(), Verdict: v}) {
		sentences = append(sentences, u.Sentence)
	}
	require.Contains(t, sentences, f.page().Lies[0].Sentence)
}

// TestEveryFaultIsToldAsADeed; one that has no words of its own as it was planned.
func TestEveryFaultIsToldAsADeed(t *testing.T) {
	for _, f := range scenario.Faults() {
		s := scenario.Step{ID: "step-1", Do: f.Name, Delay: time.Second, Rate: 100}
		switch f.Shape {
		case scenario.OnNodes, scenario.OnRedis:
			s.Nodes, s.Answer = []string{"redis"}, "loading"
		case scenario.OnLinks:
			s.From, s.To, s.Conns = []string{"checker-01", "checker-02"}, []string{eu1, eu2, us1, "redis"}, "new"
		case scenario.OnBroadcasters:
			s.Who = []string{"a", "b"}
		}
		if f.Shape != scenario.OnRedis {
			s.Answer = ""
		}
		require.NotEmpty(t, deed(s), f.Name)
		require.NotEmpty(t, undone(s), f.Name)
	}
	require.Equal(t, "new connections from the health checkers to eu-west/balancer-1, eu-west/balancer-2 and redis are refused",
		deed(scenario.Step{Do: "refuse", From: []string{"checker-01", "checker-02"}, To: []string{eu1, eu2, "redis"}}))
	require.Equal(t, "a and 3 more", few([]string{"a", "b", "c", "d"}))
	require.Equal(t, "frobnicate x", deed(scenario.Step{Do: "frobnicate", Nodes: []string{"x"}}), "what is not known is told as planned")
}
