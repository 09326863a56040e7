package reports

import (
	"fmt"
	"strings"
	"time"

	"deadair/harness/history"
)

// Curve is a number over the axis of the timeline.
type Curve struct {
	Label, Title string
	Y, H         int
	Points       string // of an area, from the left edge to the right one
	Class        string
}

// bins is how many points a curve has.
const bins = 240

// curveHeight is the height of a curve, in units.
const curveHeight = 26

// curves are how many broadcasters had a connection, how often they tried, and how
// long the slowest acceptance took.
func (c *canvas) curves(es []history.Event) []Curve {
	times := airtimes(c.plan, es)
	var due, with, tries, took [bins]float64
	for i := range bins {
		from, to := c.bin(i), c.bin(i+1)
		for _, t := range times {
			if t.onAir < to && t.ends > from {
				due[i]++
				with[i] += t.share(from, to)
			}
		}
	}
	for _, e := range es {
		if i := int(bins * e.At / c.end); e.Kind == history.Attempt && i >= 0 && i < bins {
			tries[i] += float64(e.Times())
			if e.Class == "accepted" {
				took[i] = max(took[i], e.Took.Seconds())
			}
		}
	}
	var on [bins]float64
	least := 1.0
	for i := range bins {
		on[i] = 1
		if due[i] > 0 {
			on[i] = min(1, with[i]/due[i])
			if i > bins/50 { // the first connections come one after another
				least = min(least, on[i])
			}
		}
	}
	return []Curve{
		c.curve("on air with a connection", fmt.Sprintf("share of those who should be; at the lowest %.0f %%", 100*least), on[:], 1, "connected"),
		c.curve("attempts to connect, top "+peak(tries[:], func(v float64) string { return number(int(v)) }), "by when they were over", tries[:], 0, "tries"),
		c.curve("slowest taken, top "+peak(took[:], func(v float64) string { return span(floatSeconds(v)) }), "how long the slowest acceptance of each moment took", took[:], 0, "took"),
	}
}

func (c *canvas) bin(i int) time.Duration { return time.Duration(i) * c.end / bins }

// share is the part of a stretch that a broadcaster had a connection.
func (t *airtime) share(from, to time.Duration) float64 {
	from, to = max(from, t.onAir), min(to, t.ends)
	var sum time.Duration
	for _, w := range t.with {
		sum += max(0, min(w.to, to)-max(w.from, from))
	}
	if to <= from {
		return 1
	}
	return float64(sum) / float64(to-from)
}

func peak(vs []float64, spell func(float64) string) string {
	top := 0.0
	for _, v := range vs {
		top = max(top, v)
	}
	return spell(top)
}

// curve draws values; top 0 is the highest of them.
func (c *canvas) curve(label, title string, vs []float64, top float64, class string) Curve {
	for _, v := range vs {
		top = max(top, v)
	}
	top = max(top, 1e-9)
	y := func(v float64) float64 { return float64(curveHeight) * (1 - v/top) }
	var b strings.Builder
	fmt.Fprintf(&b, "%d,%d", chartGutter, curveHeight)
	for i, v := range vs {
		fmt.Fprintf(&b, " %.1f,%.1f %.1f,%.1f", c.x(c.bin(i)), y(v), c.x(c.bin(i+1)), y(v))
	}
	fmt.Fprintf(&b, " %d,%d", chartGutter+int(chartWidth), curveHeight)
	return Curve{Label: label, Title: label + ": " + title, Points: b.String(), Class: class, H: curveHeight}
}
