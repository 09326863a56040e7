package check

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// publishedOnce judges what is in the store: each session that is on a disk as one
// track, with all of its frames, each once, and none of anybody else's.
func publishedOnce(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	if e.plan.System.Store == nil {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: the system has no store"})
		return o
	}
	tracks := 0
	for _, s := range e.within(x) {
		for _, session := range s.sessions() {
			tracks += e.published(&o, s, session)
		}
		e.twice(&o, s)
	}
	if x.Broadcasters == "" {
		e.strangers(&o)
		if e.left > 0 {
			o.fails = append(o.fails, Finding{Sentence: fmt.Sprintf("%d uploads were left half done in the store", e.left), At: e.plan.End})
		}
	}
	o.measured = fmt.Sprintf("%d tracks", tracks)
	if tracks == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: nothing was recorded that had to be in the store"})
	}
	return o
}

// sessions are those of a show that are on a disk or in the store, in order of their first frames.
func (s *show) sessions() []string {
	var all []string
	for _, p := range slices.Concat(s.pieces, s.tracks) {
		if !slices.Contains(all, p.writer.session) {
			all = append(all, p.writer.session)
		}
	}
	return all
}

// published judges one session of a show, and counts its tracks.
func (e *evidence) published(o *opinion, s *show, session string) int {
	var found []int
	for _, i := range s.found {
		if e.events[i].Session == session {
			found = append(found, i)
		}
	}
	switch {
	case len(found) == 0 && e.lost(s, session):
	case len(found) == 0:
		o.fails = append(o.fails, Finding{Sentence: fmt.Sprintf("session %s of %s is on a disk, and not in the store", session, s.plan.Name), Subject: s.plan.Name, At: s.offAir, Events: s.filesOf(session)})
	case len(found) > 1:
		o.fails = append(o.fails, Finding{Sentence: fmt.Sprintf("session %s of %s is in the store as %d tracks", session, s.plan.Name, len(found)), Subject: s.plan.Name, At: s.offAir, Events: found})
	default:
		e.whole(o, s, session)
	}
	return len(found)
}

// lost tells whether all that is of a session lies on recorders that never came back.
func (e *evidence) lost(s *show, session string) bool {
	for _, p := range s.pieces {
		if p.writer.session == session && !e.neverBack(p.writer.recorder) {
			return false
		}
	}
	return true
}

// neverBack tells whether a recorder was ended and never came back.
func (e *evidence) neverBack(recorder string) bool {
	return slices.ContainsFunc(e.steps, func(st *step) bool { return st.Stays && st.Do != "disk" && st.ends(recorder) })
}

// whole judges that what is on the disks of a session is in its track.
func (e *evidence) whole(o *opinion, s *show, session string) {
	var track []piece
	for _, p := range s.tracks {
		if p.writer.session == session {
			track = append(track, p)
		}
	}
	for _, p := range s.pieces {
		if p.writer.session != session || e.neverBack(p.writer.recorder) {
			continue
		}
		for _, m := range missing(track, p.to+1) {
			if m.to < p.from {
				continue
			}
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("frames %d to %d of %s are on %s (%s), and not in its track", max(m.from, p.from), m.to, s.plan.Name, p.writer.recorder, p.file),
				Subject:  s.plan.Name, At: s.at(max(m.from, p.from)), Events: []int{p.event},
			})
		}
	}
}

func (s *show) filesOf(session string) []int {
	var all []int
	for _, p := range s.pieces {
		if p.writer.session == session && !slices.Contains(all, p.event) {
			all = append(all, p.event)
		}
	}
	return all
}

// twice tells of frames that are in the store more than once.
func (e *evidence) twice(o *opinion, s *show) {
	for i := 1; i < len(s.tracks); i++ {
		a, b := s.tracks[i-1], s.tracks[i]
		if b.from <= a.to {
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("frames %d to %d of %s are in the store twice (%s, %s)", b.from, min(a.to, b.to), s.plan.Name, a.file, b.file),
				Subject:  s.plan.Name, At: s.at(b.from), Events: []int{b.event, a.event},
			})
		}
	}
}

