package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Space is the spacetime diagram of one broadcaster: who it is on the left, whom it
// dealt with to the right, time going down, each message an arrow.
type Space struct {
	Name, Note    string
	Open          bool // it is what a reader of a failure needs
	Width, Height float64
	Columns       []Column
	Times         []Moment
	Faults        []Moment
	Holds         []Stay  // connections, and shows on disks
	Arrows        []Arrow // messages
	More          int     // messages left out
}

// Column is a host of the diagram.
type Column struct {
	X     float64
	Label string
}

// Moment is a labelled instant.
type Moment struct {
	Y            float64
	Label, Title string
	Gap          bool // time was left out before it
}

// Stay is a stretch of time at a host.
type Stay struct {
	X, From, To  float64
	Class, Title string
}

// Arrow is a message that went, or was lost on its way.
type Arrow struct {
	X1, Y1, X2, Y2 float64
	Class          string // ok, bad, told
	Title          string
	Lost           bool // it has a cross at its end
}

// Limits of the diagrams.
const (
	maxSpaces   = 8
	maxMessages = 60
	spaceWidth  = 900.0
	spaceLeft   = 150.0
	spaceTop    = 46.0
	spaceLeast  = 17.0 // between two instants
)

// message is something that a broadcaster sent, or was told.
type message struct {
	from, to time.Duration
	peer     string
	recorder string // that accepted it
	e        history.Event
}

