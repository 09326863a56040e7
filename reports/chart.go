package reports

import (
	"fmt"
	"time"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Chart is the timeline: lanes over one axis. Lengths are in units of the
// drawing; time runs over chartWidth of them.
type Chart struct {
	Width, Height int
	Top           int // below the axis
	Gutter        int // left of the axis, for labels
	Ticks         []Tick
	Bands         []Bar  // faults that last, across all lanes
	Instants      []Mark // faults that are over at once, across all lanes
	Curves        []Curve
	Groups        []Group
	Clock         string  // the time map: run seconds and incident seconds of each stretch
	Wall          string  // seconds since 1970 at the incident's zero; empty: it has no clock
	End           float64 // seconds of the run
	Keys          []Key   // which colour is which recorder
}

// Group is lanes that belong together.
type Group struct {
	Title string
	Y     int
	Lanes []Lane
}

// Lane is one line of the timeline.
type Lane struct {
	Label, Title string // Label is short enough for the gutter
	Y, H         int
	Bars         []Bar
	Marks        []Mark
}

// Bar is a stretch of time on a lane.
type Bar struct {
	X, W               float64
	Class, Title, Text string // Text stands inside
	joined             int    // further stretches drawn as one with it
}

// TextX is where the text of a bar begins.
func (b Bar) TextX() float64 { return b.X + 5 }

// Mark is an instant on a lane.
type Mark struct {
	X            float64
	Class, Title string
	joined       int
}

// Diamond tells whether a mark is drawn as one, and not as a line.
func (m Mark) Diamond() bool { return m.Class == "fault" || m.Class == "act" || m.Class == "idle" }

// Key explains a colour.
type Key struct{ Class, Name string }

const (
	chartWidth  = 1000
	chartGutter = 216
	chartRight  = 14
	laneHeight  = 13
	axisHeight  = 22
	groupHead   = 22
	maxLanes    = 40  // of a group
	maxShows    = 200 // lanes of broadcasters in all
	maxInLane   = 5000
	leastInLane = 24
)

// canvas turns times into places.
type canvas struct {
	plan *scenario.Plan
	end  time.Duration
	y    int
	most int // bars or marks that one lane may have
}

func (c *canvas) x(at time.Duration) float64 {
	at = min(max(at, 0), c.end)
	return chartGutter + chartWidth*float64(at)/float64(c.end)
}

// leastBar is the width of what is too short to be seen.
const leastBar = 1.2

func (c *canvas) bar(from, to time.Duration, class, title string) Bar {
	x := c.x(from)
	w := max(c.x(to)-x, leastBar)
	return Bar{X: min(x, chartGutter+chartWidth-w), W: w, Class: class, Title: title}
}

func (c *canvas) mark(at time.Duration, class, title string) Mark {
	return Mark{X: c.x(at), Class: class, Title: instant(c.plan, at) + " " + title}
}

// between spells a stretch of time for a title.
func (c *canvas) between(from, to time.Duration) string {
	if to >= c.end {
		return instant(c.plan, max(from, 0)) + " to the end"
	}
	return instant(c.plan, max(from, 0)) + " to " + instant(c.plan, to)
}

// chart draws the timeline.
func chart(p *scenario.Plan, es []history.Event, v check.Verdict, steps []act, books []*ledger, served []Served) Chart {
	shows := min(len(p.Broadcasters), maxShows)
	c := &canvas{plan: p, end: max(p.End, time.Second), y: axisHeight, most: max(leastInLane, maxInLane/max(shows, 1))}
	out := Chart{Width: chartGutter + chartWidth + chartRight, Top: axisHeight - 4, Gutter: chartGutter, Ticks: c.ticks()}
	out.Bands, out.Instants = c.bands(steps)
	out.Clock, out.Wall, out.End = c.timeMap(), c.zero(), c.end.Seconds()
	for _, k := range c.curves(es) {
		k.Y = c.y + 4
		c.y += curveHeight + 8
		out.Curves = append(out.Curves, k)
	}
	out.add(c, "Steps, as they began and ended", c.steps(steps))
	out.add(c, "Nodes that were down", c.down(es))
	out.add(c, "Health by the checkers' vote", c.votes(books, served))
	out.add(c, "DNS answers near", c.answers(es))
	for _, s := range served[:min(len(served), maxBooks)] {
		out.add(c, "What was said of "+s.Balancer+", and what it did", c.service(s))
	}
	out.add(c, "Requests of visitors and apps in vain", c.asking(es))
	out.add(c, "What listeners heard", c.listening(es))
	paint := newPalette(p)
	for _, g := range c.groups(es, v, paint) {
		out.add(c, g.Title, g.Lanes)
	}
	out.Keys = paint.used()
	out.Height = c.y + 6
	return out
}

// add gives lanes their place below what is there already.
func (ch *Chart) add(c *canvas, title string, lanes []Lane) {
	if len(lanes) == 0 {
		return
	}
	if more := len(lanes) - maxLanes; more > 0 {
		lanes = lanes[:maxLanes]
		title += fmt.Sprintf(" (%s more left out)", number(more))
	}
	g := Group{Title: title, Y: c.y + 15}
	c.y += groupHead
	for _, l := range lanes {
		l.Y, l.H = c.y, laneHeight-2
		if l.Title == "" {
			l.Title = l.Label
		}
		l.Label = fitted(l.Label)
		l.Bars, l.Marks = thinBars(l.Bars, c.most), thinMarks(l.Marks, c.most)
		c.y += laneHeight
		g.Lanes = append(g.Lanes, l)
	}
	ch.Groups = append(ch.Groups, g)
}

// maxLabel is how many characters the gutter holds.
const maxLabel = 32

// fitted cuts the middle out of a long label: names differ at their ends.
func fitted(s string) string {
	r := []rune(s)
	if len(r) <= maxLabel {
		return s
	}
	return string(r[:maxLabel/2-1]) + "…" + string(r[len(r)-maxLabel/2:])
}
