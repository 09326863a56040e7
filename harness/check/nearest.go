package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// nearestDatacenter judges every answer that a broadcaster got: it names balancers
// of the datacenter that is nearest to it, by the zone's latency table and as far as
// DNS knows where it is, of those that have a healthy one.
func nearestDatacenter(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	judged := 0
	for _, s := range e.within(x) {
		for _, i := range s.own {
			told := e.events[i]
			if told.Kind != history.Resolved || len(told.Hosts) == 0 {
				continue
			}
			judged++
			right := e.nearestOf(s.plan, told.At)
			if wrong := slices.IndexFunc(told.Hosts, func(b string) bool { return !slices.Contains(right, datacenter(b)) }); wrong >= 0 {
				o.fails = append(o.fails, Finding{
					Sentence: fmt.Sprintf("%s, in %s, was told of %s, although %s is nearer", s.plan.Name, s.plan.Whence(), told.Hosts[wrong], list(right)),
					Subject:  s.plan.Name, At: told.At, Events: []int{i},
				})
			}
		}
	}
	o.measured = fmt.Sprintf("%d answers", judged) + e.mistaken(x)
	if judged == 0 || len(e.plan.System.Datacenters) < 2 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: nobody had a choice of datacenters"})
	}
	return o
}

// nearestOf lists the datacenters that may be the nearest one to a broadcaster in an
// answer that it got at an instant: an answer is as old as its resolver lets it be, and
// so is what it knows of the balancers' health.
func (e *evidence) nearestOf(b scenario.Broadcaster, at time.Duration) []string {
	from := at - e.allowed(e.plan.Keeps(b)+e.plan.System.DNS.Propagation+e.plan.Timing.VoteEvery+e.plan.Timing.Trip)
	all := []string{e.nearestAt(b, from)}
	for _, v := range e.changes() {
		if v > from && v <= at {
			all = append(all, e.nearestAt(b, v))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// nearestAt is the nearest datacenter to a broadcaster with a balancer that is voted
// healthy at an instant. When there is none all count as healthy.
func (e *evidence) nearestAt(b scenario.Broadcaster, at time.Duration) string {
	order := e.plan.System.Nearest(b.Seen())
	for _, dc := range order {
		if slices.ContainsFunc(e.balancersOf(dc), func(b string) bool { return e.healthy(b, at) }) {
			return dc
		}
	}
	return order[0]
}

// healthy tells whether a balancer is voted healthy at an instant: at first it is.
func (e *evidence) healthy(balancer string, at time.Duration) bool {
	ok := true
	for _, v := range e.votes[balancer] {
		if v.at <= at {
			ok = v.ok
		}
	}
	return ok
}

// changes are the instants at which a vote changed.
func (e *evidence) changes() []time.Duration {
	var all []time.Duration
	for _, votes := range e.votes {
		for _, v := range votes {
			all = append(all, v.at)
		}
	}
	return all
}

// mistaken tells of the groups that DNS takes to be elsewhere, so that they do not get
// the datacenter that is nearest to where they are.
func (e *evidence) mistaken(x scenario.Expectation) (told string) {
	said := map[string]bool{}
	for _, s := range e.within(x) {
		b := s.plan
		if near := e.plan.System.Nearest(b.From)[0]; near != b.Nearest && !said[b.Group] {
			said[b.Group] = true
			told += fmt.Sprintf("; %s gets %s and not %s, for it is in %s", b.Group, b.Nearest, near, b.Whence())
		}
	}
	return told
}
