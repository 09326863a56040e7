package check

import (
	"slices"
	"time"

	"deadair/harness/history"
)

// gone tells whether a balancer could not have taken a broadcaster during an attempt.
func (e *evidence) gone(s *show, a history.Event) bool {
	for _, at := range []time.Duration{a.At, a.At - a.Took} {
		if e.down(s.plan.Name, a.Peer, at) != nil {
			return true
		}
	}
	return slices.ContainsFunc(e.steps, func(st *step) bool {
		return st.again() && st.ends(a.Peer) && st.active(a.At-e.grace(st), a.At)
	})
}

// rebuffed is the first failed attempt of an interruption that a living balancer
// is to blame for: it did not take the broadcaster although a recorder lived and no operator
// had told it not to, or DNS told nobody.
func (e *evidence) rebuffed(s *show, tries []int) (first int, ok bool) {
	for _, i := range tries {
		a := e.events[i]
		if a.Kind == history.Attempt && !e.gone(s, a) && !e.deserted(a) && !e.drains(a.Peer, a.At-a.Took, a.At) {
			return i, true
		}
	}
	return 0, false
}

// drains tells whether an operator had taken a balancer out for new shows at some time of a stretch.
func (e *evidence) drains(balancer string, from, to time.Duration) bool {
	return slices.ContainsFunc(e.steps, func(s *step) bool {
		return s.Do == "drain" && slices.Contains(s.Nodes, balancer) && s.active(from, to) && !e.undrained(balancer, s.began, from)
	})
}

// deserted tells whether no recorder lived anywhere during an attempt at a balancer, or all
// had been down until shortly before: it could take nobody.
func (e *evidence) deserted(a history.Event) bool {
	return a.Peer != "" && !slices.ContainsFunc(e.recorders, func(r string) bool {
		return !slices.ContainsFunc(e.steps, func(s *step) bool { return s.downs(r) && s.active(a.At-a.Took-e.knownBack(), a.At) })
	})
}

// downs tells whether the step has a recorder be away while it lasts.
func (s *step) downs(recorder string) bool {
	return s.Do != "disk" && !s.again() && s.ends(recorder)
}

// knownBack is how long a recorder may live again until balancers know.
func (e *evidence) knownBack() time.Duration {
	t := e.plan.Timing
	return time.Duration(t.RecorderFall+1) * (t.RecorderPoll + t.PollDeadline)
}

// unserved is for how long from an instant on no recorder lives anywhere.
func (e *evidence) unserved(from time.Duration) time.Duration {
	first := e.plan.End
	for _, r := range e.recorders {
		first = min(first, e.up(r, from))
	}
	return first - from
}

// up is when a recorder lives that may be down at an instant: one step may follow on the other.
func (e *evidence) up(recorder string, at time.Duration) time.Duration {
	for {
		i := slices.IndexFunc(e.steps, func(s *step) bool { return s.downs(recorder) && s.began >= 0 && s.began <= at && s.ended > at })
		if i < 0 {
			return at
		}
		at = e.steps[i].ended
	}
}

// misled is the first answer of DNS in an interruption that named only balancers
// that were down, while another one of the broadcaster's own datacenter lived, and had for
// long enough to be named.
func (e *evidence) misled(s *show, tries []int) (first int, living string, ok bool) {
	for _, i := range tries {
		told := e.events[i]
		if told.Kind != history.Resolved || len(told.Hosts) == 0 {
			continue
		}
		lives := func(b string) bool { return e.down(s.plan.Name, b, told.At) == nil }
		named := func(b string) bool { return lives(b) && e.settled(s, b, told.At) }
		j := slices.IndexFunc(e.balancersOf(s.plan.Nearest), named)
		if j >= 0 && !slices.ContainsFunc(told.Hosts, lives) {
			return i, e.balancersOf(s.plan.Nearest)[j], true
		}
	}
	return 0, "", false
}

// settled tells whether a balancer had been healthy for as long as it takes until answers
// name it, and until the resolver of a broadcaster knows, and whether no operator drains it.
func (e *evidence) settled(s *show, balancer string, at time.Duration) bool {
	from := at - e.allowed(e.plan.System.DNS.Propagation+e.plan.Keeps(s.plan))
	if event, _ := e.votedOut(balancer, from, at); event >= 0 || !e.healthy(balancer, from) {
		return false
	}
	return !e.drains(balancer, from, at)
}
