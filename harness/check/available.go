package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// How long a balancer may take to know what concerns a recorder: drains are told to
// it at once, room is a hint that the next look renews.
const (
	drainKnown = time.Second
	roomKnown  = 2 * time.Second
)

// availableServer judges where each connection that was accepted went, and each that
// was refused although there was room.
func availableServer(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	placed := 0
	all := e.crowds()
	for _, s := range e.within(x) {
		for _, one := range e.stays(s) {
			placed++
			why, ok := e.misplaced(one, all)
			if ok {
				continue
			}
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("%s was placed on %s by %s, %s", s.plan.Name, one.recorder, one.balancer, why),
				Subject:  s.plan.Name, At: one.from, Events: []int{one.accepted},
			})
		}
		o.fails = append(o.fails, e.turnedAway(s, all)...)
	}
	o.measured = fmt.Sprintf("%d connections were placed", placed)
	if placed == 0 || !e.choosy(all) {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no recorder was full, draining or down while others took shows"})
	}
	return o
}

// misplaced tells why a connection should not have gone where it went.
func (e *evidence) misplaced(one stay, all map[string][]crowd) (why string, ok bool) {
	asked := one.from - e.events[one.accepted].Took
	if s := e.drained(one.balancer, asked); s != nil {
		return "which " + s.ID + " had drained", false
	}
	if one.sticky {
		return "", true
	}
	if s := e.drained(one.recorder, asked); s != nil {
		return "which " + s.ID + " had drained", false
	}
	home := datacenter(one.balancer)
	if datacenter(one.recorder) == home {
		return "", true
	}
	if r := e.free(one.balancer, home, e.plan.System.Generation(one.recorder), asked, one.from, all); r != "" {
		return fmt.Sprintf("although %s, in the balancer's own datacenter, had room", r), false
	}
	return "", true
}

// drained is the drain that a node was in for long enough at an instant.
func (e *evidence) drained(node string, at time.Duration) *step {
	for _, s := range e.steps {
		if s.Do == "drain" && slices.Contains(s.Nodes, node) && s.began >= 0 && at >= s.began+drainKnown+e.plan.Timing.Slack && at <= s.ended && !e.undrained(node, s.began, at) {
			return s
		}
	}
	return nil
}

// undrained tells whether an operator ended a drain in a stretch.
func (e *evidence) undrained(node string, from, to time.Duration) bool {
	return slices.ContainsFunc(e.steps, func(s *step) bool {
		return (s.Do == "undrain" || s.Do != "pause" && s.ends(node)) && slices.Contains(s.Nodes, node) && s.began >= from && s.began <= to
	})
}

// free is a recorder of a datacenter, or of any, and of a generation, or of any, that a
// balancer could have placed a connection on all through a stretch, as far as it could know.
func (e *evidence) free(balancer, home, generation string, from, to time.Duration, all map[string][]crowd) string {
	for _, r := range e.recorders {
		if home != "" && datacenter(r) != home || generation != "" && e.plan.System.Generation(r) != generation || !e.lived(r, balancer, from, to) {
			continue
		}
		if most(all[r], from-roomKnown, to+roomKnown) < e.capacity(r) {
			return r
		}
	}
	return ""
}

// turnedAway tells of attempts that a balancer refused while there was room.
func (e *evidence) turnedAway(s *show, all map[string][]crowd) []Finding {
	var fs []Finding
	for _, i := range s.own {
		a := e.events[i]
		if a.Kind != history.Attempt || a.Class != "answered" || e.drained(a.Peer, a.At-a.Took) != nil || e.concerns(a.Peer, a.At-a.Took, a.At) {
			continue
		}
		if r := e.free(a.Peer, "", "", a.At-a.Took, a.At, all); r != "" {
			fs = append(fs, Finding{
				Sentence: fmt.Sprintf("%s was turned away by %s (%d), although %s had room", s.plan.Name, a.Peer, a.Status, r),
				Subject:  s.plan.Name, At: a.At, Events: []int{i},
			})
		}
	}
	return fs
}

// concerns tells whether a step had ended a balancer, or what it asks before it
// places anybody, in a stretch.
func (e *evidence) concerns(balancer string, from, to time.Duration) bool {
	return slices.ContainsFunc(e.steps, func(s *step) bool {
		return s.active(from-e.grace(s), to) && (s.ends(balancer) || s.ends("accounts") || s.breaks(balancer, "accounts"))
	})
}

// choosy tells whether there was a recorder that nobody should have been placed on
// while others had shows.
func (e *evidence) choosy(all map[string][]crowd) bool {
	return len(all) > 0 && slices.ContainsFunc(e.recorders, func(r string) bool {
		full := slices.ContainsFunc(all[r], func(c crowd) bool { return c.shows >= e.capacity(r) })
		return full || slices.ContainsFunc(e.steps, func(s *step) bool {
			return s.touched && (s.ends(r) || s.Do == "drain" && slices.Contains(s.Nodes, r))
		})
	})
}

// judgedRecorders is those that an expectation names, or all.
func (e *evidence) judgedRecorders(x scenario.Expectation) []string {
	if len(x.Nodes) == 0 {
		return e.recorders
	}
	return slices.DeleteFunc(slices.Clone(e.recorders), func(r string) bool { return !slices.Contains(x.Nodes, r) })
}
