package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// held is what a fault has in its power: one thing of a node, or of a name in DNS.
type held struct{ what, of string }

// down is what faults hold that have a node be away: each would start, or plug in, what
// another one has down.
const down = "down"

// pause is what a frozen node is held by.
const pause = "pause"

// holds is the one thing of each of its nodes that a fault has in its power while it
// lasts, and gives back to whoever had it when it ends; empty if it goes together with
// others of its kind, as faults of links do.
func (f Fault) holds() string {
	switch f.Name {
	case "kill", "stop", "powercut", "outage", "vanish":
		return down
	}
	if f.Instant || f.Shape == OnLinks {
		return ""
	}
	return f.Name
}

// frees tells whether an instant ends another step's hold. A drain that has a length bears
// it: the node comes back without, which is known to whoever judges.
func (s Step) frees(other Step) bool {
	switch s.Do {
	case "restart", "deploy":
		return other.Do != "drain" || other.For == 0 && !other.Stays
	}
	return false
}

// told tells whether a step is an operator's word to its nodes, and if it has a length
// another one at its end.
func (s Step) told() bool {
	switch s.Do {
	case "answer", "drain", "harden", "mail", "redis", "rollout", "store", "undrain":
		return true
	}
	return false
}

// missed tells whether the step finds nobody there: a process that is not there cannot be
// frozen, and no operator reaches one that is not there, or off the network, or frozen. A
// balancer that is down is told of no rollout.
func (s Step) missed(away Step) bool {
	if s.Do == pause {
		return away.Do != "vanish"
	}
	return s.told() && (s.Do != "rollout" || away.Do == "pause")
}

// deafens tells whether the step has nodes be frozen when an operator is to end an earlier one.
func (b *builder) deafens(s, before Step) bool {
	if s.Do != pause || !before.told() {
		return false
	}
	return before.For > 0 && b.until(s) >= b.until(before) || s.Stays && !before.Stays
}

// apart wants steps apart that hold the same: the first to end would end the other as
// well, and it would go on for all that is told of it. And no step on who is away.
func (b *builder) apart(all []Step) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(x, y Step) int { return cmp.Compare(x.At, y.At) })
	now := map[held]Step{}
	once := map[[2]int]bool{} // pairs of lines: one word about a step that comes again and again
	for _, s := range all {
		for _, h := range s.meets() {
			before, ok := now[h]
			if ok && s.At >= b.until(before) {
				delete(now, h)
				ok = false
			}
			switch f, _ := FaultNamed(s.Do); {
			case s.Do == "undrain" && h.what == "drain" && ok && before.For == 0:
				delete(now, h)
			case ok && (f.holds() == h.what || s.frees(before) || (h.what == down || h.what == pause) && s.missed(before) || b.deafens(s, before)):
				if pair := [2]int{before.Line, s.Line}; !once[pair] {
					b.add(Pos{before.Line, 1}, "%s", before.clash(s, h.of))
					once[pair] = true
				}
			case f.holds() == h.what:
				now[h] = s
			}
		}
	}
}

// until is when a step is over; one without an end lasts as long as the run.
func (b *builder) until(s Step) time.Duration {
	if s.For == 0 {
		return max(b.ended, s.At) + 1
	}
	return s.At + s.For
}

// meets are the things that a step takes hold of, or ends others' hold of.
func (s Step) meets() []held {
	f, _ := FaultNamed(s.Do)
	whats := []string{f.holds()}
	switch {
	case s.Do == "restart", s.Do == "deploy", s.Do == "undrain":
		whats = []string{down, pause, "drain"}
	case s.Do == pause:
		whats = []string{down, pause, "answer", "drain", "mail", "redis", "store"}
	case s.told():
		whats = []string{down, pause, f.holds()}
	}
	var all []held
	for _, what := range whats {
		for _, of := range slices.Concat(s.Nodes, s.Zones) {
			if what != "" {
				all = append(all, held{what, of})
			}
		}
	}
	return all
}

// clash tells how a step is in the way of a later one, and what to do.
func (s Step) clash(later Step, of string) string {
	lasts, remedy := "has no end", `give it "for: %v"`
	switch {
	case s.Stays:
		lasts, remedy = "stays", `write "for: %v" in the place of "stays"`
	case s.For > 0:
		lasts = fmt.Sprintf("lasts until %v", s.At+s.For)
		remedy += ", or move one of them"
	}
	remedy = fmt.Sprintf(remedy, later.At-s.At)
	if later.At == s.At {
		remedy = "leave one of them out, or move it"
	}
	why := "the first to end would end both"
	switch f, _ := FaultNamed(s.Do); {
	case later.frees(s):
		why = "that would end it"
	case f.holds() == down:
		why = "it is away by then"
	case s.Do == pause && later.Do != pause:
		why = "it is frozen by then"
	case later.Do == pause && s.Do != pause:
		why = "it would be frozen when that ends"
	}
	return fmt.Sprintf("%s %s, and line %d has %s at %v; %s: %s", s.does(of), lasts, later.Line, later.does(of), later.At, why, remedy)
}

// does names a step's fault and whom it hits: "kill of redis", "store slow".
func (s Step) does(to string) string {
	what := s.Do
	if s.Answer != "" {
		what += " " + s.Answer
	}
	if s.Do != to {
		what += " of " + to
	}
	return what
}