// spaces draws the broadcasters that a reader will ask for: those of findings, those
// with the most dead air, one of each group.
func (s story) spaces(tapes map[string]*tape) []Space {
	var names []string
	add := func(name string, most int) {
		if len(names) < most && tapes[name] != nil && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, pr := range s.v.Properties {
		if pr.Result != check.Pass && len(pr.Findings) > 0 {
			add(pr.Findings[0].Subject, maxSpaces/2)
		}
	}
	for _, d := range worstFirst(s.v.Dead) {
		if d.Total > 0 {
			add(d.Broadcaster, maxSpaces/2)
		}
	}
	for _, cast := range casts(s.plan) {
		add(cast[0].Name, maxSpaces)
	}
	var all []Space
	bad := slices.ContainsFunc(s.v.Properties, func(pr check.Property) bool { return pr.Result == check.Fail })
	for _, n := range names {
		i := slices.IndexFunc(s.plan.Broadcasters, func(b scenario.Broadcaster) bool { return b.Name == n })
		all = append(all, s.space(s.plan.Broadcasters[i], tapes[n]))
		all[0].Open = bad
	}
	return all
}

// messages reads what a broadcaster sent and was told.
func messages(b scenario.Broadcaster, t *tape) (all []message, onAir time.Duration) {
	onAir = b.OnAir
	for _, e := range t.own {
		switch e.Kind {
		case history.OnAir:
			onAir = e.At
		case history.Resolved:
			all = append(all, message{from: e.At, to: e.At, peer: "DNS", e: e})
		case history.Attempt:
			m := message{from: e.At - e.Took, to: e.At, peer: e.Peer, e: e}
			if e.Class == "accepted" {
				m.recorder = holder(t, e.Frame)
			}
			all = append(all, m)
		case history.Lost, history.GaveUp:
			all = append(all, message{from: e.At, to: e.At, peer: e.Peer, e: e})
		}
	}
	return all, onAir
}

// holder is the recorder with the first frame on disk from a number on.
func holder(t *tape, frame int64) string {
	best, name := int64(math.MaxInt64), ""
	for _, e := range t.found {
		for _, r := range e.Ranges {
			if first := max(r.From, frame); r.To >= frame && first < best {
				best, name = first, e.Node
			}
		}
	}
	return name
}

// space draws one broadcaster.
func (s story) space(b scenario.Broadcaster, t *tape) Space {
	all, onAir := messages(b, t)
	x := Space{Name: b.Name, Note: fmt.Sprintf("%s from %s, nearest %s", b.Persona, b.Whence(), b.Nearest), Width: spaceWidth}
	if len(all) > maxMessages {
		x.More = len(all) - maxMessages
		all = all[:maxMessages]
	}
	g := newGrid(s, b, all, t)
	for _, c := range g.order {
		x.Columns = append(x.Columns, Column{g.x[c], c})
	}
	x.Times, x.Faults, x.Height = g.times, g.faults, g.height
	x.Holds = g.holds(s, b, t, all, onAir)
	for _, m := range all {
		x.Arrows = append(x.Arrows, g.arrows(s.plan, b, m)...)
	}
	return x
}

// grid gives hosts and instants their places in a diagram.
type grid struct {
	x      map[string]float64
	order  []string
	at     []time.Duration // sorted
	y      []float64
	times  []Moment
	faults []Moment
	height float64
}

func newGrid(s story, b scenario.Broadcaster, all []message, t *tape) *grid {
	g := &grid{x: map[string]float64{}}
	g.hosts(b, all, t)
	g.at = []time.Duration{b.OnAir}
	end := b.OffAir
	for _, m := range all {
		g.at = append(g.at, m.from, m.to)
	}
	if len(all) == maxMessages {
		end = all[len(all)-1].to
	}
	var steps []act
	for _, a := range s.steps {
		if a.began >= 0 && a.began <= end && g.concerns(a) {
			steps = append(steps, a)
			g.at = append(g.at, a.began)
		}
	}
	g.at = append(g.at, end)
	slices.Sort(g.at)
	g.at = slices.Compact(g.at)
	g.place(s.plan)
	g.mark(steps)
	return g
}

// place gives each instant its height: the longer the time before it the more, but
// never as much as it lasted.
func (g *grid) place(p *scenario.Plan) {
	y := spaceTop
	for i, at := range g.at {
		gap := time.Duration(0)
		if i > 0 {
			gap = at - g.at[i-1]
			y += min(spaceLeast*4, 3+spaceLeast*math.Log2(1+gap.Seconds()))
		}
		g.y = append(g.y, y)
		if n := len(g.times); n == 0 || y-g.times[n-1].Y >= spaceLeast-4 {
			g.times = append(g.times, Moment{Y: y, Label: instant(p, at), Gap: gap > 20*time.Second})
		}
	}
	g.height = y + 24
}

// mark labels the steps; those that would stand on one another share a line.
func (g *grid) mark(steps []act) {
	for _, a := range steps {
		m := Moment{Y: g.of(a.began), Label: a.ID + " " + a.Do, Title: sentenceCase(deed(a.Step))}
		if n := len(g.faults); n > 0 && m.Y-g.faults[n-1].Y < 11 {
			g.faults[n-1].Label, g.faults[n-1].Title = g.faults[n-1].Label+", "+m.Label, g.faults[n-1].Title+" "+m.Title
			continue
		}
		g.faults = append(g.faults, m)
	}
}

// hosts gives each host a column: the client, DNS, balancers, recorders.
func (g *grid) hosts(b scenario.Broadcaster, all []message, t *tape) {
	g.order = []string{b.Name, "DNS"}
	var recorders []string
	for _, m := range all {
		if m.peer != "" && !slices.Contains(g.order, m.peer) {
			g.order = append(g.order, m.peer)
		}
	}
	for _, e := range t.found {
		if !slices.Contains(recorders, e.Node) {
			recorders = append(recorders, e.Node)
		}
	}
	slices.Sort(g.order[2:])
	slices.Sort(recorders)
	g.order = append(g.order, recorders...)
	step := (spaceWidth - spaceLeft - 200) / float64(max(1, len(g.order)-1))
	for i, c := range g.order {
		g.x[c] = spaceLeft + 50 + float64(i)*step
	}
}

// concerns tells whether a step is on one of the diagram's hosts.
func (g *grid) concerns(a act) bool {
	return !a.operator() && slices.ContainsFunc(slices.Concat(a.Nodes, a.From, a.To, a.Who), func(n string) bool { return g.x[n] > 0 })
}

// of is an instant's place.
func (g *grid) of(at time.Duration) float64 {
	i, _ := slices.BinarySearch(g.at, at)
	switch {
	case i == 0:
		return g.y[0]
	case i == len(g.at):
		return g.y[len(g.y)-1]
	}
	part := float64(at-g.at[i-1]) / float64(g.at[i]-g.at[i-1])
	return g.y[i-1] + part*(g.y[i]-g.y[i-1])
}

// shortHost is a host's name as a column has it, in two lines at most.
func shortHost(name string) []string {
	site, node, ok := strings.Cut(name, "/")
	if !ok {
		return []string{fitted(name)}
	}
	return []string{fitted(site), fitted(node)}
}

// Lines are the lines of a column's label.
func (c Column) Lines() []string { return shortHost(c.Label) }
