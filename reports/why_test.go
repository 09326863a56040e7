package reports

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// lines are the links of a chain, as a person reads them.
func lines(c Chain) []string {
	var all []string
	for _, l := range c.Links {
		all = append(all, l.At+" "+l.Role+": "+l.Sentence)
	}
	return all
}

// TestAChainLeadsFromTheFaultToTheViolation through what was believed meanwhile.
func TestAChainLeadsFromTheFaultToTheViolation(t *testing.T) {
	f := scene()
	pg := Compute(Judged{Plan: f.plan, Events: f.history(), Verdict: verdict()})
	require.Len(t, pg.Chains, 2)
	require.Equal(t, "health-honest", pg.Chains[0].Property)
	require.Equal(t, []string{
		"0:01:00.0 fault: What is sent between eu-west/balancer-1 and redis vanishes (connections that exist) (step-1; touched 1 connection).",
		"0:02:00.0 believed: Meanwhile all 16 checkers call eu-west/balancer-1 healthy, and DNS goes on to answer with it.",
		"0:02:05.0 impact: The first of 3 attempts at eu-west/balancer-1 that fail: rome-1 got no answer from eu-west/balancer-1, gave it up after 5.00 s.",
		"0:02:45.0 violation: eu-west/balancer-1 was called healthy for 2m45s while it took none of 9 attempts.",
	}, lines(pg.Chains[0]))
	require.Equal(t, []string{
		"0:01:00.0 fault: What is sent between eu-west/balancer-1 and redis vanishes (connections that exist) (step-1; touched 1 connection).",
		"0:02:00.0 trigger: 1 broadcaster loses its own connection, as a home network does (step-2; touched 1 broadcaster).",
		"0:02:00.0 impact: rome-1: its connection to eu-west/balancer-1 ended on its own side; frame 1527 is the first not sent.",
		"0:02:00.0 believed: Meanwhile all 16 checkers call eu-west/balancer-1 healthy, and DNS goes on to answer with it.",
		"0:02:00.0 believed: Its own client does not dial Redis once in 3 min: it goes on with the connections that it has.",
		"0:02:05.0 impact: rome-1: got no answer from eu-west/balancer-1, gave it up, and in all 9 attempts there fail until 0:04:45.0.",
		"0:05:00.0 recovery: rome-1 was accepted by eu-west/balancer-2 after 0.02 s, from frame 0.",
		"0:05:00.0 violation: 3m1s of rome-1 are in no recording, 30s are allowed.",
	}, lines(pg.Chains[1]))
	for _, c := range pg.Chains {
		require.Equal(t, pg.Checks[0].Findings[0].Anchor[:2], c.Anchor[:2])
		for _, l := range c.Links {
			if l.Event != nil {
				require.True(t, slices.ContainsFunc(pg.Events, func(r EventRow) bool { return r.ID == *l.Event }), "event %d of a chain is not listed", *l.Event)
			}
		}
	}
}

// TestPassingRunsNeedNoChain, and findings without a cause have none.
func TestPassingRunsNeedNoChain(t *testing.T) {
	f := newFilm("rome-1")
	f.show("rome-1", eu1)
	f.disk("eu-west/recorder-1", "rome-1", 10*time.Second, f.plan.End)
	require.Empty(t, f.page().Chains)
	v := check.Verdict{Properties: []check.Property{{Name: "evidence", Result: check.Inconclusive, Findings: []check.Finding{{Sentence: "nobody read a disk"}}}}}
	require.Empty(t, Compute(Judged{Plan: f.plan, Events: f.history(), Verdict: v}).Chains)
}

// died is a film in which a balancer dies for two minutes, and everybody reacts.
func died() *film {
	f := newFilm("rome-1", "rome-2", "rome-3", "rome-4")
	f.plan.Expect = []scenario.Expectation{{Property: "dead-air", AtMostBound: true}}
	for _, b := range f.plan.Broadcasters {
		f.show(b.Name, eu1)
	}
	f.went(scenario.Step{ID: "step-1", Do: "kill", Nodes: []string{eu1}, At: minute, For: 2 * minute}, minute, 3*minute)
	f.saw("checker-01", eu1, minute+8*time.Second, false)
	f.vote(eu1, minute+29*time.Second, false, 2)
	f.answer("eu-west", minute+31*time.Second, "", eu2)
	f.answer("us-east", minute+20*time.Second, "", us1) // another region's is no matter
	f.vote(eu1, 3*minute+24*time.Second, true, 15)
	f.answer("eu-west", 3*minute+26*time.Second, "", eu1, eu2)
	for i, n := range []string{"rome-1", "rome-2", "rome-3"} {
		f.add(history.Event{At: minute, Node: n, Kind: history.Lost, Peer: eu1, Class: "reset", Frame: frame(minute)})
		back := minute + time.Duration(i+1)*time.Second
		f.add(history.Event{At: back, Node: n, Kind: history.Attempt, Peer: eu2, Class: "accepted", Frame: frame(back)})
		f.disk("eu-west/recorder-1", n, 10*time.Second, minute)
		f.disk("eu-west/recorder-1", n, back, f.plan.End)
	}
	f.disk("us-east/recorder-1", "rome-4", 10*time.Second, f.plan.End)
	return f
}

// judgedDead is a verdict that books the dead air of died on its step.
func judgedDead() check.Verdict {
	v := check.Verdict{Result: check.Pass, AsExpected: true, Properties: []check.Property{{Name: "dead-air", Result: check.Pass}}}
	for i, n := range []string{"rome-1", "rome-2", "rome-3"} {
		g := check.Gap{From: minute, To: minute + time.Duration(i+1)*time.Second, Cause: "step-1", Bound: 2 * time.Second}
		v.Dead = append(v.Dead, check.Dead{Broadcaster: n, Total: g.Length(), Gaps: []check.Gap{g}})
	}
	v.Dead = append(v.Dead, check.Dead{Broadcaster: "rome-4"})
	return v
}

