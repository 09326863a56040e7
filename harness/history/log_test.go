package history

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// at returns a clock that shows what it is set to.
func at(d *time.Duration) func() time.Duration { return func() time.Duration { return *d } }

func TestWhole(t *testing.T) {
	es := []Event{{Node: "a", Seq: 1}, {Node: "a", Seq: 3}, {At: 1, Node: "a", Seq: 2}, {At: 1, Node: "b", Seq: 1}, {At: 2, Node: "b", Seq: 2}}
	require.NoError(t, Whole(es))
	require.NoError(t, Whole(nil))
	require.EqualError(t, Whole(slices.Delete(slices.Clone(es), 2, 3)), "history is not whole: a saw 3 events, and 2 of them are here")
	require.EqualError(t, Whole(append(slices.Clone(es), Event{At: 3, Node: "b", Seq: 1})), "history is not whole: b saw 2 events, and 3 of them are here")
	require.EqualError(t, Whole(slices.Insert(slices.Clone(es), 1, es[0])), "history is not whole: lines 1 and 2 are the same event")
	for i, at := range map[int]int{1: 2, 2: 3, 4: 5} {
		moved := slices.Clone(es)
		moved[i-1], moved[i] = moved[i], moved[i-1]
		require.EqualError(t, Whole(moved), fmt.Sprintf("history is not in order: line %d belongs before line %d", at, at-1))
	}
}

func TestAddStampsTimeAndSequence(t *testing.T) {
	now := 3 * time.Second
	l := NewLog(at(&now))
	l.Add(Event{Node: "rome-1", Kind: OnAir})
	now = 5 * time.Second
	l.Add(Event{Node: "rome-1", Kind: OffAir, At: 4 * time.Second, Seq: 77})
	l.Add(Event{Node: "rome-2", Kind: OnAir})
	es, err := l.Events()
	require.NoError(t, err)
	require.Equal(t, []Event{
		{At: 3 * time.Second, Node: "rome-1", Seq: 1, Kind: OnAir},
		{At: 4 * time.Second, Node: "rome-1", Seq: 2, Kind: OffAir},
		{At: 5 * time.Second, Node: "rome-2", Seq: 1, Kind: OnAir},
	}, es)
}

// TestOrderDoesNotDependOnArrival: by time, then witness, then sequence.
func TestOrderDoesNotDependOnArrival(t *testing.T) {
	var sorted []Event
	for _, d := range []time.Duration{0, 1, time.Second, time.Hour} {
		for _, node := range []string{"", "a", "b", "b-2"} {
			for seq := range 3 {
				sorted = append(sorted, Event{At: d, Node: node, Seq: seq})
			}
		}
	}
	for seed := range uint64(20) {
		es := slices.Clone(sorted)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
		Sort(es)
		require.Equal(t, sorted, es)
	}
}

func TestEventsAreSortedAndTheCallersOwn(t *testing.T) {
	var now time.Duration
	l := NewLog(at(&now))
	for i := range 100 {
		l.Add(Event{At: time.Duration(1 + (i*37)%100), Node: "n", Kind: Dialed})
	}
	es, err := l.Events()
	require.NoError(t, err)
	require.True(t, slices.IsSortedFunc(es, func(a, b Event) int { return int(a.At - b.At) }))
	es[0].Node = "changed"
	again, err := l.Events()
	require.NoError(t, err)
	require.Equal(t, "n", again[0].Node)
}

func TestTapSeesEventsAsTheyAreKept(t *testing.T) {
	now := time.Minute
	l := NewLog(at(&now))
	l.Add(Event{Node: "n", Kind: OnAir})
	var seen []Event
	l.Tap(func(e Event) { seen = append(seen, e) })
	l.Add(Event{Node: "n", Kind: Lost})
	require.Equal(t, []Event{{At: time.Minute, Node: "n", Seq: 2, Kind: Lost}}, seen)
}

func TestManyWitnessesAtOnce(t *testing.T) {
	now := time.Duration(1)
	l := NewLog(at(&now))
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for range 500 {
				l.Add(Event{Node: fmt.Sprint("w", w), Kind: Attempt})
			}
			if _, err := l.Events(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	es, err := l.Events()
	require.NoError(t, err)
	require.Len(t, es, 4000)
	seq := map[string]int{}
	for _, e := range es {
		seq[e.Node]++
		require.Equal(t, seq[e.Node], e.Seq, "no sequence has a hole")
	}
}

// TestAHistoryWithHolesIsNone: what is over the limit is not kept, and the log says so.
func TestAHistoryWithHolesIsNone(t *testing.T) {
	now := time.Duration(1)
	l := NewLog(at(&now))
	require.Equal(t, 250_000, l.limit, "about 50 MB")
	l.limit = 1000
	tapped := 0
	l.Tap(func(Event) { tapped++ })
	for range 1000 {
		l.Add(Event{Node: "n", Kind: Attempt})
	}
	es, err := l.Events()
	require.NoError(t, err)
	require.Len(t, es, 1000)
	for range 3 {
		l.Add(Event{Node: "n", Kind: Attempt})
	}
	_, err = l.Events()
	require.EqualError(t, err, "history is over its limit of 1000 events by 3: shorten the scenario or its shows")
	require.Equal(t, 1000, tapped)
}
