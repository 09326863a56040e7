package broadcaster

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestQuietCountsWhatRepeats: ten knocks a second at two doors, and the history stays small.
func TestQuietCountsWhatRepeats(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) { v.say(refusal(403)) })
		s.names = []netip.Addr{hostB, hostA} // nobody listens at B
		cfg := s.config(named(t, "butt"))
		cfg.Duration, cfg.Quiet = 10*time.Minute, time.Minute
		all := s.play(cfg)
		require.Less(t, len(all), 40)
		require.Equal(t, 20, len(of(all, Attempt))-2, "ten minutes, two sorts, and the rest before the end")
		refused, answered := 0, 0
		for _, e := range of(all, Attempt) {
			if e.Class == Refused {
				refused += max(1, e.Count)
				require.Equal(t, hostB, e.Peer)
				continue
			}
			answered += max(1, e.Count)
			require.Equal(t, 403, e.Status)
		}
		require.Equal(t, len(s.visits), answered, "none is lost")
		require.Equal(t, len(s.visits), refused)
		require.Greater(t, answered, 2900)
		require.Len(t, of(all, Resolved), 10)
		require.Equal(t, OffAir, all[len(all)-1].Kind, "what was counted comes before")
	})
}

// TestQuietTellsChangesAtOnce.
func TestQuietTellsChangesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var got []Event
		r := reporter{observe: func(e Event) { got = append(got, e) }, quiet: time.Minute}
		failed := Event{Kind: Attempt, Peer: hostA, Class: Refused, Took: 1}
		later := Event{Kind: Attempt, Peer: hostA, Class: Refused, Took: 2}
		other := Event{Kind: Attempt, Peer: hostA, Class: Answered, Status: 403}
		another := Event{Kind: Attempt, Peer: hostA, Class: Answered, Status: 503}
		elsewhere := Event{Kind: Attempt, Peer: hostB, Class: Refused}
		ok := Event{Kind: Attempt, Peer: hostA, Class: Accepted, Frame: 7}
		a := Event{Kind: Resolved, Hosts: []netip.Addr{hostA}}
		ab := Event{Kind: Resolved, Hosts: []netip.Addr{hostA, hostB}}
		none := Event{Kind: Resolved, Class: Unresolved}
		counted := later
		counted.Count = 2
		steps := []struct{ in, out []Event }{
			{[]Event{a, failed, a, failed, a, later}, []Event{a, failed}},
			{[]Event{elsewhere, elsewhere}, []Event{elsewhere}},
			{[]Event{a, other, a, another, ab, another}, []Event{other, another, ab}},
			{[]Event{a, none, a, none}, []Event{a, none, a, none}},
			{[]Event{a, ok}, []Event{a, counted, {Kind: Attempt, Peer: hostB, Class: Refused, Count: 1}, {Kind: Attempt, Peer: hostA, Class: Answered, Status: 503, Count: 1}, ok}},
			{[]Event{{Kind: Lost}, a, failed, {Kind: GaveUp}, {Kind: OffAir}}, []Event{{Kind: Lost}, a, failed, {Kind: GaveUp}, {Kind: OffAir}}},
		}
		for i, s := range steps {
			got = nil
			for _, e := range s.in {
				r.report(e)
				time.Sleep(time.Second)
			}
			require.Equal(t, s.out, got, "step %d", i)
		}
	})
}

// TestQuietHasALimit of failures that it tells apart.
func TestQuietHasALimit(t *testing.T) {
	n := 0
	r := reporter{observe: func(Event) { n++ }, quiet: time.Hour}
	for i := range 10_000 {
		r.report(Event{Kind: Attempt, Class: Answered, Status: i % 1000})
	}
	require.LessOrEqual(t, len(r.held), maxHeld)
	require.Equal(t, 10_000, n)
}
