package reports

import "fmt"

// maxBooks is how many balancers have lanes of what they did.
const maxBooks = 3

// quorum is the share of checkers, in percent, above which Route 53 calls a record healthy.
const quorum = 18

// service are lanes of one balancer: what was said of it over what it did.
func (c *canvas) service(s Served) []Lane {
	took, missed := Lane{Label: "attempts served"}, Lane{Label: "attempts not served"}
	for _, e := range s.book.tries {
		title := e.Node + " " + sentence(e, "")
		if e.Class == "accepted" {
			took.Marks = append(took.Marks, c.mark(e.At, "served", title))
		} else {
			missed.Marks = append(missed.Marks, c.mark(e.At, "refused", title))
		}
	}
	all := []Lane{c.said(s.book), took, missed}
	if s.Watched {
		l := Lane{Label: "its own dials to Redis"}
		for _, e := range s.book.dials {
			l.Marks = append(l.Marks, c.mark(e.At, "dial", sentence(e, "")))
		}
		all = append(all, l)
	}
	if s.Witness {
		l := Lane{Label: "fresh writes to Redis beside it"}
		for _, e := range s.book.asks {
			class := "unanswered"
			if e.OK {
				class = "answered"
			}
			l.Marks = append(l.Marks, c.mark(e.At, class, sentence(e, "")))
		}
		all = append(all, l)
	}
	return all
}

// said is the lane of how many checkers called a balancer healthy.
func (c *canvas) said(b *ledger) Lane {
	l := Lane{Label: "checkers: healthy"}
	for i, g := range b.green {
		to := c.end
		if i+1 < len(b.green) {
			to = b.green[i+1].at
		}
		if to <= 0 || g.at >= c.end || to == g.at {
			continue
		}
		class := "healthy"
		if g.n*100 <= quorum*b.checkers {
			class = "unhealthy"
		}
		words := fmt.Sprintf("%d of %d", g.n, b.checkers)
		bar := c.bar(g.at, to, class, c.between(g.at, to)+": "+words+" checkers call it healthy")
		if bar.W > textRoom {
			bar.Text = words
		}
		l.Bars = append(l.Bars, bar)
	}
	return l
}
