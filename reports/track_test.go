package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/history"
)

// TestPublishedTracks: what is in the store, when it came there, and what it lacks.
func TestPublishedTracks(t *testing.T) {
	f := newFilm("rome-1", "rome-2")
	f.show("rome-1", eu1)
	for i, e := range f.events {
		if e.Kind == history.OffAir {
			f.events[i].At = 5 * minute
		}
	}
	f.add(history.Event{At: 6 * minute, Node: "store", Kind: history.TrackStored, File: "s1.mp3", Session: "s1", Bytes: 100})
	f.add(history.Event{At: 8 * minute, Node: "store", Kind: history.TrackStored, File: "s1.mp3", Session: "s1", Bytes: 200})
	f.add(history.Event{At: f.plan.End + time.Second, Node: "store", Kind: history.TrackFound, Subject: "rome-1", File: "s1.mp3", Revision: 2, Count: 9,
		Ranges: []history.Range{{From: 0, To: 999}, {From: 1500, To: 2000}}, Gaps: []history.Gap{{At: 72 * time.Second, Length: 36 * time.Second, Cause: "interruption"}}})
	f.add(history.Event{At: f.plan.End + time.Second, Node: "store", Kind: history.TrackFound, File: "s2.mp3", Count: 3, Bad: 1})
	pg := f.page()
	require.Equal(t, []TrackRow{
		{Name: "rome-1", Key: "s1.mp3", Revision: 2, OffAir: "0:05:00.0", Stored: "0:08:00.0", After: "3 min", Missing: "36.0 s", Gaps: []string{"72.0 s into it, for 36.0 s (interruption)"}},
		{Key: "s2.mp3", OffAir: "–", Stored: "–", After: "–", Missing: "0 s"},
	}, pg.Tracks)
	text := f.html(t)
	require.Contains(t, text, "at the end s2.mp3 holds 3 frames of nobody in the plan, and 1 piece that are none")
	lines := told(f, check.Verdict{})
	require.Contains(t, lines, "0:06:00 recovery: 1 track is published.")
	require.Contains(t, lines, "0:08:00 recovery: 1 track is published.")
}
