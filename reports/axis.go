package reports

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Tick is a labelled instant of the axis; a Cut is where quiet time was left out.
type Tick struct {
	X     float64
	Label string
	Title string
	Cut   bool
	Last  bool // so near the right edge that the label has to end there
}

const (
	tickRoom  = 78.0 // units that a label needs
	mostTicks = 10
)

// ticks labels the axis with round times of the incident's clock, and the
// instants at which it jumps.
func (c *canvas) ticks() []Tick {
	step := tickStep(c.end)
	var all []Tick
	for i, s := range c.plan.Clock {
		to := c.end
		if i+1 < len(c.plan.Clock) {
			to = min(to, c.plan.Clock[i+1].Run)
		}
		room := s.Run // from here on the axis is free
		if i > 0 {
			all = append(all, Tick{X: c.x(s.Run), Label: label(c.plan, s.Run), Title: "quiet time was left out here", Cut: true})
			room += c.time(tickRoom)
		}
		first := (s.Incident + step - 1) / step * step
		for at := s.Run + first - s.Incident; at <= to; at += step {
			before := to < c.end && at > to-c.time(tickRoom) // the label of the jump stands there
			if at >= room && !before {
				all = append(all, Tick{X: c.x(at), Label: label(c.plan, at)})
			}
		}
	}
	for i := range all {
		all[i].Last = all[i].X > chartGutter+chartWidth-tickRoom/2
	}
	return all
}

// timeMap is the plan's clock for the script that follows the pointer.
func (c *canvas) timeMap() string {
	var all []string
	for _, s := range c.plan.Clock {
		all = append(all, fmt.Sprintf("%g,%g", s.Run.Seconds(), s.Incident.Seconds()))
	}
	return strings.Join(all, ";")
}

// zero is the wall clock at the incident's zero, in seconds since 1970.
func (c *canvas) zero() string {
	at, _, ok := wall(c.plan, 0)
	if !ok {
		return ""
	}
	return strconv.FormatInt(at.Add(-c.plan.Incident(0)).Unix(), 10)
}

// time is how long some units of the drawing are.
func (c *canvas) time(units float64) time.Duration {
	return time.Duration(units / chartWidth * float64(c.end))
}

// tickStep is a round length that divides a run into at most mostTicks.
func tickStep(end time.Duration) time.Duration {
	for _, s := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600} {
		if end/(s*time.Second) <= mostTicks {
			return s * time.Second
		}
	}
	return (end/mostTicks + 24*time.Hour - 1) / (24 * time.Hour) * 24 * time.Hour
}
