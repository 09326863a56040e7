package reports

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// TestTheSpacetimeDiagram has a column per host, and a cross for what was lost.
func TestTheSpacetimeDiagram(t *testing.T) {
	f := died()
	f.add(history.Event{At: minute + 500*time.Millisecond, Node: "rome-1", Kind: history.Resolved, Hosts: []string{eu1, eu2}})
	f.attempt("rome-1", eu1, minute+700*time.Millisecond, 100*time.Millisecond, "refused")
	pg := Compute(Judged{Plan: f.plan, Events: f.history(), Verdict: judgedDead()})
	var names []string
	for _, s := range pg.Spaces {
		names = append(names, s.Name)
	}
	require.Equal(t, []string{"rome-3", "rome-2", "rome-1"}, names, "the worst first")
	s := pg.Spaces[2]
	var hosts []string
	for _, c := range s.Columns {
		hosts = append(hosts, c.Label)
		require.Less(t, c.X, s.Width)
	}
	require.Equal(t, []string{"rome-1", "DNS", eu1, eu2, "eu-west/recorder-1"}, hosts)
	var arrows []string
	for _, a := range s.Arrows {
		arrows = append(arrows, fmt.Sprintf("%s %v %s", a.Class, a.Lost, a.Title))
		require.LessOrEqual(t, max(a.Y1, a.Y2), s.Height)
	}
	require.Equal(t, []string{
		"ok false 0:00:10.0 was accepted by eu-west/balancer-1 after 0 s, from frame 0", "ok false taken on by eu-west/recorder-1",
		"bad true 0:01:00.0 its connection to eu-west/balancer-1 was reset; frame 694 is the first not sent",
		"told false 0:01:00.5 is told of eu-west/balancer-1 and eu-west/balancer-2",
		"bad true 0:01:00.7 was refused a connection by eu-west/balancer-1 after 0.10 s",
		"ok false 0:01:01.0 was accepted by eu-west/balancer-2 after 0 s, from frame 708", "ok false taken on by eu-west/recorder-1",
	}, arrows)
	require.Equal(t, "step-1 kill", s.Faults[0].Label)
	for i := 1; i < len(s.Times); i++ {
		require.GreaterOrEqual(t, s.Times[i].Y-s.Times[i-1].Y, spaceLeast-4, "labels have room")
	}
}

func TestALongShowIsCutInTheDiagram(t *testing.T) {
	f := newFilm("rome-1")
	for i := range 200 {
		f.attempt("rome-1", eu1, time.Duration(i+20)*time.Second, time.Second, "refused")
	}
	s := f.page().Spaces[0]
	require.Equal(t, 200-maxMessages, s.More)
	require.Less(t, s.Height, 6000.0)
}

// TestThePageCarriesItsHistory, whole, in letters that are no markup.
func TestThePageCarriesItsHistory(t *testing.T) {
	f := scene()
	es := f.history()
	text := raw(es)
	require.Regexp(t, `^[\w-]+$`, text)
	require.Contains(t, drawn(t, f), `<script id="raw" type="text/plain">`+text+`</script>`)
	data, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	z, err := gzip.NewReader(bytes.NewReader(data))
	require.NoError(t, err)
	back, err := history.Read(z)
	require.NoError(t, err)
	require.Equal(t, es, back)

	var many []history.Event
	for i := range 60_000 {
		many = append(many, history.Event{At: time.Duration(i * i), Node: fmt.Sprint(i * 7919), Seq: i, Kind: history.Lost, Hash: fmt.Sprintf("%x", i*i*i*7919)})
	}
	require.Empty(t, raw(many), "too long for a page: it stands beside it")
}

func TestTheScenariosFileIsOnThePage(t *testing.T) {
	f := scene()
	f.plan.Steps[0].Line, f.plan.Steps[1].Line = 2, 2
	all := source(f.plan, []byte("schema: 1\ntimeline: [x]\r\n\tend"))
	require.Equal(t, []Line{{1, "schema: 1", nil}, {2, "timeline: [x]", []string{"step-1", "step-2"}}, {3, "\tend", nil}}, all)
	require.Len(t, source(f.plan, []byte(strings.Repeat("x\n", 5000))), maxSource)
	names := map[string]string{}
	for _, v := range effective(f.plan) {
		names[v.Name] = v.Value
	}
	require.Equal(t, "TTL 10s, 16 checkers every 10s, threshold 3, propagation 0s", names["DNS"])
	require.Equal(t, "redis-client", names["as it was in 2014"])
}

// TestDiffWithABaseline: what got worse, better, or cannot be told.
func TestDiffWithABaseline(t *testing.T) {
	f := scene()
	now := NewRun(Judged{Plan: f.plan, Events: f.history(), Verdict: verdict()})
	require.Nil(t, diff(nil, now))
	then := now
	require.Equal(t, "alike", diff(&then, now).Text)
	then.Properties = []Property{{Name: "dead-air", Verdict: "pass"}, {Name: "health-honest", Verdict: "fail"}, {Name: "evidence", Verdict: "fail"}}
	then.AsExpected = false
	d := diff(&then, now)
	require.Equal(t, "fixed", d.Text)
	rows := map[string]DiffRow{}
	for _, r := range d.Rows {
		rows[r.Name] = r
	}
	require.Equal(t, DiffRow{"dead-air", "pass", "fail", "bad"}, rows["dead-air"])
	require.Equal(t, DiffRow{"evidence", "fail", "pass", "good"}, rows["evidence"])
	require.NotContains(t, rows, "health-honest", "it is as it was")
	now.AsExpected = false
	require.Equal(t, "still failing", diff(&then, now).Text)
	then.AsExpected = true
	require.Equal(t, "new", diff(&then, now).Text)
	then.Plan = "another"
	require.Equal(t, "not comparable", diff(&then, now).Text)
	pg := Compute(Judged{Plan: f.plan, Events: f.history(), Verdict: verdict(), Baseline: &then})
	require.Equal(t, "what is played or expected changed", pg.Diff.Why)
}

// TestCurvesOverTheTimeline: who should be on air and is, and how often they try.
func TestCurvesOverTheTimeline(t *testing.T) {
	f := newFilm("rome-1", "rome-2")
	f.show("rome-1", eu1)
	f.show("rome-2", eu1)
	f.add(history.Event{At: 5 * minute, Node: "rome-1", Kind: history.Lost, Peer: eu1, Class: "reset"})
	f.knocks("rome-1", eu1, 30, 6*minute)
	f.attempt("rome-1", eu1, 10*minute, 4*time.Second, "accepted")
	cs := f.page().Chart.Curves
	require.Equal(t, "on air with a connection: share of those who should be; at the lowest 50 %", cs[0].Title)
	require.Equal(t, "attempts to connect, top 30", cs[1].Label)
	require.Equal(t, "slowest taken, top 4.00 s", cs[2].Label)
	for _, c := range cs {
		require.NotContains(t, c.Points, "NaN")
		require.NotContains(t, c.Points, "-")
	}
}
