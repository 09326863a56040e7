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

// Served sets what health checks said of one balancer beside what it did, minute by minute.
type Served struct {
	Balancer string
	Lie      *Lie // nil: it was not called healthy for long while it took nobody
	Minutes  []Minute
	More     int  // minutes not shown
	Watched  bool // its way to Redis was watched
	Witness  bool // a witness asked beside it

	book *ledger
}

// Minute is one minute of a balancer, or some alike in which no attempt ended.
type Minute struct {
	At, Until               string // Until is set when it is more than one
	Green, Checkers         int    // the least in that minute
	DNS                     string // whether DNS answered with it: yes, no, partly
	Attempts, Served, Dials int    // attempts count in the minute in which they were over, or told of
	Fresh                   string // what a witness reported in that minute
	Lie                     bool   // within the time that Served.Lie tells of
}

// Limits of the tables of minutes.
const (
	maxMinutes  = 90 // of a balancer
	maxServices = 12
)

// services lists the balancers that somebody tried and that a step, a vote or a
// finding is about; those that took nobody come first.
func services(p *scenario.Plan, v check.Verdict, books []*ledger) []Served {
	var all []Served
	for _, l := range books {
		lie := l.lie(p)
		if len(l.tries) == 0 || lie == nil && !ofInterest(p, v, l) {
			continue
		}
		s := Served{Balancer: l.balancer, Lie: lie, Watched: len(l.dials) > 0, Witness: len(l.asks) > 0, book: l}
		s.Minutes = minutes(p, l, lie)
		s.More = max(0, len(s.Minutes)-maxMinutes)
		s.Minutes = s.Minutes[:len(s.Minutes)-s.More]
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b Served) int { return cmp.Compare(b.length(), a.length()) })
	return all[:min(len(all), maxServices)]
}

func (s Served) length() time.Duration {
	if s.Lie == nil {
		return 0
	}
	return s.Lie.stretch.to - s.Lie.stretch.from
}

// lies lists what the balancers were called wrongly, the longest first.
func lies(all []Served) []Lie {
	var found []Lie
	for _, s := range all {
		if s.Lie != nil {
			found = append(found, *s.Lie)
		}
	}
	return found
}

// ofInterest tells whether a step acts on a balancer, a checker changed its mind
// about it, or a finding names it.
func ofInterest(p *scenario.Plan, v check.Verdict, l *ledger) bool {
	if len(l.green) > 1 || len(l.voted) > 1 || len(l.listed) > 1 {
		return true
	}
	for _, s := range p.Steps {
		if slices.Contains(slices.Concat(s.Nodes, s.From, s.To), l.balancer) {
			return true
		}
	}
	for _, pr := range v.Properties {
		if slices.ContainsFunc(pr.Findings, func(f check.Finding) bool { return f.Subject == l.balancer }) {
			return true
		}
	}
	return false
}

// minutes fills the table of a balancer.
func minutes(p *scenario.Plan, l *ledger, lie *Lie) []Minute {
	n := int((p.End + time.Minute - 1) / time.Minute)
	all := make([]Minute, n)
	for m := range all {
		all[m] = l.minute(p, stretch{time.Duration(m) * time.Minute, time.Duration(m+1)*time.Minute - 1}, lie)
	}
	for _, e := range l.tries {
		if m := int(e.At / time.Minute); m >= 0 && m < n {
			all[m].Attempts += e.Times()
			all[m].Served += bit(e.Class == "accepted")
		}
	}
	for _, e := range l.dials {
		if m := int(e.At / time.Minute); m >= 0 && m < n {
			all[m].Dials++
		}
	}
	return quietly(all)
}

// minute is what stood at one minute's time.
func (l *ledger) minute(p *scenario.Plan, s stretch, lie *Lie) Minute {
	row := Minute{At: instant(p, s.from), Checkers: l.checkers, Green: least(l.green, s.from, s.to), DNS: "partly", Fresh: fresh(l.asks, s)}
	switch listed := within(l.listed, s.from, s.to); {
	case slices.Min(listed) == 1:
		row.DNS = "yes"
	case slices.Max(listed) == 0:
		row.DNS = "no"
	}
	row.Lie = lie != nil && lie.stretch.from <= s.to && lie.stretch.to >= s.from
	return row
}

// fresh tells what a witness, whose reports are in order of time, said in a stretch. It
// finds the first: of a season there are a hundred thousand minutes.
func fresh(asks []history.Event, s stretch) string {
	var said []string
	first, _ := slices.BinarySearchFunc(asks, s.from, func(e history.Event, at time.Duration) int { return cmp.Compare(e.At, at) })
	for _, e := range asks[first:] {
		if !s.holds(e.At) {
			break
		}
		word := "worked"
		if !e.OK {
			word = e.Class
		}
		if !slices.Contains(said, word) {
			said = append(said, word)
		}
	}
	return strings.Join(said, ", ")
}

// quietly draws runs of minutes together that are alike and in which nobody did anything.
func quietly(ms []Minute) []Minute {
	var all []Minute
	for i := 0; i < len(ms); {
		j := i + 1
		for j < len(ms) && ms[i].quiet() && ms[j].like(ms[i]) {
			j++
		}
		if j-i < 3 {
			j = i + 1
		}
		row := ms[i]
		if j > i+1 {
			row.Until = ms[j-1].At
		}
		all = append(all, row)
		i = j
	}
	return all
}

func (m Minute) quiet() bool { return m.Attempts == 0 && m.Dials == 0 }

func (m Minute) like(o Minute) bool {
	o.At = m.At
	return m == o
}
