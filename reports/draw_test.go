package reports

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// TestLabelsOfTheAxisHaveRoom, also beside a jump of the clock and at the right edge.
func TestLabelsOfTheAxisHaveRoom(t *testing.T) {
	sec := time.Second
	clocks := map[string][]scenario.Stretch{
		"plain":    {{}},
		"one jump": {{}, {Run: 870 * sec, Incident: 21510 * sec}},
		"odd":      {{Incident: 7 * sec}, {Run: 100 * sec, Incident: 3001 * sec}, {Run: 800 * sec, Incident: 86407 * sec}},
		"wall":     {{Wall: "2014-12-17T18:39:30Z"}, {Run: 300 * sec, Incident: 21510 * sec, Wall: "2014-12-18T00:38:00Z"}},
	}
	for name, clock := range clocks {
		for _, end := range []time.Duration{sec, 42 * sec, 210 * sec, 15 * minute, 1050 * sec, 3 * time.Hour, 20 * time.Hour, 400 * time.Hour} {
			p := &scenario.Plan{End: end, Clock: clock}
			c := &canvas{plan: p, end: end}
			ticks := c.ticks()
			require.NotEmpty(t, ticks, "%s %v", name, end)
			require.LessOrEqual(t, len(ticks), 2*mostTicks)
			for i, k := range ticks {
				require.GreaterOrEqual(t, k.X, float64(chartGutter))
				require.LessOrEqual(t, k.X, float64(chartGutter+chartWidth))
				if k.X+tickRoom/2 > chartGutter+chartWidth {
					require.True(t, k.Last, "%s %v: %q is clipped", name, end, k.Label)
				}
				if i > 0 && !k.Cut {
					require.GreaterOrEqual(t, k.X-ticks[i-1].X, tickRoom-1, "%s %v: %q stands on %q", name, end, k.Label, ticks[i-1].Label)
				}
			}
		}
	}
}

func TestTheAxisShowsTheIncidentsClock(t *testing.T) {
	p := &scenario.Plan{End: 17*minute + 30*time.Second, Clock: []scenario.Stretch{{}, {Run: 870 * time.Second, Incident: 21510 * time.Second}}}
	c := &canvas{plan: p, end: p.End}
	var labels []string
	for _, k := range c.ticks() {
		labels = append(labels, fmt.Sprintf("%s %v %v", k.Label, at(k.X, p.End), k.Cut))
	}
	require.Equal(t, []string{
		"0:00:00 0s false", "0:02:00 2m0s false", "0:04:00 4m0s false", "0:06:00 6m0s false", "0:08:00 8m0s false", "0:10:00 10m0s false", "0:12:00 12m0s false",
		"5:58:30 14m30s true", "6:00:00 16m0s false",
	}, labels)
}

// TestManyBroadcasters: of a large group those with the most dead air are drawn.
func TestManyBroadcasters(t *testing.T) {
	var names []string
	for i := range 2000 {
		names = append(names, fmt.Sprintf("rome-%04d", i))
	}
	f := newFilm(names...)
	for i, n := range names {
		f.show(n, eu1)
		f.disk("eu-west/recorder-1", n, 10*time.Second, f.plan.End-time.Duration(i%500)*time.Second)
	}
	pg := f.page()
	g := pg.Chart.Groups[len(pg.Chart.Groups)-1]
	require.Equal(t, "Broadcasters of eu: 40 with the most dead air; 1,960 of 2,000 left out", g.Title)
	require.Len(t, g.Lanes, maxLanes)
	require.Equal(t, []string{"rome-0499", "rome-0999", "rome-1499", "rome-1999", "rome-0498"}, labels(g.Lanes[:5]))
	require.Len(t, pg.Dead.Rows, maxDead)
	require.Equal(t, "rome-0499", pg.Dead.Rows[0].Name)
	require.Equal(t, 2000, len(pg.Dead.Rows)+pg.Dead.More+pg.Dead.Whole)
}

func labels(ls []Lane) []string {
	var all []string
	for _, l := range ls {
		all = append(all, l.Label)
	}
	return all
}

// TestManyGroups share the lanes there are; none is left out in silence.
func TestManyGroups(t *testing.T) {
	var names []string
	for i := range 90 {
		names = append(names, fmt.Sprint("rome-", i))
	}
	f := newFilm(names...)
	for i := range f.plan.Broadcasters {
		f.plan.Broadcasters[i].Group = fmt.Sprint("g", i%3)
	}
	pg := f.page()
	require.Len(t, group(t, pg.Chart, "Broadcasters of g0").Lanes, 30, "whole, in the plan's order")
	for i := range f.plan.Broadcasters {
		f.plan.Broadcasters[i].Group = fmt.Sprint("g", i/15)
	}
	require.Len(t, group(t, f.page().Chart, "Broadcasters of g5").Lanes, 15)
}

