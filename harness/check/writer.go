package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/scenario"
)

// singleWriter judges who wrote each show: writers follow one another, and every
// new one has a higher epoch. A source sends each frame once, so there is no time
// in which two writers may both hold frames; and what the connection before had sent
// is not written any more once the next one is on air.
func singleWriter(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	held := false
	for _, s := range e.within(x) {
		held = held || len(s.pieces) > 0
		e.writers(&o, s)
		o.slow = append(o.slow, e.ghosts(s)...)
	}
	if !held {
		o.unclear = append(o.unclear, Finding{Sentence: "no frame is on any disk, so nobody wrote"})
	}
	return o
}

// writers tells of frames whose writer was not the newest so far, and of two
// writers with one epoch. Without the index and with recorders that do not answer in
// time epochs are guessed: a machine that is too slow can do that. Frames that two
// writers hold it cannot excuse.
func (e *evidence) writers(o *opinion, s *show) {
	newest := map[string]piece{} // by session, the piece with the highest epoch so far
	for _, p := range s.pieces {
		was, seen := newest[p.writer.session]
		bad, fails := "", &o.slow
		switch {
		case !seen:
		case p.writer.epoch < was.writer.epoch:
			bad = fmt.Sprintf("frames from %d on of %s were written by %s in epoch %d after %s had taken over in epoch %d",
				p.from, s.plan.Name, p.writer.recorder, p.writer.epoch, was.writer.recorder, was.writer.epoch)
		case p.from <= was.to && p.writer != was.writer:
			fails = &o.fails
			bad = fmt.Sprintf("%s (epoch %d) and %s (epoch %d) both hold frames %d to %d of %s",
				was.writer.recorder, was.writer.epoch, p.writer.recorder, p.writer.epoch, p.from, min(p.to, was.to), s.plan.Name)
		case p.writer.epoch == was.writer.epoch && p.writer.recorder != was.writer.recorder:
			bad = fmt.Sprintf("%s and %s both wrote %s in epoch %d", was.writer.recorder, p.writer.recorder, s.plan.Name, p.writer.epoch)
		}
		if bad != "" {
			*fails = append(*fails, Finding{Sentence: bad, Subject: s.plan.Name, At: s.at(p.from), Events: []int{p.event, was.event}})
			continue
		}
		newest[p.writer.session] = p
	}
}

// ghosts tells of frames that a fault held back until after their source was on air
// again by another connection, and that are on disk all the same: the connection
// before was still written at the recorder that had accepted the next one.
func (e *evidence) ghosts(s *show) []Finding {
	var fs []Finding
	for _, b := range s.breaks {
		held, ok := s.held(b, e.plan.Timing.Slack)
		if !ok {
			continue
		}
		now, _ := s.next(b.accepted.Frame)
		for _, p := range s.pieces {
			if p.writer.recorder != now.recorder || !held.overlap(span{p.from, p.to}) {
				continue
			}
			from, to := max(held.from, p.from), min(held.to, p.to)
			fs = append(fs, Finding{
				Sentence: fmt.Sprintf("frames %d to %d of %s were held back until after it was on air again, and %s wrote them all the same (%s)",
					from, to, s.plan.Name, p.writer.recorder, p.file),
				Subject: s.plan.Name, At: s.at(from), Events: []int{p.event, b.acceptIx},
			})
		}
	}
	return fs
}

// held is the frames that cannot have left a connection before its show was on air
// by the next one: they were produced when a fault held its bytes back, and it still
// did when the next one was accepted.
func (s *show) held(b *interruption, slack time.Duration) (span, bool) {
	by := b.silence
	if by == nil || b.accepted == nil || by.ended <= b.accepted.At || !slices.Contains([]string{"stall", "pause"}, by.Do) || by.Way == "back" {
		return span{}, false
	}
	from := int64((by.began+slack-s.onAir)/s.frame) + 1 // the first one that begins after that
	held := span{max(b.first, from), b.accepted.Frame - 1}
	return held, s.at(b.first) < by.began && held.from <= held.to
}
