package check

import (
	"fmt"
	"slices"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// firstReconnectAnswered judges how broadcasters that lost their connection were
// met: some clients make one attempt and no second.
func firstReconnectAnswered(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	judged := 0
	for _, s := range e.within(x) {
		for _, b := range s.breaks {
			reached := b.accepted != nil
			if i, living, ok := e.misled(s, b.tries); ok {
				o.fails = append(o.fails, Finding{
					Sentence: fmt.Sprintf("%s came back and was told of %s only, which was down, while %s lived", s.plan.Name, list(e.events[i].Hosts), living),
					Subject:  s.plan.Name, At: e.events[i].At, Events: []int{i, b.lostIx},
				})
				reached = true
			} else if i, ok := e.rebuffed(s, b.tries); ok {
				o.fails = append(o.fails, Finding{
					Sentence: fmt.Sprintf("%s came back, and %s", s.plan.Name, rebuff(e.events[i])),
					Subject:  s.plan.Name, At: e.events[i].At, Events: []int{i, b.lostIx},
				})
				reached = true
			}
			if reached {
				judged++
			}
		}
	}
	o.measured = fmt.Sprintf("%d of %d reconnects taken at the first attempt that could be", judged-len(o.fails), judged)
	if judged == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: nobody came back"})
	}
	return o
}

// rebuff tells what a failed attempt met.
func rebuff(a history.Event) string {
	switch {
	case a.Peer == "":
		return "DNS told it no address"
	case a.Status > 0:
		return fmt.Sprintf("%s, which lived, answered %d", a.Peer, a.Status)
	}
	return fmt.Sprintf("%s, which lived, did not take it (%s)", a.Peer, a.Class)
}

// list spells names.
func list(names []string) string {
	s := ""
	for i, n := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if i > 0 {
			s += " and "
		}
		s += n
	}
	return s
}
