package check

import (
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// limit is what an interruption may take of a show.
type limit struct {
	min, max time.Duration
	legs     string
}

// limit computes the bound of one interruption: which legs it has follows from
// where the client was told to go, from what was down there, and from the step
// that caused it.
func (e *evidence) limit(s *show, b *interruption) limit {
	if e.givenUp(s, b) {
		return limit{max: s.offAir - s.began(b) + e.early(b), legs: "its client gave up"}
	}
	told := e.told(s, b)
	dead, quiet := e.dying(s, b, told)
	bound := e.plan.Reconnect(s.plan, e.slow(s, b, told))
	switch {
	case len(told) > 0 && len(dead) == len(told), quiet:
		return e.failover(s, b, told, dead, quiet)
	case b.silence != nil && b.silence.ends(b.path.recorder), b.silence != nil && b.silence.breaks(b.path.balancer, b.path.recorder):
		bound = e.plan.Relayed(s.plan)
	}
	bound = e.unnoticed(s, b, bound)
	if away := e.unserved(b.lost.At); away > 0 {
		bound = append(bound, scenario.Part{Name: "no recorder lives", Max: away + e.knownBack() + s.plan.Retry.Again})
	}
	return limit{bound.Min(), bound.Max(), bound.String()}
}

// told is where the client was told to go first after a loss, as far as it
// listens; without an answer of its resolver, what DNS answered then.
func (e *evidence) told(s *show, b *interruption) []string {
	for _, i := range b.tries {
		if ev := e.events[i]; ev.Kind == history.Resolved && len(ev.Hosts) > 0 {
			return s.plan.Retry.Hears(ev.Hosts)
		}
	}
	return e.answering(s.plan.Nearest, b.lost.At).hosts
}

// dying is which of the balancers that a client was told were down when it tried
// them, and whether one of them was silent that comes before all that lived: a client tries
// them in order, and goes no further than to the first that lives.
func (e *evidence) dying(s *show, b *interruption, told []string) (dead []*step, quiet bool) {
	at := b.lost.At + s.plan.Retry.First
	if b.accepted != nil {
		at = min(at, b.accepted.At)
	}
	lived := false
	for _, host := range told {
		by := e.down(s.plan.Name, host, at)
		if by == nil {
			by = e.down(s.plan.Name, host, b.lost.At)
		}
		if by == nil {
			lived = true
			continue
		}
		dead = append(dead, by)
		quiet = quiet || by.silent() && !lived
	}
	return dead, quiet
}

// failover is the bound of a client that has to wait for DNS, counted from when
// the last of its balancers went down, or for one of them to come back.
func (e *evidence) failover(s *show, b *interruption, told []string, dead []*step, quiet bool) limit {
	bound := e.plan.Failover(s.plan, quiet)
	var since, back time.Duration
	for i, d := range dead {
		since = max(since, d.began)
		if i == 0 || d.ended < back {
			back = d.ended
		}
	}
	elapsed := max(0, b.lost.At-since)
	again := e.plan.Reconnect(s.plan, true).Max() + s.plan.Retry.Again
	if quiet {
		again += s.plan.Retry.Connect + s.plan.Retry.Reply
	}
	l := limit{max(0, bound.Min()-elapsed), max(bound.Max()-elapsed, e.plan.Reconnect(s.plan, true).Max()), bound.String()}
	wait := max(0, back-b.lost.At) + again // one of them is back before DNS has noticed
	if quiet && s.plan.Retry.Reply == 0 {  // the client waits for ever, that is until the silence ends
		return limit{0, max(l.max, wait), l.legs + ", held by a silent balancer " + secs(max(0, back-b.lost.At))}
	}
	if wait < l.max {
		l.max = wait
		l.legs = "one is back after " + secs(max(0, back-b.lost.At)) + " + retry " + secs(again)
	}
	if quiet || len(dead) < len(told) || !s.plan.Retry.NextAddr || b.accepted == nil || slices.Contains(told, b.accepted.Peer) {
		l.min = 0 // DNS was not needed
	}
	return l
}

// slow tells whether something behind the balancers did not answer while the
// client came back, so that deadlines had to pass.
func (e *evidence) slow(s *show, b *interruption, told []string) bool {
	froms := append(slices.Clone(told), b.path.balancer)
	behind := append([]string{"redis", "accounts"}, e.recorders...)
	for _, st := range e.steps {
		if !st.active(b.lost.At-e.grace(st), s.end(b)) || st.Do == "cut" {
			continue // what a cut resets is dialled again at once
		}
		if slices.ContainsFunc(behind, st.ends) {
			return true
		}
		for _, from := range froms {
			if slices.ContainsFunc(behind, func(server string) bool { return st.breaks(from, server) }) {
				return true
			}
		}
	}
	return false
}

// unnoticed adds the time in which a client could not know that nobody heard it.
func (e *evidence) unnoticed(s *show, b *interruption, bound scenario.Bound) scenario.Bound {
	by := b.silence
	if by == nil || !(by.breaks(b.path.broadcaster, b.path.balancer) || by.ends(b.path.balancer)) {
		return bound
	}
	quiet := max(0, b.lost.At-s.hushed(b))
	return append(scenario.Bound{{Name: "nobody notices", Max: quiet}}, bound...)
}
