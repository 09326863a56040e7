package check

import (
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// How long a loss may come after its cause was over: a client notices at its
// next write or two, or when its write has found no room for 10 s.
const (
	noticeSoon = 3 * time.Second
	writeLimit = 10 * time.Second
)

// step is a step of the plan with what came of it.
type step struct {
	scenario.Step
	began   time.Duration // -1: it never began
	ended   time.Duration
	touched bool
	lag     time.Duration // from its beginning until the world told that it took hold
	event   int           // of its beginning, -1 if there is none
}

func newStep(s scenario.Step, end time.Duration) *step {
	one := &step{Step: s, began: -1, ended: end, event: -1}
	if s.For > 0 {
		one.ended = s.At + s.For
	}
	if f, ok := scenario.FaultNamed(s.Do); ok && f.Instant {
		one.ended = s.At
	}
	return one
}

func (s *step) take(i int, ev history.Event) {
	switch ev.Kind {
	case history.FaultBegan:
		s.began, s.event = ev.At, i
		if f, ok := scenario.FaultNamed(s.Do); ok && f.Instant {
			s.ended = ev.At
		}
	case history.FaultTouched:
		if !s.touched && s.began >= 0 {
			s.lag = ev.At - s.began
		}
		s.touched = s.touched || ev.Count > 0 || ev.Bytes > 0
	case history.FaultEnded:
		if f, ok := scenario.FaultNamed(s.Do); !ok || !f.Instant {
			s.ended = ev.At
		}
	}
}

// active tells whether the step was in force at some time of a stretch.
func (s *step) active(from, to time.Duration) bool {
	return s.began >= 0 && s.began <= to && s.ended >= from
}

// ends tells whether the step ends nodes, freezes them or has them refuse, and has this one among them.
func (s *step) ends(node string) bool {
	switch s.Do {
	case "mail":
		return s.Answer != scenario.BlankMail && slices.Contains(s.Nodes, node)
	case "kill", "stop", "powercut", "outage", "vanish", "pause", "restart", "deploy", "redis", "store", "disk":
		return slices.Contains(s.Nodes, node)
	}
	return false
}

// breaks tells whether the step is on the link on which one host dials another.
func (s *step) breaks(from, to string) bool {
	return slices.Contains(s.From, from) && slices.Contains(s.To, to)
}

// again tells whether the step has nodes start again at once.
func (s *step) again() bool { return s.Do == "restart" || s.Do == "deploy" }

// silent tells whether what the step hits does not answer, rather than refuse.
func (s *step) silent() bool {
	switch s.Do {
	case "outage", "vanish", "pause", "stall", "blackhole", "throttle":
		return true
	}
	return false
}

// path is the way of a show's bytes at some time, by one connection of its client. The
// recorder is empty when no disk holds a frame of it.
type path struct {
	broadcaster, balancer, recorder string
	dialled, made                   time.Duration // when the connection was asked for, and accepted
}

// hits tells whether the step is on a connection: a step on a link may be on those only
// that it finds, or on those only that are made while it is in force.
func (e *evidence) hits(s *step, p path) bool {
	switch s.Conns {
	case "existing":
		return p.dialled <= s.began+s.lag+e.plan.Timing.Slack
	case "new":
		return p.made >= s.began
	}
	return true
}

// on tells whether the step lies on a path. A recorder that is not known may be any. On
// the way there, a step that is not on the connection itself may be on what its balancer
// asks the recorder meanwhile.
func (e *evidence) on(s *step, p path) bool {
	if slices.Contains(s.Who, p.broadcaster) || s.ends(p.balancer) || s.breaks(p.broadcaster, p.balancer) && e.hits(s, p) {
		return true
	}
	return slices.ContainsFunc(e.recorders, func(r string) bool {
		return (p.recorder == "" || p.recorder == r) && (s.ends(r) || s.breaks(p.balancer, r))
	})
}

// mildDelay is far below every deadline of a client and of a server.
const mildDelay = 50 * time.Millisecond

// mild tells whether the step lets a show of some bits per second pass as if it were not there.
func (s *step) mild(bitrate int) bool {
	return s.Do == "delay" && s.Delay <= mildDelay || s.Do == "throttle" && 8*s.Rate >= 2*bitrate
}

// cause is the latest step that explains why a connection of a show was lost at an instant.
func (e *evidence) cause(show *show, p path, at time.Duration) *step {
	var found *step
	for _, s := range e.steps {
		if !e.on(s, p) || s.mild(show.plan.Bitrate) || s.began < 0 || s.began > at || at > s.ended+e.grace(s) {
			continue
		}
		if found == nil || s.began >= found.began {
			found = s
		}
	}
	return found
}

// silence is the earliest silent step on a show's path that was in force at an instant,
// or had been shortly before.
func (e *evidence) silence(show *show, p path, at time.Duration) *step {
	for _, s := range e.steps {
		if s.silent() && !s.mild(show.plan.Bitrate) && e.on(s, p) && e.hits(s, p) && s.active(at-e.grace(s), at) {
			return s
		}
	}
	return nil
}

// grace is how long after its end a step can still be the cause of a loss.
func (e *evidence) grace(s *step) time.Duration {
	t := e.plan.Timing
	g := noticeSoon + 2*t.Trip + t.Slack
	if s.silent() {
		g += time.Duration(float64(writeLimit)*e.plan.Speed) + max(t.Stall, time.Duration(t.RecorderFall)*(t.RecorderPoll+t.PollDeadline))
	}
	return g
}

// down tells whether a balancer could not serve a broadcaster at an instant, and
// by which step: the one that began last.
func (e *evidence) down(broadcaster, balancer string, at time.Duration) *step {
	var found *step
	for _, s := range e.steps {
		if !s.active(at, at) || s.again() {
			continue
		}
		link := s.breaks(broadcaster, balancer) && s.Conns != "existing" && slices.Contains([]string{"refuse", "stall", "blackhole"}, s.Do)
		if (s.ends(balancer) || link) && (found == nil || s.began >= found.began) {
			found = s
		}
	}
	return found
}
