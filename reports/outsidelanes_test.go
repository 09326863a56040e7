package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// TestWhatListenersHeardIsDrawn: minutes that follow one another are one bar, silence is
// one of its own, and tuning in is none.
func TestWhatListenersHeardIsDrawn(t *testing.T) {
	f := newFilm("rome-1")
	f.plan.Visitors = []scenario.Visitor{{Name: "paris-01", Group: "paris"}}
	hears := func(at, took time.Duration, ok bool, class string) {
		f.add(history.Event{At: at, Took: took, Node: "paris-01", Kind: history.Listened, OK: ok, Class: class, Peer: "eu-west/edge-1"})
	}
	hears(minute, time.Second, false, "ok")
	hears(2*minute, minute, true, "ok")
	hears(3*minute, minute, true, "timeout")
	hears(4*minute, minute, false, "timeout")
	hears(5*minute, minute, true, "ok")
	lanes := group(t, f.page().Chart, "What listeners heard").Lanes
	require.Len(t, lanes, 1)
	require.Equal(t, "paris-01", lanes[0].Label)
	var classes []string
	for _, b := range lanes[0].Bars {
		classes = append(classes, b.Class)
	}
	require.Equal(t, []string{"healthy", "dead", "healthy"}, classes)
	require.InDelta(t, 2*lanes[0].Bars[1].W, lanes[0].Bars[0].W, 0.1, "two minutes and one")
	require.Contains(t, lanes[0].Bars[1].Title, "nothing comes from eu-west/edge-1")
}

// TestRequestsInVainAreDrawn by group, of visitors and of apps; those that succeed are not.
func TestRequestsInVainAreDrawn(t *testing.T) {
	f := newFilm("rome-1")
	f.plan.Visitors = []scenario.Visitor{{Name: "readers-01", Group: "readers"}, {Name: "readers-02", Group: "readers"}}
	for i, name := range []string{"readers-01", "readers-02", "rome-1", "readers-01"} {
		f.add(history.Event{At: time.Duration(i+1) * minute, Node: name, Kind: history.Requested, Subject: "www", Peer: "eu-west/web-1", Class: "answered", Status: 503})
		f.add(history.Event{At: time.Duration(i+1) * minute, Node: name, Kind: history.Requested, Subject: "www", Peer: "eu-west/web-2", Class: "ok"})
	}
	lanes := group(t, f.page().Chart, "Requests of visitors and apps in vain").Lanes
	require.Len(t, lanes, 2)
	require.Equal(t, []string{"readers", "eu"}, []string{lanes[0].Label, lanes[1].Label})
	require.Len(t, lanes[0].Marks, 3)
	require.Len(t, lanes[1].Marks, 1)
	require.Contains(t, lanes[1].Marks[0].Title, "rome-1 was answered 503 by eu-west/web-1")
}
