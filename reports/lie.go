package reports

import (
	"fmt"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Lie is the longest time in which a balancer was called healthy, was tried, and
// took nobody.
type Lie struct {
	Balancer         string
	From, To, Length string
	Green, Checkers  int  // the least checkers that called it healthy at any time of it
	Attempts         int  // all in vain
	Watched          bool // its way to Redis was watched
	Dials            int  // its own tries to open a connection to Redis
	Asked, Worked    int  // fresh writes to Redis from beside it
	Sentence         string

	stretch stretch
}

// leastTries is how many attempts must fail in a row until a balancer is said to take nobody.
const leastTries = 3

// patience is for how long a balancer may be called healthy and take nobody when
// the scenario does not say.
const patience = 2 * time.Minute

// allowance is how long the plan lets a balancer be called healthy that takes nobody.
func allowance(p *scenario.Plan) time.Duration {
	for _, x := range p.Expect {
		if x.Property == "health-honest" {
			return x.Within + p.Timing.Slack
		}
	}
	return patience + p.Timing.Slack
}

// lie finds the longest one in a ledger, or nil.
func (l *ledger) lie(p *scenario.Plan) *Lie {
	var best stretch
	trusted := l.trusted(p.End)
	for _, d := range droughts(l.tries) {
		for _, w := range trusted {
			s, ok := d.in(w)
			if ok && s.to-s.from > best.to-best.from {
				best = s
			}
		}
	}
	if best.to-best.from <= allowance(p) {
		return nil
	}
	return l.tellLie(p, best)
}

// drought is failed attempts between two that were accepted.
type drought struct {
	after time.Duration // when the last one before was accepted
	tries []history.Event
}

// droughts lists the times in which nobody was accepted.
func droughts(tries []history.Event) []drought {
	all := []drought{{after: long}}
	for _, e := range tries {
		if e.Class == "accepted" {
			all = append(all, drought{after: e.At})
			continue
		}
		now := &all[len(all)-1]
		now.tries = append(now.tries, e)
	}
	return all
}

// in is the part of a drought that lies in a stretch: from the begin of its
// first attempt, or of the stretch, to the end of its last one.
func (d drought) in(w stretch) (s stretch, ok bool) {
	begun := false
	for _, e := range d.tries {
		if !w.holds(e.At) {
			continue
		}
		if !begun {
			begun, s.from = true, max(e.At-e.Took, w.from, d.after)
		}
		s.to = e.At
	}
	return s, begun && tried(d.tries, s) >= leastTries
}

// tried counts the failed attempts that are known to lie in a stretch. An event
// stands for its own attempt and for the Count-1 before it, which came after the
// event before it of the same broadcaster and the same outcome.
func tried(tries []history.Event, s stretch) (n int) {
	type sort struct {
		node, class string
		status      int
	}
	told := map[sort]bool{} // in the stretch
	for _, e := range tries {
		if e.Class == "accepted" || !s.holds(e.At) {
			continue // the last one served may stand at its very begin
		}
		of := sort{e.Node, e.Class, e.Status}
		n++
		if told[of] {
			n += e.Times() - 1
		}
		told[of] = true
	}
	return n
}

// tellLie counts what happened in a stretch.
func (l *ledger) tellLie(p *scenario.Plan, s stretch) *Lie {
	x := &Lie{
		Balancer: l.balancer, From: instant(p, s.from), To: instant(p, s.to), Length: span((s.to - s.from).Truncate(time.Second)),
		Green: least(l.green, s.from, s.to), Checkers: l.checkers, Watched: len(l.dials) > 0, stretch: s,
	}
	x.Attempts = tried(l.tries, s)
	for _, e := range l.dials {
		x.Dials += bit(s.holds(e.At))
	}
	x.Asked, x.Worked = asked(l.asks, s)
	x.Sentence = x.sentence()
	if p.Incident(s.to)-p.Incident(s.from) != s.to-s.from {
		x.Sentence += " Quiet time in between was left out, and is not counted."
	}
	return x
}

func (s stretch) holds(at time.Duration) bool { return at >= s.from && at <= s.to }

func (x *Lie) sentence() string {
	s := fmt.Sprintf("For %s, from %s to %s, DNS answered with %s and %s called it healthy all the time, while it served 0 of %s.",
		x.Length, x.From, x.To, x.Balancer, atLeast(x.Green, x.Checkers), plural(x.Attempts, "attempt"))
	if x.Watched {
		s += fmt.Sprintf(" In that time its own client dialed Redis %s.", times(x.Dials))
	}
	if x.Asked > 0 {
		s += fmt.Sprintf(" From beside it, %d of %s to Redis worked, each on a fresh connection.", x.Worked, plural(x.Asked, "write"))
	}
	return s
}

func atLeast(n, of int) string {
	if n == of {
		return fmt.Sprintf("all %d checkers", of)
	}
	return fmt.Sprintf("at least %d of %d checkers", n, of)
}

func times(n int) string {
	switch n {
	case 0:
		return "not once"
	case 1:
		return "once"
	}
	return number(n) + " times"
}

// asked counts the questions of a witness that are known to lie in a stretch,
// and those that worked. An event stands for its own question and for the
// Count-1 before it, which went as the event before it said.
func asked(asks []history.Event, s stretch) (n, worked int) {
	for i, e := range asks {
		if !s.holds(e.At) {
			continue
		}
		n, worked = n+1, worked+bit(e.OK)
		if i == 0 || !s.holds(asks[i-1].At) || e.Count <= 1 {
			continue // those before it were asked before the stretch, as far as one knows
		}
		n += e.Count - 1
		worked += (e.Count - 1) * bit(asks[i-1].OK)
	}
	return n, worked
}
