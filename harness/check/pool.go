package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/scenario"
)

// regions are the places that DNS answers for.
func (e *evidence) regions() []string {
	var names []string
	for _, dc := range e.plan.System.Datacenters {
		names = append(names, dc.Name)
	}
	return names
}

// poolConverges judges the answers: a balancer that a step ends is gone from
// them in time, and one that was voted out is not in them.
func poolConverges(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	exercised := false
	for _, b := range e.judgedBalancers(x) {
		for _, s := range e.steps {
			exercised = e.leaves(&o, x, b, s) || exercised
		}
		exercised = e.obeys(&o, b) || exercised
	}
	o.measured = fmt.Sprintf("worst %s", secs(o.worst))
	if !exercised {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no balancer was down for long enough to leave the answers"})
	}
	return o
}

// leaves judges one balancer after one step, and tells whether there was something to judge.
func (e *evidence) leaves(o *opinion, x scenario.Expectation, b string, s *step) bool {
	bound := e.plan.OutOfAnswers(s.silent())
	limit := e.allowed(bound.Max())
	if x.Within > 0 {
		limit = x.Within + e.plan.Timing.Slack
	}
	if !s.ends(b) || s.again() || s.began < 0 || s.ended-s.began < limit || e.otherwiseDown(b, s) {
		return false
	}
	if !slices.ContainsFunc(e.regions(), func(r string) bool { return e.answering(r, s.began).names(b) }) {
		return false // it was not in the answers
	}
	o.limit = secs(limit)
	gone := e.goneFrom(b, s.began)
	took := gone - s.began
	o.worst = max(o.worst, min(took, s.ended-s.began)) // of one that never left, for as long as it should have
	switch {
	case took > limit:
		o.fails = append(o.fails, Finding{
			Sentence: fmt.Sprintf("DNS still answered with %s %s after %s ended it, %s are allowed (%v)", b, secs(min(took, s.ended-s.began)), s.ID, secs(limit), bound),
			Subject:  b, At: s.began + limit, Over: took - limit, Events: []int{s.event},
		})
	case took < bound.Min():
		o.unclear = append(o.unclear, Finding{
			Sentence: fmt.Sprintf("%s left the answers %s after %s, which takes %s at least: the checks did not do what the plan says", b, secs(took), s.ID, secs(bound.Min())),
			Subject:  b, At: gone, Events: []int{s.event},
		})
	default:
		o.fails = append(o.fails, e.named(b, s, gone)...)
	}
	return true
}

// named tells of the first answer with a balancer after it had left them, while what
// had ended it was still in force.
func (e *evidence) named(b string, s *step, gone time.Duration) []Finding {
	for _, r := range e.regions() {
		for _, a := range e.answers[r] {
			if a.at > gone && a.at < s.ended && a.names(b) {
				return []Finding{{
					Sentence: fmt.Sprintf("DNS answered %s with %s again %s before %s was over", r, b, secs(s.ended-a.at), s.ID), Subject: b, At: a.at, Over: s.ended - a.at, Events: []int{a.event, s.event},
				}}
			}
		}
	}
	return nil
}

// otherwiseDown tells whether another step had a balancer down already.
func (e *evidence) otherwiseDown(b string, than *step) bool {
	return slices.ContainsFunc(e.steps, func(s *step) bool {
		return s != than && s.ends(b) && !s.again() && s.began >= 0 && s.began < than.began && s.ended >= than.began
	})
}

// goneFrom is the first instant, from one on, at which no region is answered with
// a balancer; after the end of the run when that never comes. Answers that name
// all because none is healthy do not count.
func (e *evidence) goneFrom(b string, from time.Duration) time.Duration {
	gone := from
	for _, r := range e.regions() {
		at := from
		for a := e.answering(r, from); a.names(b); a = e.answering(r, at) {
			next, ok := e.nextAnswer(r, at)
			if !ok {
				return e.plan.End + time.Hour
			}
			at = next
		}
		gone = max(gone, at)
	}
	return gone
}

