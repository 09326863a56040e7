package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// leastAttempts is how many broadcasters' attempts in a row must fail until a
// balancer is said to route nobody.
const leastAttempts = 3

// drought is a time in which a balancer took nobody although asked.
type drought struct {
	from, to time.Duration
	attempts []int // events
	tried    int   // attempts that they stand for
	open     bool  // nobody tried it any more after that
}

// healthHonest judges how long DNS called a balancer healthy that took nobody. Where
// nobody tries, nobody knows whether it would have.
func healthHonest(e *evidence, x scenario.Expectation) opinion {
	o := opinion{limit: secs(x.Within)}
	allowed := x.Within + e.plan.Timing.Slack
	exercised := false
	for _, b := range e.judgedBalancers(x) {
		exercised = exercised || e.tested(b, allowed)
		for _, d := range e.droughts(b) {
			exercised = true
			lie := e.calledHealthy(b, d.from, d.to)
			o.worst = max(o.worst, lie)
			if lie > allowed {
				o.fails = append(o.fails, Finding{
					Sentence: fmt.Sprintf("%s was called healthy for %s while it took none of %d broadcasters' attempts", b, secs(lie), d.tried),
					Subject:  b, At: d.from, Over: lie - allowed, Events: d.attempts,
				})
				continue
			}
			if d.open && lie+e.healthyOn(b, d.to) > allowed {
				o.unclear = append(o.unclear, Finding{
					Sentence: fmt.Sprintf("nobody tried %s again after it had taken none of %d broadcasters' attempts, and it was called healthy on: nothing tells whether it was", b, d.tried),
					Subject:  b, At: d.to, Events: d.attempts,
				})
			}
		}
	}
	o.measured = secs(o.worst)
	if !exercised {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no balancer turned anybody away, and none that a step concerns took somebody after it, or left DNS in time"})
	}
	return o
}

// tested tells whether a balancer came through a test: a step is on it or on what it
// depends on, and it took somebody after that began, or was soon called unhealthy.
func (e *evidence) tested(balancer string, allowed time.Duration) bool {
	return slices.ContainsFunc(e.steps, func(s *step) bool {
		if !s.concerns(balancer) {
			return false
		}
		return e.healthyOn(balancer, s.began) <= allowed || slices.ContainsFunc(e.events, func(ev history.Event) bool {
			return ev.Kind == history.Attempt && ev.Peer == balancer && ev.At > s.began && ev.Class == "accepted"
		})
	})
}

// judgedBalancers is those that an expectation names, or all.
func (e *evidence) judgedBalancers(x scenario.Expectation) []string {
	if len(x.Nodes) == 0 {
		return e.balancers
	}
	return slices.DeleteFunc(slices.Clone(e.balancers), func(b string) bool { return !slices.Contains(x.Nodes, b) })
}

// concerned tells whether a step is on a balancer or on what it depends on.
func (e *evidence) concerned(balancer string) bool {
	return slices.ContainsFunc(e.steps, func(s *step) bool { return s.concerns(balancer) })
}

// concerns tells whether the step is on a balancer or on what it depends on.
func (s *step) concerns(balancer string) bool {
	return s.touched && (s.ends(balancer) || s.ends("redis") || slices.Contains(s.From, balancer) || slices.Contains(s.To, balancer))
}

// droughts lists the times in which a balancer took nobody. Who could not reach it while
// all checkers could says nothing about it, and neither does who came when no recorder lived
// anywhere: out of DNS it would lead nobody to a better place.
func (e *evidence) droughts(balancer string) []drought {
	var all []drought
	var now drought
	for i, ev := range e.events {
		if ev.Kind != history.Attempt || ev.Peer != balancer || ev.Class != "accepted" && (e.cutOff(ev) || e.deserted(ev)) {
			continue
		}
		if ev.Class == "accepted" {
			all, now = append(all, now), drought{}
			continue
		}
		if len(now.attempts) == 0 {
			now.from = ev.At - ev.Took
		}
		now.to = ev.At
		now.attempts = append(now.attempts, i)
		now.tried += ev.Times()
	}
	now.open = true
	return slices.DeleteFunc(append(all, now), func(d drought) bool { return d.tried < leastAttempts })
}

// cutOff tells whether steps were on the link of an attempt, and on no health checker's.
func (e *evidence) cutOff(attempt history.Event) bool {
	own, checkers := false, false
	for _, s := range e.steps {
		if !slices.Contains(s.To, attempt.Peer) || !s.active(attempt.At-attempt.Took, attempt.At) {
			continue
		}
		own = own || s.breaks(attempt.Node, attempt.Peer)
		checkers = checkers || slices.ContainsFunc(s.From, isChecker)
	}
	return own && !checkers
}

// isChecker tells whether a host is one of those that DNS has look at balancers.
func isChecker(host string) bool { return strings.HasPrefix(host, "checker-") }

// calledHealthy is for how much of a stretch a balancer was healthy in DNS.
func (e *evidence) calledHealthy(balancer string, from, to time.Duration) time.Duration {
	var lie time.Duration
	ok, since := true, from
	for _, v := range e.votes[balancer] {
		at := min(max(v.at, from), to)
		if ok {
			lie += at - since
		}
		ok, since = v.ok, at
	}
	if ok {
		lie += to - since
	}
	return lie
}

// healthyOn is for how long from an instant on a balancer was healthy in DNS without a break.
func (e *evidence) healthyOn(balancer string, from time.Duration) time.Duration {
	if !e.healthy(balancer, from) {
		return 0
	}
	if event, at := e.votedOut(balancer, from, e.plan.End); event >= 0 {
		return at - from
	}
	return e.plan.End - from
}
