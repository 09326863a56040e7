package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// textRoom is how many units a text inside a bar needs.
const textRoom = 90

// palette gives each recorder a colour.
type palette struct {
	classes map[string]string
	order   []string
	seen    map[string]bool
}

func newPalette(p *scenario.Plan) *palette {
	c := &palette{classes: map[string]string{}, seen: map[string]bool{}}
	for d, dc := range p.System.Datacenters {
		for i := range dc.Recorders {
			n := fmt.Sprintf("%s/recorder-%d", dc.Name, i+1)
			c.order = append(c.order, n)
			c.classes[n] = fmt.Sprintf("rec r%d%d", d%4, i%3)
		}
	}
	return c
}

// of is a recorder's colour.
func (c *palette) of(recorder string) string {
	c.seen[recorder] = true
	return cmp.Or(c.classes[recorder], "rec")
}

// used lists the colours that were drawn.
func (c *palette) used() []Key {
	var keys []Key
	for _, n := range c.order {
		if c.seen[n] {
			keys = append(keys, Key{c.classes[n], n})
		}
	}
	return keys
}

// tape is one broadcaster's part of a history.
type tape struct {
	own   []history.Event // what it told
	found []history.Event // what of it is on disks
}

// tapes sorts a history by broadcaster.
func tapes(p *scenario.Plan, es []history.Event) map[string]*tape {
	all := map[string]*tape{}
	for _, b := range p.Broadcasters {
		all[b.Name] = &tape{}
	}
	for _, e := range es {
		if t := all[e.Node]; t != nil {
			t.own = append(t.own, e)
		}
		if t := all[e.Subject]; t != nil && e.Kind == history.SegmentFound {
			t.found = append(t.found, e)
		}
	}
	return all
}

// groups are the lanes of the broadcasters: what is on whose disk, and dead air.
// Of a large group those with the most dead air are drawn.
func (c *canvas) groups(es []history.Event, v check.Verdict, paint *palette) []Group {
	dead := map[string]check.Dead{}
	for _, d := range v.Dead {
		dead[d.Broadcaster] = d
	}
	by := tapes(c.plan, es)
	var all []Group
	left := maxShows
	for _, cast := range casts(c.plan) {
		n := min(len(cast), maxLanes, left)
		title := "Broadcasters of " + cast[0].Group
		if n < len(cast) {
			slices.SortStableFunc(cast, func(a, b scenario.Broadcaster) int { return cmp.Compare(dead[b.Name].Total, dead[a.Name].Total) })
			title += fmt.Sprintf(": %s with the most dead air; %s of %s left out", number(n), number(len(cast)-n), number(len(cast)))
		}
		g := Group{Title: title}
		for _, b := range cast[:n] {
			g.Lanes = append(g.Lanes, c.show(b, by[b.Name], dead[b.Name], paint))
		}
		left -= n
		if n == 0 {
			g.Lanes = []Lane{{Label: "all left out"}}
		}
		if len(all) < maxLanes {
			all = append(all, g)
		}
	}
	return all
}

// casts are the broadcasters by group, in the plan's order.
func casts(p *scenario.Plan) [][]scenario.Broadcaster {
	var all [][]scenario.Broadcaster
	at := map[string]int{}
	for _, b := range p.Broadcasters {
		i, ok := at[b.Group]
		if !ok {
			i = len(all)
			at[b.Group] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], b)
	}
	return all
}

func (c *canvas) show(b scenario.Broadcaster, t *tape, dead check.Dead, paint *palette) Lane {
	l := Lane{Label: b.Name, Title: b.Name + ", " + b.Persona + " from " + b.Whence()}
	onAir := b.OnAir
	for _, e := range t.own {
		switch {
		case e.Kind == history.OnAir:
			onAir = e.At
		case e.Kind == history.Attempt && e.Class != "accepted":
			l.Marks = append(l.Marks, c.mark(e.At, "refused", sentence(e, "")))
		case e.Kind == history.Lost:
			l.Marks = append(l.Marks, c.mark(e.At, "lost", sentence(e, "")))
		case e.Kind == history.GaveUp:
			l.Marks = append(l.Marks, c.mark(e.At, "gave-up", sentence(e, "")))
		}
	}
	for _, k := range stretches(t.found, onAir, frameOf(b)) {
		title := c.between(k.from, k.to) + ": " + b.Name + " is on the disk of " + k.recorder
		if k.holes {
			title += ", but for the dead air drawn over it"
		}
		bar := c.bar(k.from, k.to, paint.of(k.recorder), title)
		if bar.W > textRoom {
			bar.Text = fitted(strings.Replace(k.recorder, "/recorder-", " ", 1))
		}
		l.Bars = append(l.Bars, bar)
	}
	for _, g := range dead.Gaps {
		l.Bars = append(l.Bars, c.bar(g.From, g.To, "dead", fmt.Sprintf("dead air at %s for %s%s", instant(c.plan, g.From), span(g.Length()), cause(g))))
	}
	return l
}

// kept is a stretch of a show on a recorder's disk.
type kept struct {
	from, to time.Duration
	recorder string
	holes    bool // not all of it
}

// stretches joins what is on disk into as few pieces as possible, in order of
// time. Holes within one recorder's piece are drawn over as dead air.
func stretches(found []history.Event, onAir, frame time.Duration) []kept {
	var all []kept
	for _, e := range found {
		for _, r := range e.Ranges {
			all = append(all, kept{onAir + time.Duration(r.From)*frame, onAir + time.Duration(r.To+1)*frame, e.Node, false})
		}
	}
	slices.SortStableFunc(all, func(a, b kept) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var joined []kept
	for _, k := range all {
		if n := len(joined) - 1; n >= 0 && joined[n].recorder == k.recorder {
			joined[n].holes = joined[n].holes || k.from > joined[n].to
			joined[n].to = max(joined[n].to, k.to)
			continue
		}
		joined = append(joined, k)
	}
	return joined
}

// frameOf is how long one frame of a broadcaster lasts.
func frameOf(b scenario.Broadcaster) time.Duration {
	if b.Bitrate == 128_000 {
		return 24 * time.Millisecond
	}
	return 72 * time.Millisecond
}
