package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/scenario"
)

// faultWeighed judges what became of balancers that lost Redis: one that lost it alone
// leaves DNS, those that lost it together stay.
func faultWeighed(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	exercised := false
	for _, s := range e.steps {
		lost := e.withoutIndex(s)
		limit := e.allowed(2*(e.plan.Timing.ProbeEvery+e.plan.Timing.ProbeDeadline) + e.plan.OutOfAnswers(false).Max())
		if len(lost) == 0 || s.ended-s.began < limit {
			continue
		}
		exercised, o.limit = true, secs(limit)
		for _, b := range lost {
			if !slices.Contains(e.judgedBalancers(x), b) {
				continue
			}
			out, at := e.votedOut(b, s.began, s.ended)
			lie := e.calledHealthy(b, s.began+limit, s.ended)
			switch {
			case len(lost) < len(e.balancers) && lie > 0:
				o.fails = append(o.fails, Finding{
					Sentence: fmt.Sprintf("%s alone could not reach redis (%s), and was called healthy for %s although %s had passed", b, s.ID, secs(lie), secs(limit)),
					Subject:  b, At: s.began + limit, Over: lie, Events: []int{s.event},
				})
			case len(lost) == len(e.balancers) && out >= 0:
				o.fails = append(o.fails, Finding{
					Sentence: fmt.Sprintf("%s was voted out, although no balancer reached redis (%s)", b, s.ID),
					Subject:  b, At: at, Events: []int{out, s.event},
				})
			}
		}
	}
	if !exercised {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no balancer was without redis for long enough"})
	}
	return o
}

// withoutIndex lists the balancers that a step keeps from Redis.
func (e *evidence) withoutIndex(s *step) []string {
	if s.began < 0 || s.again() || s.Do == "redis" || s.Do == "cut" || s.Do == "delay" || s.Do == "throttle" || s.Conns == "existing" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(e.balancers), func(b string) bool { return !s.ends("redis") && !s.breaks(b, "redis") })
}

// votedOut is the first vote against a balancer in a stretch, and its instant; -1 if there is none.
func (e *evidence) votedOut(balancer string, from, to time.Duration) (event int, at time.Duration) {
	for _, v := range e.votes[balancer] {
		if !v.ok && v.at >= from && v.at <= to {
			return v.event, v.at
		}
	}
	return -1, 0
}
