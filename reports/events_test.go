package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// TestSentences: what a person reads of each kind of event.
func TestSentences(t *testing.T) {
	sec := time.Second
	cases := []struct {
		e    history.Event
		do   string
		want string
	}{
		{history.Event{Kind: history.FaultBegan, Fault: "step-1", Detail: "kill x"}, "kill", "step-1 began: kill x"},
		{history.Event{Kind: history.FaultTouched, Fault: "step-1", Count: 1}, "kill", "step-1 touched 1 node"},
		{history.Event{Kind: history.FaultTouched, Fault: "step-1", Count: 2, Bytes: 91800}, "blackhole", "step-1 touched 2 connections, 91,800 bytes"},
		{history.Event{Kind: history.FaultTouched, Fault: "step-1", Count: 12}, "drop", "step-1 touched 12 broadcasters"},
		{history.Event{Kind: history.FaultEnded, Fault: "step-1"}, "kill", "step-1 ended"},
		{history.Event{Kind: history.FaultEnded, Fault: "step-1"}, "drop", ""},
		{history.Event{Kind: history.NodeEnded, Subject: "redis", Class: "killed"}, "", "redis ended: killed"},
		{history.Event{Kind: history.CheckerSaw, Subject: eu1, Class: "timeout"}, "", "now calls " + eu1 + " unhealthy (timeout)"},
		{history.Event{Kind: history.Voted, Subject: eu1, OK: true, Count: 15, Of: 16}, "", eu1 + " is healthy: 15 of 16 checkers say healthy"},
		{history.Event{Kind: history.AnswerChanged, Subject: "eu-west", Hosts: []string{eu1, eu2}}, "", "clients near eu-west are now answered " + eu1 + ", " + eu2},
		{history.Event{Kind: history.AnswerChanged, Subject: "eu-west"}, "", "clients near eu-west are now answered nothing"},
		{history.Event{Kind: history.AnswerChanged, Subject: "eu-west", Hosts: []string{eu1}, Class: "fail-open"}, "", "clients near eu-west are now answered " + eu1 + ", for nothing is healthy anywhere"},
		{history.Event{Kind: history.Attempt, Class: "accepted", Peer: eu1, Took: sec, Frame: 7}, "", "was accepted by " + eu1 + " after 1.00 s, from frame 7"},
		{history.Event{Kind: history.Attempt, Class: "answered", Peer: eu1, Took: sec, Status: 403}, "", "was answered 403 by " + eu1 + " after 1.00 s"},
		{history.Event{Kind: history.Attempt, Class: "unresolved"}, "", "could not resolve the name"},
		{history.Event{Kind: history.Attempt, Class: "unresolved", Count: 1}, "", "could not resolve the name"},
		{history.Event{Kind: history.Attempt, Class: "answered", Peer: eu1, Took: sec, Status: 403, Count: 12}, "", "was answered 403 by " + eu1 + " after 1.00 s: the last of 12 attempts alike"},
		{history.Event{Kind: history.Attempt, Class: "refused", Peer: eu1, Took: sec}, "", "was refused a connection by " + eu1 + " after 1.00 s"},
		{history.Event{Kind: history.Attempt, Class: "reset", Peer: eu1, Took: sec}, "", eu1 + " reset the connection after 1.00 s"},
		{history.Event{Kind: history.Attempt, Class: "eof", Peer: eu1, Took: sec}, "", eu1 + " closed the connection without an answer after 1.00 s"},
		{history.Event{Kind: history.Attempt, Class: "timeout", Peer: eu1, Took: 5 * sec}, "", "got no answer from " + eu1 + ", gave it up after 5.00 s"},
		{history.Event{Kind: history.Attempt, Class: "tls", Peer: eu1, Took: sec}, "", "did not get through to " + eu1 + ": tls after 1.00 s"},
		{history.Event{Kind: history.Lost, Class: "dropped", Peer: eu1, Frame: 9}, "", "its connection to " + eu1 + " ended on its own side; frame 9 is the first not sent"},
		{history.Event{Kind: history.Lost, Class: "odd", Peer: eu1, Frame: 9}, "", "its connection to " + eu1 + " ended (odd); frame 9 is the first not sent"},
		{history.Event{Kind: history.Listened, OK: true, Class: "ok", Peer: "eu-west/edge-1", Took: 90 * sec}, "", "listened for 90.0 s through eu-west/edge-1"},
		{history.Event{Kind: history.Listened, OK: true, Class: "timeout", Peer: "eu-west/edge-1", Took: 90 * sec}, "", "listened for 90.0 s through eu-west/edge-1, until nothing comes from eu-west/edge-1"},
		{history.Event{Kind: history.Listened, Class: "unresolved", Took: 5 * sec}, "", "heard nothing for 5.00 s: the name does not resolve"},
		{history.Event{Kind: history.Listened, Class: "answered", Status: 503, Peer: "eu-west/edge-1", Took: 5 * sec}, "", "heard nothing for 5.00 s: eu-west/edge-1 answers 503"},
		{history.Event{Kind: history.Listened, Class: "ok", Took: sec}, "", "heard nothing for 1.00 s while it tuned in"},
		{history.Event{Kind: history.GaveUp, Class: "refused"}, "", "gave up: refused"},
		{history.Event{Kind: history.Dialed, Subject: eu1, Peer: "redis", Class: "ok"}, "", eu1 + " opened a connection to redis"},
		{history.Event{Kind: history.Dialed, Subject: eu1, Peer: "redis", Class: "refused"}, "", eu1 + " could not open a connection to redis: refused"},
		{history.Event{Kind: history.Hung, Subject: eu1, Peer: "redis", Class: "eof"}, "", "a connection from " + eu1 + " to redis ended (eof)"},
		{history.Event{Kind: history.Probe, Subject: eu1, Peer: "redis", OK: true, Detail: "redis-write"}, "", "from beside " + eu1 + ", a write on a fresh connection to redis worked"},
		{history.Event{Kind: history.Probe, Subject: eu1, Peer: "redis", Class: "timeout", Detail: "admission"}, "", "from beside " + eu1 + ", admission to redis failed (timeout)"},
		{history.Event{Kind: history.BaselineFailed, Detail: "x"}, "", "the system was not healthy before the first fault: x"},
		{history.Event{Kind: history.RunEnded}, "", "the run is over"},
		{history.Event{Kind: history.RunEnded, Detail: "ended early"}, "", "the run is over: ended early"},
		{history.Event{Kind: history.HashChoice}, "", ""},
	}
	for _, c := range cases {
		require.Equal(t, c.want, sentence(c.e, c.do))
	}
	require.Equal(t, "segment-found · rome-1 · s/1-1.mp3", plain(history.Event{Kind: history.SegmentFound, Subject: "rome-1", File: "s/1-1.mp3"}))
}

