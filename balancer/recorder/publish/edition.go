package publish

import (
	"cmp"
	"slices"
	"time"

	"deadair/balancer/audio"
	"deadair/balancer/recorder/manifest"
)

// publish puts an edition's tracks into the store, and its record. It may be called
// again after any of its steps.
func (s *sitting) publish(key, tag string, record Record, next Edition) outcome {
	if s.state.Plan != next.Plan {
		if out := s.note(manifest.Line{Type: manifest.Stitched, Plan: next.Plan}, outcome{}); out.err != nil {
			return out
		}
	}
	pieces, tracks, err := s.join(next.Parts, -1, nil)
	if err != nil {
		return outcome{err: err}
	}
	next.Tracks, next.Places = s.describe(next.Parts, pieces, tracks), places(pieces, tracks)
	if !slices.ContainsFunc(record.Underway, func(e Edition) bool { return e.Plan == next.Plan }) {
		record.Underway = append(record.Underway, next)
		record.Underway = record.Underway[max(0, len(record.Underway)-maxUnderway):]
		if tag, err = writeRecord(s.ctx, s.p.cfg.Store, key, tag, record); err != nil {
			return storeError(err)
		}
	}
	for i := range next.Tracks {
		if out := s.upload(record, &next, i, tracks[i].Head()); out.err != nil {
			return out
		}
	}
	if out := s.note(manifest.Line{Type: manifest.Published, Plan: next.Plan}, outcome{}); out.err != nil {
		return out
	}
	record.Edition, record.Underway = &next, nil
	if s.p.cfg.Tell != nil {
		record.Teller = cmp.Or(record.Teller, s.p.cfg.Name)
	}
	if _, err := writeRecord(s.ctx, s.p.cfg.Store, key, tag, record); err != nil {
		return storeError(err)
	}
	s.p.cfg.Log.Info("session published", "session", s.mine.Session, "revision", next.Revision, "tracks", len(next.Tracks))
	return s.verify(record)
}

// describe is what the record says of the tracks.
func (s *sitting) describe(parts []Part, pieces []audio.Piece, tracks []audio.Track) []Track {
	all := make([]Track, len(tracks))
	for i := range tracks {
		t := &tracks[i]
		all[i] = Track{
			Key: trackKey(s.p.cfg.Prefix, s.mine.Session, i, t.Format.Ext()), Format: t.Format.Ext(),
			Bytes: t.Bytes + int64(len(t.Head())), Seconds: t.Duration.Seconds(), Gaps: []Gap{},
		}
	}
	for i, piece := range pieces {
		if piece.To < piece.From {
			continue
		}
		t := &all[piece.From]
		t.Repeated += piece.Repeated
		t.Silenced += piece.Silenced
		if i > 0 && !parts[i].continues(parts[i-1]) {
			t.Gaps = append(t.Gaps, gap(parts[i-1], parts[i], piece.Start))
		}
	}
	return all
}

// places tells where the parts lie.
func places(pieces []audio.Piece, tracks []audio.Track) []Place {
	all := make([]Place, len(pieces))
	for i, p := range pieces {
		all[i] = Place{Track: -1}
		if p.From == p.To {
			all[i] = Place{Track: p.From, At: int64(len(tracks[p.From].Head())) + p.At, Bytes: p.Bytes}
		}
	}
	return all
}

// gap is the time between two parts that do not go on from one another.
func gap(before, after Part, at time.Duration) Gap {
	g := Gap{At: at.Seconds(), Length: max(0, after.Began.Sub(before.Ended)).Seconds(), Began: before.Ended, Cause: before.Cause}
	if after.Epoch > before.Epoch+1 {
		g.Cause = Missing
	}
	return g
}