// TestTheRecoveryLedger sets what came against what is possible.
func TestTheRecoveryLedger(t *testing.T) {
	f := died()
	last := slices.MaxFunc(slices.DeleteFunc(slices.Clone(f.events), func(e history.Event) bool { return e.Class != "accepted" || e.At < minute }),
		func(a, b history.Event) int { return int(a.At - b.At) })
	f.events = append(f.events, history.Event{At: last.At - 100*time.Millisecond, Node: last.Node, Kind: history.Resolved, Hosts: []string{last.Peer}})
	pg := Compute(Judged{Plan: f.plan, Events: f.history(), Verdict: judgedDead()})
	require.Len(t, pg.Ledgers, 1)
	l := pg.Ledgers[0]
	require.Equal(t, "0:01:00.0", l.Began)
	var rows []string
	for _, m := range l.Rows {
		late := ""
		if m.Late {
			late = " LATE"
		}
		rows = append(rows, m.Name+": "+m.After+" ("+m.Bound+")"+late)
		require.GreaterOrEqual(t, m.X, 0.0)
		require.LessOrEqual(t, max(m.X, m.To), l.Width)
	}
	require.Equal(t, []string{
		"took hold: 0 s ()",
		"first bad check: 8.00 s (at most 30.0 s)",
		"voted out: 29.0 s (20.0 s to 30.0 s)",
		"out of DNS: 31.0 s (20.0 s to 30.0 s)",
		"back in DNS: 2 min 26 s (2 min 20 s to 2 min 30 s)",
		"last client told by DNS: 2.90 s ()",
		"last client accepted: 3.00 s (at most 2.00 s) LATE",
		"first show recorded again: 1.00 s (at most 2.00 s)",
		"50 % recorded again: 2.00 s (at most 2.00 s)",
		"95 %: 3.00 s (at most 2.00 s) LATE",
		"all 3: 3.00 s (at most 2.00 s) LATE",
	}, rows)
}

// TestWhatNeverCameIsLate: a balancer that nobody votes out.
func TestWhatNeverCameIsLate(t *testing.T) {
	f := died()
	f.events = slices.DeleteFunc(f.events, func(e history.Event) bool { return e.Kind == history.Voted || e.Kind == history.AnswerChanged })
	pg := Compute(Judged{Plan: f.plan, Events: f.history(), Verdict: judgedDead()})
	require.Equal(t, "first show recorded again", pg.Ledgers[0].Rows[5].Name, "who never left does not come back")
	for _, m := range pg.Ledgers[0].Rows[2:4] {
		require.Empty(t, m.After, m.Name)
		require.True(t, m.Late, m.Name)
	}
	for i, e := range f.events {
		if e.Kind == history.FaultEnded {
			f.events[i].At = minute + 5*time.Second // it is over before anybody could have noticed
		}
	}
	pg = Compute(Judged{Plan: f.plan, Events: f.history(), Verdict: judgedDead()})
	for _, m := range pg.Ledgers[0].Rows[:4] {
		require.False(t, m.Late, m.Name)
	}
}

// TestTheBlastRadius books dead air on the steps that cost it.
func TestTheBlastRadius(t *testing.T) {
	f := died()
	f.step(scenario.Step{ID: "step-2", Do: "stall", From: []string{eu1}, To: []string{"redis"}, At: 5 * minute})
	pg := Compute(Judged{Plan: f.plan, Events: f.history(), Verdict: judgedDead()})
	require.Equal(t, []Blast{
		{ID: "step-1", Sentence: "eu-west/balancer-1 dies: its ports refuse.", Touched: "touched 1 node", Silenced: 3, Share: "75 %", Dead: "6.00 s", Worst: "3.00 s", Groups: "eu"},
		{ID: "step-2", Sentence: "Nothing gets through between eu-west/balancer-1 and redis; bytes are held back.", Touched: "never began", Idle: true, Dead: "–", Worst: "–"},
	}, pg.Blasts)
}

// TestWhatEachWentThrough: reconnects, recordings, far away, twice on disk.
func TestWhatEachWentThrough(t *testing.T) {
	f := died()
	f.disk("eu-west/recorder-2", "rome-1", 20*time.Second, 30*time.Second) // it is on another disk already
	by := tapes(f.plan, f.history())
	m := measure(f.plan.Broadcasters[0], by["rome-1"], judgedDead().Dead[0])
	require.Equal(t, 1, m.reconnects)
	require.Equal(t, time.Second, m.reroute)
	require.Equal(t, time.Second, m.longest)
	require.Equal(t, 1, m.sessions)
	require.InDelta(t, 10*time.Second, m.twice, float64(200*time.Millisecond))
	require.Zero(t, m.far)
	far := measure(f.plan.Broadcasters[3], by["rome-4"], check.Dead{})
	require.InDelta(t, f.plan.End-10*time.Second, far.far, float64(200*time.Millisecond))

	f.plan.Broadcasters[3].Persona = "ices2"
	var rows []string
	for _, s := range segments(f.plan, judgedDead(), by) {
		rows = append(rows, s.By+" "+s.Name+" "+number(s.Count)+" "+number(s.Hit)+" "+s.Dead+" "+s.Worst)
	}
	require.Equal(t, []string{"client butt 3 3 6.00 s 3.00 s", "client ices2 1 0 0 s 0 s"}, rows, "what all share is left out")
}
