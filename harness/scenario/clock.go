package scenario

import (
	"cmp"
	"slices"
	"time"
)

// What is kept of quiet stretches when a file allows to cut them.
const (
	quietBefore = 30 * time.Second // run before the next thing happens
	quietOnAir  = 30 * time.Second // run after somebody went on or off air
	quietLeast  = 2 * time.Minute  // run after a step, if the window is shorter
	cutLeast    = time.Minute      // shorter cuts are not worth a jump of the clock
	quietEnds   = 5 * time.Minute  // run after the last step when the file has no end
)

// moment is an instant of the incident that must be played, and how long after it.
type moment struct{ at, keep time.Duration }

// cut is a stretch of the incident that is not played.
type cut struct{ from, to time.Duration }

// cuts finds the stretches to leave out.
func cuts(moments []moment) []cut {
	slices.SortFunc(moments, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	var all []cut
	var kept time.Duration
	for _, m := range moments {
		if resume := m.at - quietBefore; resume-kept >= cutLeast {
			all = append(all, cut{kept, resume})
		}
		kept = max(kept, m.at+m.keep)
	}
	return all
}

// toRun is the run's time at an instant of the incident.
func toRun(cs []cut, at time.Duration) time.Duration {
	var left time.Duration
	for _, c := range cs {
		if at <= c.from {
			break
		}
		left += min(at, c.to) - c.from
	}
	return at - left
}

// stretches is the time map of a run with cuts. zero is the wall clock at the
// incident's zero, if it is known.
func stretches(cs []cut, zero time.Time) []Stretch {
	one := func(incident time.Duration) Stretch {
		s := Stretch{Run: toRun(cs, incident), Incident: incident}
		if !zero.IsZero() {
			s.Wall = zero.Add(incident).Format(time.RFC3339)
		}
		return s
	}
	all := []Stretch{one(0)}
	for _, c := range cs {
		all = append(all, one(c.to))
	}
	return all
}

// stretch is the one that a time of the run falls into.
func (p *Plan) stretch(run time.Duration) Stretch {
	var now Stretch
	for _, s := range p.Clock {
		if s.Run > run {
			break
		}
		now = s
	}
	return now
}

// Incident is what the scenario's own clock shows at a time of the run.
func (p *Plan) Incident(run time.Duration) time.Duration {
	s := p.stretch(run)
	return s.Incident + run - s.Run
}

// Wall is the incident's wall clock (RFC 3339, UTC) at a time of the run; empty
// when the scenario names no day or no hour.
func (p *Plan) Wall(run time.Duration) string {
	s := p.stretch(run)
	at, err := time.Parse(time.RFC3339, s.Wall)
	if err != nil {
		return ""
	}
	return at.Add(run - s.Run).UTC().Format(time.RFC3339)
}
