package check

import (
	"slices"
	"strings"
	"testing"
	"time"

	"deadair/harness/history"
)

// What TestExcuses and TestBlame play, where more than one of their cases does.

// judgedAs plays what happens to a plan, which is told without its first two lines, and
// judges one property.
func judgedAs(t *testing.T, plan string, play func(*run), property string) Property {
	r := newRun(t, expand(t, "schema: 1\ntitle: excuses"+plan, "today", "virtual"))
	play(r)
	events := r.events
	if !ended(events) {
		events = r.history()
	}
	return of(t, Judge(r.plan, events), property)
}

const uplinks = `
system: {preset: two-datacenters}
broadcasters: [{name: rome, from: Rome, count: 4, persona: butt}]
ends: 10m
expect: [health-honest: {within: 1m}]
timeline:
  - {at: 80s, refuse: {from: rome, to: eu-west/balancer-1}, for: 5m}
  - {at: 85s, drop: {broadcasters: rome}}
`

const checkersToo = `  - {at: 86s, refuse: {from: "checker-0?", to: eu-west/balancer-1}, for: 5m}
`

// cutUplinks has all be refused by the first balancer for minutes.
func cutUplinks(r *run) {
	for i, name := range r.order {
		r.lose(name, 85*second, "dropped")
		for k := range 10 {
			r.refused(name, 87*second+time.Duration(k)*15*second+time.Duration(i), b1, "refused")
		}
		r.back(name, 250*second, b2)
	}
}

const alone = `
system: {preset: two-datacenters}
broadcasters: [{name: rome, from: Rome, persona: butt}]
timeline: [{at: 60s, blackhole: {from: eu-west/balancer-1, to: redis}, for: 4m}]
ends: 6m
expect: [fault-weighed]
`

// desolateAnd is desolate with another step before or after its own.
func desolateAnd(before, after string) string {
	const own = "  - {at: 80s, kill: \"eu-west/recorder-*\", for: 1m}\n"
	text, _, _ := strings.Cut(untitled(desolate), "variants:")
	return strings.Replace(text, own, before+own+after, 1)
}

// ledAway has shows go to the other datacenter while none of their own recorders lives.
func ledAway(r *run) {
	r.shows["new-01"].conns[0].recorder = "us-east/recorder-1"
	r.lose("rome-01", 80*second+20*time.Millisecond, "eof")
	r.move("rome-01", "us-east/recorder-1")
	r.back("rome-01", 83*second, b1)
}

// hole takes frames out of what a show's first connection left on disk.
func (r *run) hole(name string, from, to int64) {
	r.history()
	for i, e := range r.events {
		if e.Kind == history.SegmentFound && e.Subject == name && e.Epoch == 1 {
			whole := e.Ranges[0]
			r.events[i].Ranges = []history.Range{{From: whole.From, To: from}, {From: to, To: whole.To}}
		}
	}
}

// untitled is a scenario without its first two lines.
func untitled(text string) string {
	return "\n" + strings.SplitN(text, "\n", 3)[2]
}

// ended tells whether a history has its end.
func ended(es []history.Event) bool {
	return slices.ContainsFunc(es, func(e history.Event) bool { return e.Kind == history.RunEnded })
}