// TestTheEvidenceIsListedWhateverElseIs, and what is rare before what is common.
func TestTheEvidenceIsListedWhateverElseIs(t *testing.T) {
	p := &scenario.Plan{Steps: []scenario.Step{{ID: "step-1", Do: "drop"}}}
	var es []history.Event
	for i := range 5000 {
		es = append(es, history.Event{At: time.Duration(i) * time.Second, Node: "rome-1", Kind: history.Attempt, Class: "refused", Peer: eu1})
	}
	es = append(es,
		history.Event{At: 5000 * time.Second, Node: "harness", Kind: history.FaultBegan, Fault: "step-1"},
		history.Event{At: 5000 * time.Second, Node: "harness", Kind: history.FaultTouched, Fault: "step-1", Count: 3},
		history.Event{At: 5001 * time.Second, Node: "harness", Kind: history.FaultTouched, Fault: "step-1", Count: 3}, // nothing new
		history.Event{At: 5001 * time.Second, Node: "harness", Kind: history.FaultEnded, Fault: "step-1"},
		history.Event{At: 5002 * time.Second, Node: "r", Kind: history.SegmentFound, Subject: "rome-1"},
	)
	rows, left := listEvents(p, es, map[int]bool{4000: true, 5004: true})
	require.Len(t, rows, maxEvents+2)
	require.Equal(t, len(es), len(rows)+left)
	var last []int
	for _, r := range rows[len(rows)-5:] {
		last = append(last, r.ID)
	}
	require.Equal(t, []int{1497, 4000, 5000, 5001, 5004}, last)
	require.True(t, rows[len(rows)-4].Evidence)
	require.True(t, strings.HasPrefix(rows[len(rows)-1].Sentence, "segment-found"))
}
