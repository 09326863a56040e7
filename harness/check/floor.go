package check

import (
	"fmt"
	"slices"

	"deadair/harness/scenario"
)

// tlsFloor judges how visitors were met who speak TLS: whoever speaks as of today is
// understood, and nobody who speaks as of old. A server that cannot be reached proves
// nothing about how it speaks.
func tlsFloor(e *evidence, x scenario.Expectation) opinion {
	o := opinion{limit: "TLS " + scenario.Floor + " and later"}
	speaks := map[string]string{}
	for _, v := range e.plan.Visitors {
		speaks[v.Name] = v.Speak
	}
	old, young := map[string]int{}, map[string]int{}      // hellos by server
	taken, shut := map[string][]int{}, map[string][]int{} // by the way to speak
	for _, i := range e.requests(x.Visitors) {
		r := e.events[i]
		how := speaks[r.Node]
		switch {
		case how == "" || r.Class != "ok" && r.Class != "declined":
		case scenario.Below(how):
			old[r.Peer] += r.Times()
			if r.Class == "ok" {
				taken[how] = append(taken[how], i)
			}
		default:
			young[r.Peer] += r.Times()
			if r.Class == "declined" {
				shut[how] = append(shut[how], i)
			}
		}
	}
	for _, how := range scenario.Spoken() {
		o.fails = append(o.fails, e.spoken(how, "agreed to", taken[how])...)
		o.fails = append(o.fails, e.spoken(how, "declined", shut[how])...)
	}
	o.measured = fmt.Sprintf("%d hellos below it, %d not", total(old), total(young))
	e.unspoken(&o, old, young)
	return o
}

// unspoken tells of fronts that say nothing about how they speak.
func (e *evidence) unspoken(o *opinion, old, young map[string]int) {
	if len(old) == 0 || len(young) == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: it takes visitors who speak as of old, and some who do not"})
		return
	}
	for _, front := range e.fronts() {
		for _, met := range []struct {
			by string
			n  int
		}{{"as of old", old[front]}, {"as of today", young[front]}} {
			if met.n == 0 {
				o.unclear = append(o.unclear, Finding{Sentence: fmt.Sprintf("never exercised at %s: nobody who speaks %s met it", front, met.by), Subject: front})
			}
		}
	}
}

// fronts are the servers that visitors who speak TLS ask.
func (e *evidence) fronts() []string {
	var all []string
	for _, pool := range e.plan.System.Pools() {
		if slices.ContainsFunc(e.plan.Visitors, func(v scenario.Visitor) bool { return v.Speak != "" && v.Ask == pool.Site }) {
			all = append(all, pool.Nodes...)
		}
	}
	return all
}

func total(counts map[string]int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// spoken tells of hellos that were met in the wrong way.
func (e *evidence) spoken(how, what string, events []int) []Finding {
	if len(events) == 0 {
		return nil
	}
	n := 0
	var servers []string
	for _, i := range events {
		n += e.events[i].Times()
		servers = append(servers, e.events[i].Peer)
	}
	slices.Sort(servers)
	servers = slices.Compact(servers)
	return []Finding{{
		Sentence: fmt.Sprintf("%s %s %s, %d times", list(servers), what, scenario.Speech(how), n),
		Subject:  servers[0], At: e.events[events[0]].At, Events: few(events),
	}}
}
