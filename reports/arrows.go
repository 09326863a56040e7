package reports

import (
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// arrows are a message, and the answer or the way on from there.
func (g *grid) arrows(p *scenario.Plan, b scenario.Broadcaster, m message) []Arrow {
	client, peer := g.x[b.Name], g.x[m.peer]
	y1, y2 := g.of(m.from), g.of(m.to)
	title := instant(p, m.e.At) + " " + sentence(m.e, "")
	switch {
	case m.e.Kind == history.Resolved:
		title = instant(p, m.e.At) + " is told of " + few(m.e.Hosts)
		return []Arrow{{X1: peer, Y1: y1, X2: client, Y2: y1, Class: "told", Title: title}}
	case m.e.Kind == history.Lost:
		return []Arrow{{X1: peer, Y1: y1, X2: client, Y2: y1, Class: "bad", Title: title, Lost: true}}
	case m.e.Kind == history.GaveUp:
		return []Arrow{{X1: client, Y1: y1, X2: client, Y2: y1, Class: "bad", Title: title, Lost: true}}
	case peer == 0: // the name did not resolve
		return []Arrow{{X1: client, Y1: y1, X2: g.x["DNS"], Y2: y2, Class: "bad", Title: title, Lost: true}}
	case m.e.Class != "accepted":
		return []Arrow{{X1: client, Y1: y1, X2: peer, Y2: y2, Class: "bad", Title: title, Lost: true}}
	}
	there := Arrow{X1: client, Y1: y1, X2: peer, Y2: (y1 + y2) / 2, Class: "ok", Title: title}
	if m.recorder == "" {
		return []Arrow{there}
	}
	return []Arrow{there, {X1: peer, Y1: (y1 + y2) / 2, X2: g.x[m.recorder], Y2: y2, Class: "ok", Title: "taken on by " + m.recorder}}
}

// holds are the times in which the broadcaster had a connection, and in which a
// recorder has its show on disk.
func (g *grid) holds(s story, b scenario.Broadcaster, t *tape, all []message, onAir time.Duration) []Stay {
	var stays []Stay
	last := g.at[len(g.at)-1]
	since := time.Duration(-1)
	for _, m := range all {
		switch {
		case m.e.Kind == history.Attempt && m.e.Class == "accepted":
			since = m.to
		case m.e.Kind == history.Lost && since >= 0:
			stays = append(stays, Stay{g.x[b.Name], g.of(since), g.of(m.to), "held", "on air with a connection"})
			since = -1
		}
	}
	if since >= 0 {
		stays = append(stays, Stay{g.x[b.Name], g.of(since), g.of(last), "held", "on air with a connection"})
	}
	paint := newPalette(s.plan)
	frame := frameOf(b)
	for _, e := range t.found {
		for _, r := range e.Ranges {
			from, to := onAir+time.Duration(r.From)*frame, onAir+time.Duration(r.To+1)*frame
			if from < last {
				stays = append(stays, Stay{g.x[e.Node], g.of(from), g.of(min(to, last)), paint.of(e.Node), e.Node + " has it on disk, " + instant(s.plan, from) + " to " + instant(s.plan, to)})
			}
		}
	}
	return stays
}
