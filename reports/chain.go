package reports

import (
	"cmp"
	"slices"
	"time"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Chain leads from a fault to what broke a property, link by link.
type Chain struct {
	Property, Result string
	Anchor           string // of the finding that it explains
	Links            []Link
}

// Link is one link of a chain.
type Link struct {
	At       string
	Since    string // since the link before; empty for the first
	Role     string // fault, trigger, confirmed, believed, impact, recovery, violation
	Sentence string
	Event    *int // listed among the events

	at time.Duration
}

// Limits of the chains of a page.
const (
	maxChains = 4
	maxLinks  = 14
	maxRoots  = 3 // faults of one chain
)

// recent is for how long after it an instantaneous step still explains something.
const recent = 2 * time.Minute

// story is what chains are written from.
type story struct {
	plan  *scenario.Plan
	es    []history.Event
	v     check.Verdict
	steps []act
	books []*ledger
}

// chains explains the first finding of each property that does not hold, and tells
// which events it names.
func (s story) chains(checks []Check, evidence map[int]bool) []Chain {
	var all []Chain
	for _, c := range checks {
		if c.Result == string(check.Pass) || len(c.found) == 0 || len(all) == maxChains {
			continue
		}
		x := Chain{Property: c.Name, Result: c.Result, Anchor: c.Findings[0].Anchor, Links: s.links(c.found[0])}
		if len(x.Links) < 2 {
			continue // there is nothing that led to it
		}
		for _, l := range x.Links {
			if l.Event != nil {
				evidence[*l.Event] = true
			}
		}
		all = append(all, x)
	}
	return all
}

// links are what led to a finding, in order of time, and the finding itself.
func (s story) links(f check.Finding) []Link {
	around := []string{f.Subject, "redis"}
	var all []Link
	var to time.Duration
	from := f.At
	if s.isShow(f.Subject) {
		var tried, vain []string
		all, tried, vain, from, to = s.ofShow(f)
		around = append(around, tried...)
		for _, b := range vain {
			all = append(all, s.believed(b, from, to)...)
		}
	} else {
		all, to = s.ofNode(f)
		all = append(all, s.believed(f.Subject, from, to)...)
	}
	all = append(all, s.roots(around, from, to)...)
	slices.SortStableFunc(all, func(a, b Link) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order(), b.order())) })
	if over := len(all) - maxLinks + 1; over > 0 {
		all = append(all[:maxLinks/2], all[maxLinks/2+over:]...)
	}
	last := Link{at: max(f.At, to), Role: "violation", Sentence: sentenceCase(f.Sentence)}
	if len(f.Events) > 0 && f.Events[0] >= 0 && f.Events[0] < len(s.es) {
		first := f.Events[0]
		last.Event = &first
	}
	all = append(all, last)
	for i := range all {
		all[i].At = instant(s.plan, all[i].at)
		if i > 0 {
			all[i].Since = span(all[i].at - all[i-1].at)
		}
	}
	return all
}

// order puts causes before what they caused in the same instant.
func (l Link) order() int {
	return slices.Index([]string{"fault", "trigger", "impact", "believed", "recovery", "violation"}, l.Role)
}

func (s story) isShow(name string) bool {
	return slices.ContainsFunc(s.plan.Broadcasters, func(b scenario.Broadcaster) bool { return b.Name == name })
}

func (s story) link(i int, role, sentence string) Link {
	return Link{at: s.es[i].At, Role: role, Sentence: sentenceCase(sentence), Event: &i}
}

// roots are the steps that were in force, or had just happened, and that concern
// one of some names: lasting ones first, the earliest of them.
func (s story) roots(around []string, from, to time.Duration) []Link {
	var found []act
	for _, a := range s.steps {
		begin, end := a.span(s.plan.End)
		hit := slices.ContainsFunc(slices.Concat(a.Nodes, a.From, a.To, a.Who), func(n string) bool { return slices.Contains(around, n) })
		if a.began < 0 || !hit || begin > to || end < from-recent || a.operator() {
			continue
		}
		found = append(found, a)
	}
	slices.SortStableFunc(found, func(a, b act) int {
		return cmp.Or(cmp.Compare(bit(a.instantaneous()), bit(b.instantaneous())), cmp.Compare(from-a.began, from-b.began))
	})
	var all []Link
	for _, a := range found[:min(len(found), maxRoots)] {
		for i, e := range s.es {
			if e.Fault != a.ID {
				continue
			}
			switch e.Kind {
			case history.FaultBegan:
				all = append(all, s.link(i, map[bool]string{true: "trigger", false: "fault"}[a.instantaneous()], deed(a.Step)+" ("+a.ID+"; "+a.reach()+")"))
			case history.FaultEnded:
				if !a.instantaneous() && e.At < to {
					all = append(all, s.link(i, "recovery", undone(a.Step)+" ("+a.ID+")"))
				}
			}
		}
	}
	return all
}
