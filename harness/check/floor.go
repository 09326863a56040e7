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
	old, young := 0, 0
	taken, shut := map[string][]int{}, map[string][]int{} // by the way to speak
	for _, i := range e.requests(x.Visitors) {
		r := e.events[i]
		how := speaks[r.Node]
		switch {
		case how == "" || r.Class != "ok" && r.Class != "declined":
		case scenario.Below(how):
			old += r.Times()
			if r.Class == "ok" {
				taken[how] = append(taken[how], i)
			}
		default:
			young += r.Times()
			if r.Class == "declined" {
				shut[how] = append(shut[how], i)
			}
		}
	}
	for _, how := range scenario.Spoken() {
		o.fails = append(o.fails, e.spoken(how, "agreed to", taken[how])...)
		o.fails = append(o.fails, e.spoken(how, "declined", shut[how])...)
	}
	o.measured = fmt.Sprintf("%d hellos below it, %d not", old, young)
	if old == 0 || young == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: it takes visitors who speak as of old, and some who do not"})
	}
	return o
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
