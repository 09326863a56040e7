package reports

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// ledger is what a history says of one balancer: what was said of it, and what it did.
type ledger struct {
	balancer string
	checkers int
	green    []level         // how many checkers called it healthy
	voted    []level         // 1 while the vote is healthy
	listed   []level         // 1 while DNS answers somebody with it because it is healthy
	tries    []history.Event // attempts of broadcasters, by when they were over
	dials    []history.Event // its connections to Redis
	asks     []history.Event // of a witness beside it
}

// level is a number from an instant on, until the next one.
type level struct {
	at time.Duration
	n  int
}

// long is before every event of a run.
const long = -time.Hour

// balancers lists the balancers of a datacenter.
func balancers(dc scenario.Datacenter) []string {
	var all []string
	for i := range dc.Balancers {
		all = append(all, fmt.Sprintf("%s/balancer-%d", dc.Name, i+1))
	}
	return all
}

// books are the ledgers of all balancers while they are written.
type books struct {
	by    map[string]*ledger
	red   map[string]map[string]bool // by balancer, the checkers that do not call it healthy
	named map[string]map[string]bool // by region, the balancers in its answer
}

// ledgers reads the ledgers of all balancers, in the plan's order. Until a
// history says otherwise every checker says healthy and DNS answers each region
// with all of its balancers: a run that does not begin so is not judged.
func ledgers(p *scenario.Plan, es []history.Event) []*ledger {
	b := books{map[string]*ledger{}, map[string]map[string]bool{}, map[string]map[string]bool{}}
	var all []*ledger
	for _, dc := range p.System.Datacenters {
		b.named[dc.Name] = map[string]bool{}
		for _, n := range balancers(dc) {
			l := &ledger{
				balancer: n, checkers: p.System.DNS.Checkers,
				green: []level{{long, p.System.DNS.Checkers}}, voted: []level{{long, 1}}, listed: []level{{long, 1}},
			}
			b.by[n], b.red[n], b.named[dc.Name][n] = l, map[string]bool{}, true
			all = append(all, l)
		}
	}
	for _, e := range es {
		b.take(e)
	}
	return all
}

// take enters one event.
func (b *books) take(e history.Event) {
	if e.Kind == history.AnswerChanged {
		b.answer(e)
		return
	}
	about := e.Subject
	if e.Kind == history.Attempt {
		about = e.Peer
	}
	l := b.by[about]
	if l == nil {
		return
	}
	switch e.Kind {
	case history.CheckerSaw:
		b.red[about][e.Node] = !e.OK
		n := l.checkers
		for _, red := range b.red[about] {
			n -= bit(red)
		}
		l.green = append(l.green, level{e.At, max(n, 0)})
	case history.Voted:
		if len(l.voted) == 1 {
			l.voted[0].n = bit(!e.OK) // only changes are told
		}
		l.voted = append(l.voted, level{e.At, bit(e.OK)})
	case history.Attempt:
		l.tries = append(l.tries, e)
	case history.Dialed:
		l.dials = append(l.dials, e)
	case history.Probe:
		l.asks = append(l.asks, e)
	}
}

// answer enters what DNS answers a region from now on. Answers for want of
// anything healthy do not call a balancer healthy.
func (b *books) answer(e history.Event) {
	named := map[string]bool{}
	for _, h := range e.Hosts {
		named[h] = e.Class != "fail-open"
	}
	b.named[e.Subject] = named
	for n, l := range b.by {
		somewhere := false
		for region := range maps.Values(b.named) {
			somewhere = somewhere || region[n]
		}
		if last := l.listed[len(l.listed)-1]; last.n != bit(somewhere) {
			l.listed = append(l.listed, level{e.At, bit(somewhere)})
		}
	}
}

func bit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// least is the lowest level at any time from an instant to another, both included.
func least(ls []level, from, to time.Duration) int {
	return slices.Min(within(ls, from, to))
}

// within lists the levels from an instant to another, both included.
func within(ls []level, from, to time.Duration) []int {
	ns := []int{ls[0].n}
	for _, l := range ls {
		switch {
		case l.at > to:
			return ns
		case l.at <= from:
			ns[0] = l.n
		default:
			ns = append(ns, l.n)
		}
	}
	return ns
}

// stretch is a time from an instant to another.
type stretch struct{ from, to time.Duration }

// trusted lists the times in which DNS answered with a balancer and the vote called it healthy.
func (l *ledger) trusted(end time.Duration) []stretch {
	var all []stretch
	for _, a := range ups(l.voted, end) {
		for _, b := range ups(l.listed, end) {
			if s := (stretch{max(a.from, b.from), min(a.to, b.to)}); s.to > s.from {
				all = append(all, s)
			}
		}
	}
	return all
}

// ups lists the times in which a level was 1, up to an end.
func ups(ls []level, end time.Duration) []stretch {
	var all []stretch
	for i, l := range ls {
		to := end
		if i+1 < len(ls) {
			to = min(ls[i+1].at, end)
		}
		switch n := len(all) - 1; {
		case l.n == 0 || to <= l.at:
		case n >= 0 && all[n].to == l.at:
			all[n].to = to
		default:
			all = append(all, stretch{l.at, to})
		}
	}
	return all
}
