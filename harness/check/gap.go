package check

import (
	"slices"
	"strings"
	"time"
)

// gaps lists a show's dead air with its causes and bounds.
func (e *evidence) gaps(s *show) []Gap {
	var all []Gap
	for _, m := range s.missing() {
		all = append(all, e.gap(s, m))
	}
	return all
}

func (e *evidence) gap(s *show, m span) Gap {
	g := Gap{FromFrame: m.from, ToFrame: m.to, From: s.at(m.from), To: s.at(m.to + 1)}
	var legs []string
	if m.overlap(s.start()) {
		g.Cause = "start"
		a := e.plan.Begin(s.plan)
		g.Bound += a.Max + 2*s.frame
		legs = append(legs, "admission "+secs(a.Max))
	}
	for _, b := range e.took(s, m) {
		l := e.limit(s, b)
		g.Bound += l.max
		legs = append(legs, l.legs)
		if b.cause != nil {
			g.Cause = b.cause.ID
		}
	}
	g.Legs = strings.Join(legs, "; ")
	return g
}

// took lists the interruptions that can have taken of a run of frames. One that ended
// nothing adds no time to the one before.
func (e *evidence) took(s *show, m span) []*interruption {
	return slices.DeleteFunc(slices.Clone(s.breaks), func(b *interruption) bool {
		return e.vain(s, b) || !m.overlap(s.taken(b, e.early(b)))
	})
}

// vain tells whether an interruption ended a connection that never was on air: no disk has
// a frame of it, and what kept recorders from it was in force before it was asked for. Its
// balancer should not have taken it.
func (e *evidence) vain(s *show, b *interruption) bool {
	by := b.cause
	if by == nil || b.path.recorder != "" || b.path.dialled <= by.began+by.lag+e.plan.Timing.Slack {
		return false
	}
	return !by.again() && !slices.Contains(by.Who, s.plan.Name) && !by.ends(b.path.balancer) && !by.breaks(s.plan.Name, b.path.balancer)
}

// early is how much programme may be gone from before an interruption began.
func (e *evidence) early(b *interruption) time.Duration {
	early := e.plan.InFlight() + e.plan.Timing.Slack
	if b.cause == nil || b.cause.Do != "kill" && b.cause.Do != "powercut" {
		return early
	}
	early += b.cause.lag // it dies at once; a busy machine tells of it late
	if b.cause.Do == "powercut" && b.cause.ends(b.path.recorder) {
		early += e.plan.Timing.Sync
	}
	return early
}

// dead is every broadcaster's dead air.
func (e *evidence) dead() []Dead {
	var all []Dead
	for _, s := range e.shows {
		d := Dead{Broadcaster: s.plan.Name, Gaps: e.gaps(s)}
		for _, g := range d.Gaps {
			d.Total += g.Length()
			d.Unavoidable += min(g.Length(), g.Bound+e.plan.Timing.Slack)
		}
		d.Avoidable = d.Total - d.Unavoidable
		all = append(all, d)
	}
	return all
}
