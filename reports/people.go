package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// measured is what one broadcaster went through.
type measured struct {
	reconnects int
	reroute    time.Duration // the longest from a loss to the next acceptance
	longest    time.Duration // gap
	sessions   int           // of its recording
	twice      time.Duration // programme that is on disk more than once
	far        time.Duration // programme on disks of another datacenter than the nearest
}

// measure reads what a broadcaster went through from its tape.
func measure(b scenario.Broadcaster, t *tape, d check.Dead) measured {
	var m measured
	lost := time.Duration(-1)
	for _, e := range t.own {
		switch {
		case e.Kind == history.Lost:
			lost = e.At
		case e.Kind == history.Attempt && e.Class == "accepted" && lost >= 0:
			m.reconnects++
			m.reroute = max(m.reroute, e.At-lost)
			lost = -1
		}
	}
	for _, g := range d.Gaps {
		m.longest = max(m.longest, g.Length())
	}
	frame := frameOf(b)
	sessions := map[string]bool{}
	var held []history.Range
	for _, e := range t.found {
		sessions[e.Session] = true
		for _, r := range e.Ranges {
			n := time.Duration(r.To-r.From+1) * frame
			if dc, _, _ := strings.Cut(e.Node, "/"); dc != b.Nearest {
				m.far += n
			}
			held = append(held, r)
		}
	}
	m.sessions = len(sessions)
	m.twice = time.Duration(doubled(held)) * frame
	return m
}

// doubled counts the frames that several ranges have.
func doubled(rs []history.Range) (n int64) {
	slices.SortFunc(rs, func(a, b history.Range) int { return cmp.Compare(a.From, b.From) })
	end := int64(-1)
	for _, r := range rs {
		if r.From <= end {
			n += min(r.To, end) - r.From + 1
		}
		end = max(end, r.To)
	}
	return n
}

// Segment is broadcasters that have something in common.
type Segment struct {
	By, Name           string // client, butt
	Count, Hit         int    // those with more than what they lost at their start
	Dead, Worst        string
	Avoidable, Reroute string
	Bad                bool
}

// segments add broadcasters up by group, datacenter and client. What all share is left out.
func segments(p *scenario.Plan, v check.Verdict, tapes map[string]*tape) []Segment {
	var all []Segment
	for _, by := range []struct {
		name string
		of   func(scenario.Broadcaster) string
	}{
		{"group", func(b scenario.Broadcaster) string { return b.Group }},
		{"nearest datacenter", func(b scenario.Broadcaster) string { return b.Nearest }},
		{"client", func(b scenario.Broadcaster) string { return b.Persona }},
		{"resolver", func(b scenario.Broadcaster) string { return cmp.Or(b.Resolver, "honest") }},
	} {
		some := segmentsBy(p, v, tapes, by.name, by.of)
		if len(some) > 1 {
			all = append(all, some[:min(len(some), maxSegments)]...)
		}
	}
	return all
}

// maxSegments bounds the values of one kind of segment.
const maxSegments = 20

func segmentsBy(p *scenario.Plan, v check.Verdict, tapes map[string]*tape, name string, of func(scenario.Broadcaster) string) []Segment {
	type sum struct{ dead, worst, avoidable, reroute time.Duration }
	dead := map[string]check.Dead{}
	for _, d := range v.Dead {
		dead[d.Broadcaster] = d
	}
	var all []Segment
	var sums []sum
	for _, b := range p.Broadcasters {
		i := slices.IndexFunc(all, func(s Segment) bool { return s.Name == of(b) })
		if i < 0 {
			i = len(all)
			all, sums = append(all, Segment{By: name, Name: of(b)}), append(sums, sum{})
		}
		d := dead[b.Name]
		all[i].Count++
		all[i].Hit += bit(slices.ContainsFunc(d.Gaps, func(g check.Gap) bool { return g.Cause != "start" }))
		s := &sums[i]
		s.dead, s.avoidable, s.worst = s.dead+d.Total, s.avoidable+d.Avoidable, max(s.worst, d.Total)
		s.reroute = max(s.reroute, measure(b, tapes[b.Name], d).reroute)
	}
	for i, s := range sums {
		all[i].Dead, all[i].Worst, all[i].Avoidable, all[i].Reroute, all[i].Bad = span(s.dead), span(s.worst), span(s.avoidable), span(s.reroute), s.avoidable > 0
	}
	return all
}
