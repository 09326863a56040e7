package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
)

// outcome is what came of a look at a session.
type outcome struct {
	again   time.Duration // until the next look
	done    bool          // it is in the store
	gone    bool          // there is nothing to look at any more
	reached bool          // the store answered
	err     error
	store   bool // err is the store's
}

// errAhead is a session whose tracks in the store hold what is not here: they are left
// as they are, and so is what is here.
var errAhead = errors.New("the store has segments of it that no recorder has and that cannot be taken out of their track, and lacks some that are here: look at both by hand")

// look goes on with one session, as far as it can.
func (p *Publisher) look(ctx context.Context, session string) outcome {
	state, ok, err := p.cfg.Library.State(session)
	switch {
	case err != nil:
		return outcome{err: err}
	case !ok || !state.Finished:
		return outcome{gone: true}
	case state.Stage == manifest.Collected:
		return p.collect(session)
	case state.Stage == manifest.Verified:
		return p.keep(session, state)
	}
	mine := HoldingOf(p.cfg.Name, state)
	others, absent := p.cfg.Peers.Holdings(ctx, session)
	if slices.ContainsFunc(others, func(h Holding) bool { return !h.Over }) {
		return outcome{again: p.cfg.Every} // it goes on elsewhere
	}
	if absent > 0 && p.cfg.Wall().Sub(state.Since) < p.cfg.Patience && state.Stage == "" {
		return outcome{again: p.cfg.Every}
	}
	s := &sitting{p: p, ctx: ctx, mine: mine, state: state, others: others}
	out := s.settle()
	out.reached = out.reached || s.reached
	return out
}

// keep leaves what the store has here for a while, for whoever wants it back.
func (p *Publisher) keep(session string, s manifest.State) outcome {
	left := s.Since.Add(p.cfg.Keep).Sub(p.cfg.Wall())
	if left > 0 && !p.cfg.Library.Short() {
		return outcome{again: min(left, 10*p.cfg.Every), done: true}
	}
	if err := p.cfg.Library.Note(session, manifest.Line{Type: manifest.Collected, Epoch: s.Epoch}); err != nil {
		return outcome{err: err, done: true}
	}
	return p.collect(session)
}

func (p *Publisher) collect(session string) outcome {
	if err := p.cfg.Library.Remove(session); err != nil {
		return outcome{err: fmt.Errorf("remove %s: %w", session, err), done: true}
	}
	return outcome{gone: true}
}

// sitting is one look at a session that is over everywhere.
type sitting struct {
	p       *Publisher
	ctx     context.Context
	mine    Holding
	state   manifest.State
	others  []Holding
	known   []Edition               // what is in the store, and what was tried: parts may be needed of it
	objects map[string]objects.Info // tracks in the store, once they were asked for
	reached bool
}

// storeError is an error of the store.
func storeError(err error) outcome {
	// A store that tells of the object has answered.
	said := slices.ContainsFunc([]error{objects.ErrChanged, objects.ErrNoUpload, objects.ErrNotFound, objects.ErrTooLarge, errRecord}, func(e error) bool { return errors.Is(err, e) })
	return outcome{err: err, store: true, reached: said}
}

