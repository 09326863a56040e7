package check

import (
	"fmt"

	"deadair/harness/scenario"
)

// lostForGood judges shows whose client gave up, with nobody there to start it again.
func lostForGood(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	tried, ended := 0, 0
	shows := e.within(x)
	for _, s := range shows {
		if len(s.breaks) > 0 || s.gaveUp >= 0 {
			tried++
		}
		if s.gaveUp < 0 {
			continue
		}
		ended++
		if why, ok := e.avoidable(s); ok {
			last := e.events[s.gaveUp]
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("the show of %s ended for ever: %s", s.plan.Name, why), Subject: s.plan.Name, At: last.At, Events: []int{s.gaveUp},
			})
		}
	}
	o.measured = fmt.Sprintf("%d of %d shows ended for ever, %d of them avoidably", ended, len(shows), len(o.fails))
	if tried == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: nobody lost a connection"})
	}
	return o
}

// avoidable tells why a show whose client gave up need not have ended. It had to
// when a fault ended its connection and the client does not come back, or met only
// what was down.
func (e *evidence) avoidable(s *show) (why string, ok bool) {
	tries := s.own // of a show that never was on air
	if n := len(s.breaks); n > 0 {
		b := s.breaks[n-1]
		if b.cause == nil {
			return fmt.Sprintf("its connection through %s was lost, and nothing was broken on that path", b.lost.Peer), true
		}
		tries = b.tries
	}
	if i, living, ok := e.misled(s, tries); ok {
		return fmt.Sprintf("its client was told of %s only, which was down, while %s lived", list(e.events[i].Hosts), living), true
	}
	if i, ok := e.rebuffed(s, tries); ok {
		return rebuff(e.events[i]), true
	}
	return "", false
}

// givenUp tells whether an interruption ended with the client giving up, although
// nobody could have taken it.
func (e *evidence) givenUp(s *show, b *interruption) bool {
	if b.accepted != nil || s.gaveUp < 0 {
		return false
	}
	_, avoidable := e.avoidable(s)
	return !avoidable
}
