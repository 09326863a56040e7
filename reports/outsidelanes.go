package reports

import (
	"time"

	"deadair/harness/history"
)

// listening are lanes of what each listener heard, and when he heard nothing. Stretches
// that follow one another and are alike are one.
func (c *canvas) listening(es []history.Event) []Lane {
	lanes := map[string]*Lane{}
	until := map[string]time.Duration{} // the end of a listener's last bar
	for _, e := range es {
		from := e.At - e.Took
		if e.Kind != history.Listened || from >= c.end || !e.OK && e.Class == "ok" {
			continue
		}
		if lanes[e.Node] == nil {
			lanes[e.Node] = &Lane{Label: e.Node}
		}
		b := c.bar(from, e.At, "healthy", c.between(from, e.At)+": hears what "+e.Peer+" delivers")
		if !e.OK {
			b = c.bar(from, e.At, "dead", c.between(from, e.At)+": "+sentence(e, ""))
		}
		l := lanes[e.Node]
		if last := len(l.Bars) - 1; last >= 0 && e.OK && l.Bars[last].Class == b.Class && from-until[e.Node] < time.Second {
			l.Bars[last].W = b.X + b.W - l.Bars[last].X
		} else {
			l.Bars = append(l.Bars, b)
		}
		until[e.Node] = e.At
	}
	var all []Lane
	for _, v := range c.plan.Visitors {
		if l := lanes[v.Name]; l != nil {
			all = append(all, *l)
		}
	}
	return all
}

// asking are lanes of the requests of each group of visitors, or of apps, that were in vain.
func (c *canvas) asking(es []history.Event) []Lane {
	of := map[string]string{}
	for _, v := range c.plan.Visitors {
		of[v.Name] = v.Group
	}
	for _, b := range c.plan.Broadcasters {
		of[b.Name] = b.Group
	}
	var all []Lane
	lanes := map[string]int{}
	for _, e := range es {
		if e.Kind != history.Requested || e.Class == "ok" || e.At >= c.end {
			continue
		}
		group := of[e.Node]
		if _, known := lanes[group]; !known {
			lanes[group] = len(all)
			all = append(all, Lane{Label: group})
		}
		l := &all[lanes[group]]
		l.Marks = append(l.Marks, c.mark(e.At, "refused", e.Node+" "+sentence(e, "")))
	}
	return all
}
