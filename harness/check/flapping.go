package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/scenario"
)

// How often a balancer's health may change: out and in again is one trouble, a third
// change so soon is a check that follows every tremor.
const (
	flapChanges = 2
	flapWindow  = 5 * time.Minute
)

// noFlapping judges the votes on each balancer. It proves something only if a step gave
// the checkers a reason to doubt.
func noFlapping(e *evidence, x scenario.Expectation) opinion {
	o := opinion{limit: fmt.Sprintf("%d changes in %v", flapChanges, flapWindow)}
	worst := 0
	for _, b := range e.judgedBalancers(x) {
		n, events := e.flaps(b)
		worst = max(worst, n)
		if n > flapChanges {
			first := e.events[events[0]].At
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("the checkers changed their mind about %s %d times within %v, %d are allowed", b, n, flapWindow, flapChanges),
				Subject:  b, At: first, Events: events,
			})
		}
	}
	o.measured = fmt.Sprintf("%d changes in %v at most", worst, flapWindow)
	if worst == 0 && !slices.ContainsFunc(e.judgedBalancers(x), e.concerned) {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: nothing gave the checkers a reason to doubt"})
	}
	return o
}

// flaps is the most changes of the vote on a balancer in any window, and their events.
func (e *evidence) flaps(b string) (n int, events []int) {
	votes := e.votes[b]
	for i, from := range votes {
		var these []int
		for _, v := range votes[i:] {
			if e.plan.Incident(v.at)-e.plan.Incident(from.at) <= flapWindow {
				these = append(these, v.event)
			}
		}
		if len(these) > n {
			n, events = len(these), these
		}
	}
	return n, events
}