// strangers tells of tracks that hold frames of nobody, or of two shows.
func (e *evidence) strangers(o *opinion) {
	owner := map[string]history.Event{}
	for i, ev := range e.events {
		if ev.Kind != history.TrackFound {
			continue
		}
		other, seen := owner[ev.File]
		switch {
		case seen && other.Subject != ev.Subject:
			o.fails = append(o.fails, Finding{Sentence: fmt.Sprintf("%s in the store holds frames of %s and of %s", ev.File, other.Subject, ev.Subject), Subject: ev.Subject, At: ev.At, Events: []int{i}})
		case ev.Subject == "" && ev.Count > 0:
			o.fails = append(o.fails, Finding{Sentence: fmt.Sprintf("%s in the store holds frames of nobody in the plan", ev.File), At: ev.At, Events: []int{i}})
		}
		owner[ev.File] = ev
	}
}

// publishDelay judges when tracks were in the store, as they are at the end: in time
// after the show was over, and after the last fault that can have held them up. What is
// not there when the store is read is as late as that.
func publishDelay(e *evidence, x scenario.Expectation) opinion {
	o := opinion{limit: secs(x.Within)}
	if e.plan.System.Store == nil {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: the system has no store"})
		return o
	}
	judged, who := 0, ""
	for _, s := range e.within(x) {
		due := e.heldUp(s.offAir+e.plan.Timing.Over, x.Within, e.onStore)
		for _, t := range e.due(s) {
			late := t.at - due
			if t.never && late <= x.Within+e.plan.Timing.Slack {
				o.unclear = append(o.unclear, Finding{Sentence: fmt.Sprintf("the store was read before the track of %s had to be in it, and it was not", s.plan.Name), Subject: s.plan.Name, At: t.at, Events: t.events})
				continue
			}
			judged++
			if late > o.worst || who == "" {
				o.worst, who = max(0, late), s.plan.Name
			}
			if late > x.Within+e.plan.Timing.Slack {
				o.slow = append(o.slow, Finding{
					Sentence: fmt.Sprintf("the track of %s was %s %s after it could have been, %s are allowed", s.plan.Name, t.where(), secs(late), secs(x.Within)),
					Subject:  s.plan.Name, At: t.at, Over: late - x.Within, Events: t.events,
				})
			}
		}
	}
	o.measured = fmt.Sprintf("%d tracks, worst %s after it could have been (%s)", judged, secs(o.worst), who)
	if judged == 0 && len(o.unclear) == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: nothing was recorded that had to be in the store"})
	}
	return o
}

// arrival is a track that was due, and when it was in the store.
type arrival struct {
	at     time.Duration
	never  bool // it was not, when the store was read
	events []int
}

func (a arrival) where() string {
	if a.never {
		return "still not in the store"
	}
	return "in the store"
}

// due are the tracks of a show: those in the store, and those of sessions that are not.
func (e *evidence) due(s *show) []arrival {
	var all []arrival
	there := map[string]bool{}
	for _, i := range s.found {
		there[e.events[i].Session] = true
		at, j := s.appeared(e.events[i].File)
		all = append(all, arrival{at: at, events: []int{j}})
	}
	for _, session := range s.sessions() {
		if !there[session] && !e.lost(s, session) {
			all = append(all, arrival{at: e.readAt, never: true, events: s.filesOf(session)})
		}
	}
	return all
}

// appeared is when a track was in the store as it is at the end.
func (s *show) appeared(key string) (at time.Duration, event int) {
	event = -1
	for _, i := range s.stored {
		if s.events[i].File == key {
			at, event = s.events[i].At, i
		}
	}
	return at, event
}

// heldUp is when something that was due at an instant could be done at last: after the
// faults in its way, as far as they began before it had to be done.
func (e *evidence) heldUp(due, within time.Duration, inTheWay func(*step) bool) time.Duration {
	var steps []*step
	for _, s := range e.steps {
		if !s.Stays && s.began >= 0 && inTheWay(s) {
			steps = append(steps, s)
		}
	}
	slices.SortStableFunc(steps, func(a, b *step) int { return cmp.Compare(a.began, b.began) })
	for _, s := range steps {
		if s.began <= due+within+e.plan.Timing.Slack {
			due = max(due, s.ended)
		}
	}
	return due
}

// onStore tells whether a step can hold up publishing: it is on the store, on recorders,
// or on what lies between them.
func (e *evidence) onStore(s *step) bool {
	return s.ends("store") || slices.ContainsFunc(e.recorders, func(r string) bool {
		return s.ends(r) || s.breaks(r, "store") || slices.ContainsFunc(e.recorders, func(o string) bool { return s.breaks(r, o) })
	})
}