// TestABigPageIsSmall: 2,000 broadcasters and 10,000 events of the noisiest kind.
func TestABigPageIsSmall(t *testing.T) {
	text := crowd(10_000).html(t)
	require.Less(t, len(text), 2<<20, "bytes")
	require.Contains(t, text, `more are in <a href="history.jsonl">`)
}

// crowd is a film with more than can be listed or drawn: so many losses, and as many attempts.
func crowd(losses int) *film {
	var names []string
	for i := range 2000 {
		names = append(names, fmt.Sprintf("a-broadcaster-with-a-rather-long-name-%04d", i))
	}
	f := newFilm(names...)
	for i := range f.plan.Broadcasters {
		f.plan.Broadcasters[i].Group = fmt.Sprint("group-", i/100)
	}
	for i := range 50 {
		f.went(scenario.Step{ID: fmt.Sprint("step-", i), Do: "drop", Who: names[:12], At: time.Duration(i) * 10 * time.Second}, time.Duration(i)*10*time.Second, 0)
	}
	for i := range losses {
		at := time.Duration(i) * 800 * time.Second / time.Duration(losses)
		n := names[i%100]
		f.add(history.Event{At: at, Node: n, Kind: history.Lost, Peer: eu1, Class: "reset"})
		f.attempt(n, eu1, at+time.Millisecond, time.Millisecond, []string{"accepted", "refused", "timeout"}[i%3])
		if i%10 == 0 {
			f.vote(eu1, at, i%20 == 0, 3)
		}
	}
	for i, n := range names {
		f.show(n, eu1)
		for s := range 8 + 32*(i/1900) {
			from := time.Duration(10+20*s) * time.Second
			f.disk([]string{"eu-west/recorder-1", "eu-west/recorder-2"}[(i+s)%2], n, from, from+10*time.Second)
		}
	}
	return f
}

// TestMarksThatCannotBeToldApartAreOne, with their number.
func TestMarksThatCannotBeToldApartAreOne(t *testing.T) {
	ms := []Mark{{X: 10, Class: "lost", Title: "a"}, {X: 10.2, Class: "refused", Title: "b"}, {X: 10.4, Class: "lost", Title: "c"}, {X: 10.6, Class: "lost", Title: "d"}, {X: 12, Class: "lost", Title: "e"}}
	require.Equal(t, []Mark{
		{X: 10, Class: "lost", Title: "a (and 2 more, too close to be drawn apart)"},
		{X: 10.2, Class: "refused", Title: "b"}, {X: 12, Class: "lost", Title: "e"},
	}, thinMarks(ms, 10))
	require.Len(t, thinMarks(ms, 2), 2, "one of each class stays")
	var many []Mark
	for i := range 1000 {
		many = append(many, Mark{X: float64(i), Class: "lost"})
	}
	require.LessOrEqual(t, len(thinMarks(many, 30)), 30)
}

// TestDeadAirIsNeverDrawnOver by the bars it lies on.
func TestDeadAirIsNeverDrawnOver(t *testing.T) {
	var bs []Bar
	for i := range 200 {
		bs = append(bs, Bar{X: float64(5 * i), W: 5, Class: fmt.Sprint("rec r0", i%3)})
	}
	for i := range 200 {
		bs = append(bs, Bar{X: float64(5*i) + 1, W: 1.2, Class: "dead", Title: "gap"})
	}
	require.Equal(t, bs, thinBars(bs, 400), "as long as there is room")
	thin := thinBars(bs, 40)
	require.LessOrEqual(t, len(thin), 40)
	dead := 0
	for _, b := range thin {
		if b.Class == "dead" {
			dead++
			require.Contains(t, b.Title, "more, too close to be drawn apart")
		}
		require.LessOrEqual(t, b.X+b.W, 1000.0)
	}
	require.Positive(t, dead)
	require.Equal(t, "dead", thin[len(thin)-1].Class, "above all others")
}

func TestALongLabelKeepsItsEnds(t *testing.T) {
	require.Equal(t, "us-east/balancer-1", fitted("us-east/balancer-1"))
	long := fitted("the-broadcasters-of-a-very-long-group-name-in-new-york-0017")
	require.Len(t, []rune(long), maxLabel)
	require.True(t, strings.HasPrefix(long, "the-broadcaster") && strings.HasSuffix(long, "new-york-0017"), long)
	require.Len(t, []rune(fitted(strings.Repeat("ü", 99))), maxLabel)
}
