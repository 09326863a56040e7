package check

import (
	"fmt"
	"time"

	"deadair/harness/scenario"
)

// rolloutKnown is how long an order of operators takes to reach all balancers.
const rolloutKnown = time.Second

// cohortRouted judges who recorded the beginning of each show: the disk of a recorder of
// the generation that the show's cohort was led to then. What shows do that come back is
// a matter of sticky-reconnect.
func cohortRouted(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	all := e.crowds()
	led := map[string]int{}
	for _, s := range e.within(x) {
		stays := e.stays(s)
		if len(stays) == 0 {
			continue
		}
		one := stays[0]
		asked := one.from - e.events[one.accepted].Took
		meant, by, ok := e.led(s.plan, asked, one.from)
		if !ok {
			continue // the rollout was just being changed
		}
		led[meant]++
		if e.plan.System.Generation(one.recorder) == meant {
			continue
		}
		if r := e.free(one.balancer, "", meant, asked, one.from, all); r != "" {
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("%s began on %s, and %s leads it to %s recorders, of which %s had room", s.plan.Name, one.recorder, by, meant, r),
				Subject:  s.plan.Name, At: one.from, Events: []int{one.accepted},
			})
		}
	}
	o.measured = fmt.Sprintf("%d shows were led to new recorders, %d to old ones", led[scenario.NewRecorders], led[scenario.OldRecorders])
	if len(led) < 2 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no two shows were led to recorders of different generations"})
	}
	return o
}

// led is the generation that a show is led to which begins in a stretch, and what leads
// it there. It is not ok while the balancers are being told.
func (e *evidence) led(b scenario.Broadcaster, from, to time.Duration) (generation, by string, ok bool) {
	var last *step
	for _, s := range e.steps {
		if s.Do != "rollout" || s.began < 0 || s.began > to {
			continue
		}
		if s.began+rolloutKnown+e.plan.Timing.Slack > from {
			return "", "", false
		}
		if last == nil || s.began >= last.began {
			last = s
		}
	}
	switch {
	case last == nil:
		return scenario.OldRecorders, "what was set up", true
	case b.In(last.Answer):
		return scenario.NewRecorders, last.ID, true
	}
	return scenario.OldRecorders, last.ID, true
}
