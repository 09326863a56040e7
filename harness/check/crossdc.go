package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// desert is a time in which no recorder of a datacenter lived, though a balancer did.
type desert struct {
	datacenter string
	from, to   time.Duration
}

// crossDatacenterFailover judges the worst case that the design knows: no recorder of a
// datacenter lives. Its balancers stay healthy in DNS, lead new and returning sources
// elsewhere, and shows that begin later come home.
func crossDatacenterFailover(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	deserts := e.deserts()
	led, home := 0, 0
	for _, d := range deserts {
		o.fails = append(o.fails, e.leftWrongly(d)...)
		for _, s := range e.within(x) {
			o.fails = append(o.fails, e.turnedBack(s, d)...)
			for _, one := range e.stays(s) {
				if datacenter(one.balancer) != d.datacenter {
					continue
				}
				switch {
				case one.from >= d.from && one.from <= d.to && datacenter(one.recorder) != d.datacenter:
					led++
				case e.comesHome(one, d):
					home++
					o.fails = append(o.fails, e.strayed(one, d)...)
				}
			}
		}
	}
	o.measured = fmt.Sprintf("%d connections were led to another datacenter, %d shows that began later had a home again", led, home)
	if len(deserts) == 0 || led == 0 || home == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no balancer was without a recorder beside it and with sources to lead on, and with shows to take home later"})
	}
	return o
}

// deserts lists the times in which all recorders of a datacenter were down, and known to be.
func (e *evidence) deserts() []desert {
	var all []desert
	for _, dc := range e.plan.System.Datacenters {
		some := []desert{{datacenter: dc.Name, to: e.plan.End}}
		for _, r := range e.recorders {
			if datacenter(r) == dc.Name {
				some = e.whileDown(some, r)
			}
		}
		for _, d := range some {
			if slices.ContainsFunc(e.balancersOf(dc.Name), func(b string) bool { return e.lives(b, d) }) {
				all = append(all, d)
			}
		}
	}
	return all
}

// whileDown is of some times those in which a recorder was down.
func (e *evidence) whileDown(some []desert, recorder string) []desert {
	var rest []desert
	for _, d := range some {
		for _, s := range e.steps {
			if !s.ends(recorder) || s.again() || s.Do == "disk" || s.began < 0 {
				continue
			}
			if from, to := max(d.from, s.began), min(d.to, s.ended); from < to {
				rest = append(rest, desert{d.datacenter, from, to})
			}
		}
	}
	return rest
}

// lives tells whether no step ends a balancer in a time.
func (e *evidence) lives(balancer string, d desert) bool {
	return !slices.ContainsFunc(e.steps, func(s *step) bool {
		return (s.ends(balancer) || s.Do == "drain" && slices.Contains(s.Nodes, balancer)) && s.active(d.from, d.to)
	})
}

// leftWrongly tells of balancers that were voted out although they could lead on.
func (e *evidence) leftWrongly(d desert) []Finding {
	var fs []Finding
	for _, b := range e.balancersOf(d.datacenter) {
		for _, v := range e.votes[b] {
			if !v.ok && v.at >= d.from && v.at <= d.to+e.plan.OutOfAnswers(true).Max() && e.lives(b, d) && !e.votedFor(b, v.at) {
				fs = append(fs, Finding{
					Sentence: fmt.Sprintf("%s was voted out when no recorder beside it lived, although it could lead sources elsewhere", b), Subject: b, At: v.at, Events: []int{v.event},
				})
			}
		}
	}
	return fs
}

// votedFor tells whether another step than one on recorders can be why a balancer was voted
// out at an instant.
func (e *evidence) votedFor(balancer string, at time.Duration) bool {
	return slices.ContainsFunc(e.steps, func(s *step) bool {
		if !s.active(at-e.plan.OutOfAnswers(true).Max(), at) {
			return false
		}
		checked := slices.Contains(s.To, balancer) && slices.ContainsFunc(s.From, isChecker)
		return checked || s.ends(balancer) || s.breaks(balancer, "redis")
	})
}

// turnedBack tells of sources that such a balancer refused, although a recorder lived elsewhere.
func (e *evidence) turnedBack(s *show, d desert) []Finding {
	var fs []Finding
	for _, i := range s.own {
		a := e.events[i]
		if a.Kind != history.Attempt || a.Class != "answered" || datacenter(a.Peer) != d.datacenter || a.At-a.Took < d.from || a.At > d.to || !e.lives(a.Peer, d) || e.deserted(a) {
			continue
		}
		fs = append(fs, Finding{
			Sentence: fmt.Sprintf("%s was turned away by %s (%d) when no recorder beside it lived", s.plan.Name, a.Peer, a.Status), Subject: s.plan.Name, At: a.At, Events: []int{i},
		})
	}
	return fs
}

// comesHome tells whether a connection began a show when the datacenter had recorders
// again, for long enough to be known, and nothing else was wrong.
func (e *evidence) comesHome(one stay, d desert) bool {
	t := e.plan.Timing
	const rise = 3 // looks: two that are good, and one that has just missed it
	known := d.to + rise*(t.RecorderPoll+t.PollDeadline) + t.Slack
	return one.accepted == one.show.accepted()[0] && one.from >= known && slices.ContainsFunc(e.recorders, func(r string) bool {
		return datacenter(r) == d.datacenter && e.lived(r, one.balancer, one.from, one.from)
	})
}

// strayed tells of a show that began elsewhere although its datacenter had recorders again.
func (e *evidence) strayed(one stay, d desert) []Finding {
	if datacenter(one.recorder) == d.datacenter {
		return nil
	}
	return []Finding{{
		Sentence: fmt.Sprintf("%s began on %s, although recorders of %s worked again since %s", one.show.plan.Name, one.recorder, d.datacenter, secs(one.from-d.to)),
		Subject:  one.show.plan.Name, At: one.from, Events: []int{one.accepted},
	}}
}
