package reports

import (
	"fmt"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// TrackRow is one track that is in the store at the end.
type TrackRow struct {
	Name, Key             string // broadcaster; empty: nobody of the plan
	Revision              int
	OffAir, Stored, After string
	Missing               string // programme between its first and its last frame that is not in it
	Gaps                  []string
}

// maxTracks bounds the tracks of a page.
const maxTracks = 300

// tracks lists what was published, in the order of the history.
func tracks(p *scenario.Plan, es []history.Event) []TrackRow {
	stored := map[string]time.Duration{} // by key, when its last version appeared
	offAir := map[string]time.Duration{}
	shows := map[string]scenario.Broadcaster{}
	for _, b := range p.Broadcasters {
		shows[b.Name] = b
	}
	var all []TrackRow
	for _, e := range es {
		switch e.Kind {
		case history.OffAir:
			offAir[e.Node] = e.At
		case history.TrackStored:
			stored[e.File] = e.At
		case history.TrackFound:
			if len(all) < maxTracks {
				all = append(all, trackRow(p, shows[e.Subject], e, stored, offAir))
			}
		}
	}
	return all
}

func trackRow(p *scenario.Plan, b scenario.Broadcaster, e history.Event, stored, offAir map[string]time.Duration) TrackRow {
	row := TrackRow{Name: e.Subject, Key: e.File, Revision: e.Revision, OffAir: "–", Stored: "–", After: "–"}
	at, published := stored[e.File]
	if published {
		row.Stored = instant(p, at)
	}
	if off, ok := offAir[e.Subject]; ok {
		row.OffAir = instant(p, off)
		if published {
			row.After = span(p.Incident(at) - p.Incident(off))
		}
	}
	var missing time.Duration
	for i := 1; i < len(e.Ranges); i++ {
		missing += time.Duration(max(0, e.Ranges[i].From-e.Ranges[i-1].To-1)) * frameOf(b)
	}
	row.Missing = span(missing)
	for _, g := range e.Gaps {
		s := fmt.Sprintf("%s into it, for %s", span(g.At), span(g.Length))
		if g.Cause != "" {
			s += " (" + g.Cause + ")"
		}
		row.Gaps = append(row.Gaps, s)
	}
	return row
}
