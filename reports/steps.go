package reports

import (
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// StepRow is one line of the plan, as it went.
type StepRow struct {
	ID, At, Began, Ended, Sentence, Touched string
	Line                                    int
	Assumed, Idle                           bool
}

// act is a step as it really went.
type act struct {
	scenario.Step
	began, ended time.Duration // -1: never
	touched      *history.Event
}

// acts reads from a history how each step went.
func acts(p *scenario.Plan, es []history.Event) []act {
	all := make([]act, len(p.Steps))
	by := map[string]*act{}
	for i, s := range p.Steps {
		all[i] = act{Step: s, began: -1, ended: -1}
		by[s.ID] = &all[i]
	}
	for i, e := range es {
		a := by[e.Fault]
		if a == nil {
			continue
		}
		switch e.Kind {
		case history.FaultBegan:
			a.began = e.At
		case history.FaultTouched:
			a.touched = &es[i] // the last one counts all
		case history.FaultEnded:
			a.ended = e.At
		}
	}
	return all
}

// instantaneous tells a step that is over as soon as it happened.
func (a act) instantaneous() bool { return isInstant(a.Do) }

func isInstant(do string) bool {
	f, _ := scenario.FaultNamed(do)
	return f.Instant
}

// operator tells an operator's act from a fault.
func (a act) operator() bool { return slices.Contains([]string{"drain", "undrain", "rollout"}, a.Do) }

// idle tells a step that hit nothing, as far as the far ends know.
func (a act) idle() bool { return a.touched == nil || a.began < 0 }

// reach is what the far ends confirmed.
func (a act) reach() string {
	switch {
	case a.began < 0:
		return "never began"
	case a.touched == nil:
		return "touched nothing"
	}
	return hit(a.Do, *a.touched)
}

// hit spells what a fault touched.
func hit(do string, e history.Event) string {
	noun := "connection"
	switch f, _ := scenario.FaultNamed(do); f.Shape {
	case scenario.OnNodes:
		noun = "node"
	case scenario.OnBroadcasters:
		noun = "broadcaster"
	case scenario.OnDisks:
		noun = "operation"
	case scenario.OnRedis, scenario.OnStore, scenario.OnMail, scenario.OnZones:
		noun = "request"
	}
	s := "touched " + plural(e.Count, noun)
	if e.Bytes > 0 {
		s += ", " + plural(e.Bytes, "byte")
	}
	return s
}

// span is the stretch of the run in which a step was in force, up to an end.
func (a act) span(end time.Duration) (from, to time.Duration) {
	from, to = a.began, end
	if a.began < 0 {
		from = a.At
	}
	switch {
	case a.instantaneous():
		to = from
	case a.ended >= 0:
		to = min(a.ended, end)
	}
	return from, max(from, to)
}

func stepRows(p *scenario.Plan, steps []act) []StepRow {
	var all []StepRow
	for _, a := range steps {
		row := StepRow{ID: a.ID, Line: a.Line, At: instant(p, a.At), Sentence: a.Sentence(), Assumed: a.Assumed, Idle: a.idle(), Touched: a.reach()}
		if a.began >= 0 {
			row.Began = instant(p, a.began)
		}
		switch {
		case a.began < 0 || a.instantaneous():
		case a.ended < 0:
			row.Ended = "not healed"
		case a.ended >= p.End:
			row.Ended = "healed at the end"
		default:
			row.Ended = instant(p, a.ended)
		}
		all = append(all, row)
	}
	return all
}
