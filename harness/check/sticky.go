package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/scenario"
)

// stickyReconnect judges who holds a show before and after each interruption.
// It proves something only if an owner was not the one the hash would choose.
func stickyReconnect(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	judged, telling := 0, 0
	for _, s := range e.within(x) {
		for _, b := range s.breaks {
			before, after, ok := e.owners(s, b)
			if !ok {
				continue
			}
			judged++
			if before.recorder != s.hash {
				telling++
			}
			if before.recorder != after.recorder || before.session != after.session {
				o.fails = append(o.fails, Finding{
					Sentence: fmt.Sprintf("%s was recorded by %s (session %s) and, reconnected through %s, by %s (session %s), although %s lived",
						s.plan.Name, before.recorder, before.session, b.accepted.Peer, after.recorder, after.session, before.recorder),
					Subject: s.plan.Name, At: b.accepted.At, Events: []int{b.acceptIx, b.lostIx},
				})
			}
		}
	}
	o.measured = fmt.Sprintf("%d reconnects to a recorder that lived, %d to another one than the hash's", judged, telling)
	if telling == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: nobody reconnected to a recorder other than the one that the hash would choose anyway"})
	}
	return o
}

// owners is who held a show before and after an interruption. It is not ok when
// the one before could not have gone on.
func (e *evidence) owners(s *show, b *interruption) (before, after writer, ok bool) {
	if b.accepted == nil || b.path.recorder == "" || s.end(b)-b.lost.At >= e.plan.Timing.Window {
		return before, after, false
	}
	before = s.holder(0, b.lost.Frame-1)
	after, ok = s.next(b.accepted.Frame)
	return before, after, ok && e.lived(before.recorder, b.accepted.Peer, b.lost.At, b.accepted.At)
}

// lived tells whether a recorder ran, and took sources from a balancer, all
// through a stretch and long enough before it for everybody to know.
func (e *evidence) lived(recorder, balancer string, from, to time.Duration) bool {
	t := e.plan.Timing
	known := time.Duration(t.RecorderFall+1) * (t.RecorderPoll + t.PollDeadline)
	for _, st := range e.steps {
		if st.began < 0 || !st.active(from-known, to) {
			continue
		}
		draining := st.Do == "drain" && slices.Contains(st.Nodes, recorder) && !e.undrained(recorder, st.began, from-known)
		if st.ends(recorder) || draining || st.breaks(balancer, recorder) && st.Do != "cut" {
			return false
		}
	}
	return true
}
