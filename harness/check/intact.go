package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// recordingIntact judges every file on disk, every frame of each show, and its tracks.
func recordingIntact(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	frames := 0
	owners := map[[2]string]int{} // recorder and session → the first file's event
	for i, ev := range e.events {
		if ev.Kind != history.SegmentFound {
			continue
		}
		frames += ev.Count
		if x.Broadcasters == "" {
			e.file(&o, i, ev, owners)
		}
	}
	for _, s := range e.within(x) {
		e.sessions(&o, s)
		e.order(&o, s)
		e.holes(&o, s)
		e.track(&o, s)
	}
	o.measured = fmt.Sprintf("%d frames", frames)
	return o
}

// file judges what is in one file: frames of one broadcaster, all of them right.
func (e *evidence) file(o *opinion, i int, ev history.Event, owners map[[2]string]int) {
	torn := 0
	for _, s := range e.steps {
		if s.ends(ev.Node) && s.Do != "pause" {
			torn = 1 // the last frame of a recorder that died in the middle of it
		}
	}
	if ev.Bad > torn {
		o.fails = append(o.fails, Finding{
			Sentence: fmt.Sprintf("%s on %s holds %d pieces that are no frames of its show", ev.File, ev.Node, ev.Bad), Subject: ev.Node, At: ev.At, Events: []int{i},
		})
	}
	if ev.Subject == "" && ev.Count > 0 {
		o.fails = append(o.fails, Finding{Sentence: fmt.Sprintf("%s on %s holds frames of nobody in the plan", ev.File, ev.Node), Subject: ev.Node, At: ev.At, Events: []int{i}})
	}
	if ev.Subject == "" {
		return
	}
	j, seen := owners[[2]string{ev.Node, ev.Session}]
	if !seen {
		owners[[2]string{ev.Node, ev.Session}] = i
		return
	}
	if other := e.events[j].Subject; other != ev.Subject {
		o.fails = append(o.fails, Finding{
			Sentence: fmt.Sprintf("session %s on %s holds frames of %s and of %s", ev.Session, ev.Node, other, ev.Subject), Subject: ev.Subject, At: ev.At, Events: []int{i, j},
		})
	}
}

// sessions judges that a show is one session. A show that was away for longer
// than the window begins a new one, and so does one that nobody is left to know.
func (e *evidence) sessions(o *opinion, s *show) {
	for i := 1; i < len(s.pieces); i++ {
		a, b := s.pieces[i-1], s.pieces[i]
		away := s.at(b.from) - s.at(a.to+1)
		if a.writer.session == b.writer.session || away >= e.plan.Timing.Window || e.forgotten(a.writer.recorder, s.at(b.from)) {
			continue
		}
		o.slow = append(o.slow, Finding{
			Sentence: fmt.Sprintf("the show of %s went on as another session after %s: its recording is cut in two", s.plan.Name, secs(away)),
			Subject:  s.plan.Name, At: s.at(b.from), Events: []int{b.event, a.event},
		})
	}
}

// forgotten tells whether, at an instant, the index could not be asked and the recorder
// that held a session was down, or both had been until shortly before.
func (e *evidence) forgotten(recorder string, at time.Duration) bool {
	t := e.plan.Timing
	known := time.Duration(t.RecorderFall+1) * (t.RecorderPoll + t.PollDeadline)
	down := func(node string) bool {
		return slices.ContainsFunc(e.steps, func(s *step) bool { return s.ends(node) && s.active(at-known, at) })
	}
	return down("redis") && down(recorder)
}

// order judges that no frame is on disk twice, and that every file has its frames in order.
func (e *evidence) order(o *opinion, s *show) {
	for i := 1; i < len(s.pieces); i++ {
		a, b := s.pieces[i-1], s.pieces[i]
		if b.from <= a.to {
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("frames %d to %d of %s are on disk twice (%s on %s, %s on %s)", b.from, min(a.to, b.to), s.plan.Name, a.file, a.writer.recorder, b.file, b.writer.recorder),
				Subject:  s.plan.Name, At: s.at(b.from), Events: []int{b.event, a.event},
			})
		}
	}
	if n := len(s.pieces); n > 0 && s.pieces[n-1].to >= s.produced && s.offAir >= 0 {
		o.fails = append(o.fails, Finding{
			Sentence: fmt.Sprintf("frame %d of %s is on disk, and the show has %d", s.pieces[n-1].to, s.plan.Name, s.produced), Subject: s.plan.Name, At: s.offAir, Events: []int{s.pieces[n-1].event},
		})
	}
	for _, i := range s.files() {
		ev := s.events[i]
		for j := 1; j < len(ev.Ranges); j++ {
			if ev.Ranges[j].From <= ev.Ranges[j-1].To {
				o.fails = append(o.fails, Finding{
					Sentence: fmt.Sprintf("%s on %s has frame %d of %s after frame %d", ev.File, ev.Node, ev.Ranges[j].From, s.plan.Name, ev.Ranges[j-1].To),
					Subject:  s.plan.Name, At: s.at(ev.Ranges[j].From), Events: []int{i},
				})
			}
		}
	}
}

// files lists the events of a show's files.
func (s *show) files() []int {
	var all []int
	for _, p := range s.pieces {
		if !slices.Contains(all, p.event) {
			all = append(all, p.event)
		}
	}
	slices.Sort(all)
	return all
}

// holes judges that what is neither on a disk nor in the store lies within what
// interruptions can have taken.
func (e *evidence) holes(o *opinion, s *show) {
	if s.offAir < 0 {
		return
	}
	kept := slices.Concat(s.pieces, s.tracks)
	sortPieces(kept)
	for _, m := range missing(kept, s.produced) {
		rest := without([]span{m}, s.start())
		for _, b := range s.breaks {
			rest = without(rest, s.taken(b, e.early(b)))
		}
		for _, r := range rest {
			o.slow = append(o.slow, Finding{
				Sentence: fmt.Sprintf("frames %d to %d of %s (%s) are nowhere although it was connected", r.from, r.to, s.plan.Name, secs(s.at(r.to+1)-s.at(r.from))),
				Subject:  s.plan.Name, At: s.at(r.from), Events: s.lossAfter(s.at(r.from)),
			})
		}
	}
}

// without is runs of frames less one.
func without(all []span, less span) []span {
	var rest []span
	for _, m := range all {
		if !m.overlap(less) {
			rest = append(rest, m)
			continue
		}
		if m.from < less.from {
			rest = append(rest, span{m.from, less.from - 1})
		}
		if m.to > less.to {
			rest = append(rest, span{less.to + 1, m.to})
		}
	}
	return rest
}