func (a answer) names(b string) bool { return !a.failOpen && slices.Contains(a.hosts, b) }

func (e *evidence) nextAnswer(region string, after time.Duration) (time.Duration, bool) {
	for _, a := range e.answers[region] {
		if a.at > after {
			return a.at, true
		}
	}
	return 0, false
}

// obeys judges that a balancer voted out is not in the answers, propagation allowed for.
func (e *evidence) obeys(o *opinion, b string) bool {
	out := false
	d := e.plan.System.DNS
	for i, v := range e.votes[b] {
		if v.ok {
			continue
		}
		out = true
		from, to := v.at+e.allowed(d.Propagation+e.plan.Timing.VoteEvery), e.plan.End
		if i+1 < len(e.votes[b]) {
			to = e.votes[b][i+1].at
		}
		if from > to {
			continue
		}
		if gone := e.goneFrom(b, from); gone > from {
			o.worst = max(o.worst, min(gone, to)-v.at)
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("DNS still answered with %s %s after the checkers had voted it out", b, secs(min(gone, to)-v.at)), Subject: b, At: from, Over: gone - from, Events: []int{v.event},
			})
		}
	}
	return out
}

// returnsToPool judges that a balancer which left the answers is back in those of
// its own region, in time after the last step on it was over.
func returnsToPool(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	exercised := false
	for _, b := range e.judgedBalancers(x) {
		for _, s := range e.steps {
			exercised = e.returns(&o, x, b, s) || exercised
		}
	}
	o.measured = fmt.Sprintf("worst %s", secs(o.worst))
	if !exercised {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no balancer that had left the answers had time to come back"})
	}
	return o
}

func (e *evidence) returns(o *opinion, x scenario.Expectation, b string, s *step) bool {
	bound := e.plan.BackInAnswers(s.silent())
	limit := e.allowed(bound.Max())
	if x.Within > 0 {
		limit = x.Within + e.plan.Timing.Slack
	}
	healed := s.ended
	if !s.ends(b) && !slices.Contains(s.From, b) && !slices.Contains(s.To, b) || s.began < 0 || healed+limit > e.plan.End || e.troubled(b, s, healed, healed+limit) {
		return false
	}
	until := healed + limit
	if s.again() {
		until = healed // nobody tells when it works again
	}
	back, left := e.backIn(b, healed, until)
	if !left {
		return false
	}
	o.limit = secs(limit)
	o.worst = max(o.worst, min(back, e.plan.End)-healed)
	if back-healed > limit {
		o.fails = append(o.fails, Finding{
			Sentence: fmt.Sprintf("%s worked again after %s, and %s later DNS did not answer %s with it yet (%v)", b, s.ID, secs(limit), datacenter(b), bound), Subject: b, At: healed + limit, Over: back - healed - limit, Events: []int{s.event},
		})
	}
	return true
}

// backIn is when its own region is answered with a balancer again that was not in the
// answers at an instant, or left them until another one: DNS is late, and may take it out
// when it works again. After the end of the run when that never comes.
func (e *evidence) backIn(b string, from, to time.Duration) (at time.Duration, left bool) {
	own := datacenter(b)
	left = !e.answering(own, from).names(b)
	for _, a := range e.answers[own] {
		switch {
		case a.at <= from:
		case left && a.names(b):
			return a.at, true
		case a.at <= to && !a.names(b):
			left = true
		}
	}
	return e.plan.End + time.Hour, left
}

// troubled tells whether another step was on a balancer in a stretch.
func (e *evidence) troubled(b string, than *step, from, to time.Duration) bool {
	return slices.ContainsFunc(e.steps, func(s *step) bool {
		on := s.ends(b) || s.ends("redis") || slices.Contains(s.From, b) || slices.Contains(s.To, b)
		return s != than && on && s.active(from, to)
	})
}
