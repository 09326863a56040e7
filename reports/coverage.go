package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Cover is a fault on a kind of target, and what broadcasters were doing while it
// was in force. A fault that touched nothing covers nothing.
type Cover struct {
	Fault        string `json:"fault"` // kill, blackhole …
	On           string `json:"on"`    // balancer, recorder, "balancer → redis" …
	Connecting   int    `json:"connecting"`
	Streaming    int    `json:"streaming"`
	Reconnecting int    `json:"reconnecting"`
	Untouched    bool   `json:"untouched,omitempty"` // the far ends did not notice it
}

// coverage tells which faults hit what, and when.
func coverage(p *scenario.Plan, es []history.Event) []Cover {
	all := []Cover{}
	times := airtimes(p, es)
	for _, a := range acts(p, es) {
		one := Cover{Fault: a.Do, On: target(a.Step), Untouched: a.idle()}
		from, to := a.span(p.End)
		for _, t := range times {
			connecting, streaming, reconnecting := t.doing(from, to)
			one.Connecting += bit(connecting)
			one.Streaming += bit(streaming)
			one.Reconnecting += bit(reconnecting)
		}
		all = append(all, one)
	}
	return all
}

// target names what kind of thing a step acts on.
func target(s scenario.Step) string {
	switch {
	case len(s.From) > 0:
		return kinds(s.From) + " → " + kinds(s.To)
	case len(s.Who) > 0:
		return "broadcaster"
	}
	return kinds(s.Nodes)
}

// kinds names the kinds of some hosts: balancer, recorder, redis …; who has no
// kind is a broadcaster.
func kinds(hosts []string) string {
	var all []string
	for _, h := range hosts {
		_, name, node := strings.Cut(h, "/")
		kind := strings.TrimRight(cmp.Or(name, h), "-0123456789")
		if !node && !slices.Contains([]string{"redis", "accounts", "store", "mail", "dns", "checker"}, kind) {
			kind = "broadcaster"
		}
		if !slices.Contains(all, kind) {
			all = append(all, kind)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "+")
}

// airtime is when a broadcaster was on air with a connection, and when without.
type airtime struct {
	first       time.Duration // of the first connection; the end when there was none
	onAir, ends time.Duration
	with        []stretch
}

// airtimes reads the connections of each broadcaster.
func airtimes(p *scenario.Plan, es []history.Event) []*airtime {
	var all []*airtime
	by := map[string]*airtime{}
	for _, b := range p.Broadcasters {
		t := &airtime{onAir: b.OnAir, ends: min(b.OffAir, p.End), first: min(b.OffAir, p.End)}
		by[b.Name] = t
		all = append(all, t)
	}
	for _, e := range es {
		t := by[e.Node]
		if t == nil {
			continue
		}
		open := len(t.with) > 0 && t.with[len(t.with)-1].to == t.ends
		switch {
		case e.Kind == history.Attempt && e.Class == "accepted":
			t.first = min(t.first, e.At)
			t.with = append(t.with, stretch{e.At, t.ends})
		case e.Kind == history.Lost && open:
			t.with[len(t.with)-1].to = e.At
		}
	}
	return all
}

// doing tells what a broadcaster was doing at any time of a stretch.
func (t *airtime) doing(from, to time.Duration) (connecting, streaming, reconnecting bool) {
	connecting = from < t.first && to >= t.onAir
	for i, w := range t.with {
		streaming = streaming || w.from <= to && w.to >= from
		next := t.ends
		if i+1 < len(t.with) {
			next = t.with[i+1].from
		}
		reconnecting = reconnecting || w.to < next && w.to <= to && next > from
	}
	return connecting, streaming, reconnecting
}
