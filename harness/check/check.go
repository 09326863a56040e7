// Package check judges a history against its plan.
//
// It owns what each property means, the sentence that says it, and the bounds
// that follow from a plan. It is pure: no I/O, no clock, no randomness; the same
// plan and history give the same verdict. Its only evidence are the events; what
// they do not prove is inconclusive.
package check

import (
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Result is how a property, or a whole run, was judged.
type Result string

// Results. Of several, Fail beats Inconclusive beats Pass.
const (
	Pass         Result = "pass"
	Fail         Result = "fail"
	Inconclusive Result = "inconclusive"
)

// Verdict is the judgement of a run.
type Verdict struct {
	Checker    string     `json:"checker"` // Version of who judged
	Result     Result     `json:"result"`
	Expected   string     `json:"expected"` // as scenario.Want spells it
	AsExpected bool       `json:"as_expected"`
	Properties []Property `json:"properties"` // the plan's, then the always-on ones
	Dead       []Dead     `json:"dead"`       // every broadcaster, in the plan's order
}

// Property is the judgement of one property.
type Property struct {
	Name       string        `json:"name"`
	Sentence   string        `json:"sentence"` // what must hold
	Result     Result        `json:"result"`
	Limit      string        `json:"limit,omitempty"`
	Measured   string        `json:"measured,omitempty"`
	Worst      time.Duration `json:"worst,omitempty"`       // of what is measured in time
	FirstEvent *int          `json:"first_event,omitempty"` // index into the history of the first bad event
	Findings   []Finding     `json:"findings,omitempty"`    // why it is not a pass, by time
}

// Finding is one thing that breaks a property, or keeps it from being judged.
type Finding struct {
	Sentence string        `json:"sentence"`
	Subject  string        `json:"subject,omitempty"` // whom it is about: a broadcaster, a node, a step
	At       time.Duration `json:"at"`                // incident time since the run began
	Over     time.Duration `json:"over,omitempty"`    // by how much it took longer than allowed; 0 when it is no matter of time
	Events   []int         `json:"events,omitempty"`  // indices into the history, the first bad one first
}

// Dead is one broadcaster's dead air.
type Dead struct {
	Broadcaster string        `json:"broadcaster"`
	Total       time.Duration `json:"total"`
	Unavoidable time.Duration `json:"unavoidable"` // as far as the bounds reach
	Avoidable   time.Duration `json:"avoidable"`
	Gaps        []Gap         `json:"gaps,omitempty"`
}

// Gap is a stretch of programme that is on no disk.
type Gap struct {
	FromFrame int64         `json:"from_frame"`
	ToFrame   int64         `json:"to_frame"` // included
	From      time.Duration `json:"from"`     // incident time since the run began
	To        time.Duration `json:"to"`
	Cause     string        `json:"cause,omitempty"` // a step's id; "start" before the first connection; empty: nobody knows
	Bound     time.Duration `json:"bound"`           // what of it is unavoidable at most
	Legs      string        `json:"legs,omitempty"`  // how the bound comes about
}

// Length is how much programme the gap holds.
func (g Gap) Length() time.Duration { return g.To - g.From }

// Judge judges a history, which must be sorted as history.Sort does.
func Judge(p *scenario.Plan, es []history.Event) Verdict {
	e := gather(p, es)
	v := Verdict{Checker: Version(), Expected: p.Want.Result(), Dead: e.dead()}
	for _, x := range judged(p) {
		v.Properties = append(v.Properties, e.judge(x))
	}
	v.Result = v.merge(p.Want)
	if v.Result == Fail && !p.Want.Pass && e.idle() {
		v.Result = Inconclusive // whatever it failed by, it is not what was to make it fail
	}
	v.AsExpected = v.as(p.Want)
	return v
}

// judged lists what the plan expects, then what is judged anyway.
func judged(p *scenario.Plan) []scenario.Expectation {
	all := slices.Clone(p.Expect)
	for _, t := range table() {
		named := slices.ContainsFunc(p.Expect, func(x scenario.Expectation) bool { return x.Property == t.name && x.Broadcasters == "" })
		if t.always && !named {
			all = append(all, scenario.Expectation{Property: t.name})
		}
	}
	return all
}

// failed lists the properties that failed, sorted, each once.
func (v *Verdict) failed() []string {
	var names []string
	for _, p := range v.Properties {
		if p.Result == Fail {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// has tells whether a property of that name has a result.
func (v *Verdict) has(name string, r Result) bool {
	return slices.ContainsFunc(v.Properties, func(p Property) bool { return p.Name == name && p.Result == r })
}

// merge is the result of all properties. A run that must fail, and in which all
// that failed should while the rest of it could not be judged, is inconclusive.
func (v *Verdict) merge(w scenario.Want) Result {
	failed := v.failed()
	unclear := slices.ContainsFunc(v.Properties, func(p Property) bool { return p.Result == Inconclusive })
	switch {
	case len(failed) == 0 && unclear:
		return Inconclusive
	case len(failed) == 0:
		return Pass
	}
	open := false
	for _, name := range w.Fail {
		if !slices.Contains(failed, name) {
			open = true
			if !v.has(name, Inconclusive) {
				return Fail
			}
		}
	}
	foreign := slices.ContainsFunc(failed, func(name string) bool { return !slices.Contains(w.Fail, name) })
	if open && !foreign {
		return Inconclusive
	}
	return Fail
}

func (v *Verdict) as(w scenario.Want) bool {
	if w.Pass {
		return v.Result == Pass
	}
	return v.Result == Fail && slices.Equal(v.failed(), w.Fail)
}

// judge judges one property.
func (e *evidence) judge(x scenario.Expectation) Property {
	i := slices.IndexFunc(table(), func(t property) bool { return t.name == x.Property })
	if i < 0 {
		return Property{Name: x.Property, Result: Inconclusive, Findings: []Finding{{Sentence: "this version does not know the property " + x.Property}}}
	}
	t := table()[i]
	o := t.judge(e, x)
	failed := slices.Concat(o.fails, o.slow)
	certain := slices.ContainsFunc(failed, func(f Finding) bool { return !e.doubtful(f) }) ||
		!t.timed && len(o.fails) > 0
	p := Property{Name: t.name, Sentence: t.sentence, Result: Pass, Limit: o.limit, Measured: o.measured, Worst: o.worst}
	switch {
	case len(e.unfit) > 0:
		p.Result, p.Findings = Inconclusive, e.unfit
	case len(failed) > 0 && !certain:
		p.Result, p.Findings = Inconclusive, append([]Finding{e.lateness()}, failed...)
	case len(failed) > 0:
		p.Result, p.Findings = Fail, failed
	case len(o.unclear) > 0:
		p.Result, p.Findings = Inconclusive, o.unclear
	}
	slices.SortStableFunc(p.Findings, func(a, b Finding) int { return int(a.At - b.At) })
	if p.Result == Fail && len(p.Findings[0].Events) > 0 {
		first := p.Findings[0].Events[0]
		p.FirstEvent = &first
	}
	return p
}

// secs spells a length of time for people, to a tenth of a second.
func secs(d time.Duration) string {
	return d.Round(100 * time.Millisecond).String()
}