// settle publishes the session, or finds that this is done, or another one's to do.
func (s *sitting) settle() outcome {
	key := RecordKey(s.p.cfg.Prefix, s.mine.Session)
	record, tag, err := readRecord(s.ctx, s.p.cfg.Store, key, s.mine)
	if err != nil {
		return storeError(err)
	}
	s.reached = true
	if e := record.Edition; e != nil && covers(e.Parts, s.mine.Parts) {
		out := s.verify(record)
		if out.done || out.err != nil || s.p.cfg.Wall().Sub(s.state.Since) < s.p.cfg.Patience {
			return out
		}
		// Whoever put another edition's tracks there may have died: it is ended in its place.
	}
	if len(s.mine.Parts) == 0 {
		return s.note(manifest.Line{Type: manifest.Verified}, outcome{done: true}) // there is nothing of it here
	}
	if s.finisher(record.Edition) != s.p.cfg.Name {
		return outcome{again: s.p.cfg.Every}
	}
	parts := slices.Clone(s.mine.Parts)
	for _, h := range s.others {
		parts = append(parts, h.Parts...)
	}
	next := Edition{Revision: 1}
	s.known = record.Underway
	if e := record.Edition; e != nil {
		next.Revision = e.Revision + 1
		s.known = append([]Edition{*e}, record.Underway...)
		for i, p := range e.Parts {
			if slices.ContainsFunc(parts, p.same) {
				continue
			}
			if len(e.Places) != len(e.Parts) || e.Places[i].Track < 0 {
				return outcome{err: errAhead}
			}
			parts = append(parts, p) // it is taken out of its track
		}
	}
	if parts, err = s.salvage(parts, record.Underway); err != nil {
		return storeError(err)
	}
	s.p.cfg.Order(parts)
	next.Plan, next.Parts = planOf(parts), parts
	return s.publish(key, tag, record, next)
}

// salvage adds what only the store has, in tracks of editions that did not get into the
// record: whoever put them there may never come back.
func (s *sitting) salvage(parts []Part, underway []Edition) ([]Part, error) {
	for _, e := range underway {
		for i, p := range e.Parts {
			if slices.ContainsFunc(parts, p.same) || len(e.Places) != len(e.Parts) || e.Places[i].Track < 0 {
				continue
			}
			info, err := s.object(e.Tracks[e.Places[i].Track].Key)
			switch {
			case errors.Is(err, objects.ErrNotFound):
			case err != nil:
				return nil, err
			case info.Meta[planMeta] == e.Plan:
				parts = append(parts, p)
			}
		}
	}
	return parts, nil
}

// finisher is who publishes, among those whose store has not said yet that it has all of
// theirs: somebody who reaches the store rather than somebody who does not, somebody of
// whom the edition that is published lacks something rather than one who waits for it,
// and of these the lowest of a hash, rather than who comes first.
func (s *sitting) finisher(published *Edition) string {
	mine := s.mine
	mine.Able = true
	all := []Holding{mine}
	for _, h := range s.others {
		if !h.Done && len(h.Parts) > 0 {
			all = append(all, h)
		}
	}
	behind := func(h Holding) int {
		n := 0
		if !h.Able {
			n = 2
		}
		if published != nil && covers(published.Parts, h.Parts) {
			n++
		}
		return n
	}
	return slices.MinFunc(all, func(a, b Holding) int {
		return cmp.Or(
			cmp.Compare(behind(a), behind(b)),
			cmp.Compare(rank(s.mine.Session, a.Recorder), rank(s.mine.Session, b.Recorder)), cmp.Compare(a.Recorder, b.Recorder),
		)
	}).Recorder
}

func rank(session, recorder string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(session + "\x00" + recorder))
	return h.Sum64()
}

// verify asks the store whether it has the tracks of a record, whole, and has the
// broadcaster told if that is this recorder's to do.
func (s *sitting) verify(r Record) outcome {
	e := r.Edition
	for _, t := range e.Tracks {
		info, err := s.p.cfg.Store.Head(s.ctx, t.Key)
		if err != nil {
			return storeError(err)
		}
		if info.Size != t.Bytes || info.Meta[planMeta] != e.Plan {
			return outcome{again: s.p.cfg.Every} // another edition is on its way
		}
	}
	if s.p.cfg.Tell != nil && r.Teller == s.p.cfg.Name {
		if err := s.p.cfg.Tell(r); err != nil {
			return outcome{err: fmt.Errorf("tell the broadcaster: %w", err)}
		}
	}
	return s.note(manifest.Line{Type: manifest.Verified, Plan: e.Plan}, outcome{done: true})
}

// note writes a line to the manifest.
func (s *sitting) note(l manifest.Line, then outcome) outcome {
	l.Epoch = s.state.Epoch // of a source that has come since it says nothing
	if err := s.p.cfg.Library.Note(s.mine.Session, l); err != nil {
		return outcome{err: err}
	}
	return then
}
