package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"deadair/harness/history"
)

// bands are the steps behind all lanes.
func (c *canvas) bands(steps []act) (lasting []Bar, over []Mark) {
	for _, a := range steps {
		if a.began < 0 || a.operator() {
			continue
		}
		from, to := a.span(c.end)
		title := a.ID + ": " + a.Sentence()
		if a.instantaneous() {
			over = append(over, c.mark(from, "over", title))
			continue
		}
		b := c.bar(from, to, "band", title)
		lasting = append(lasting, b)
	}
	return lasting, thinMarks(over, maxLanes)
}

// steps are lanes of the steps as they really began and ended. One that comes again is on
// one lane each time.
func (c *canvas) steps(steps []act) []Lane {
	var all []Lane
	lanes := map[string]int{} // of steps that come again
	for _, a := range steps {
		from, to := a.span(c.end)
		class := "fault"
		switch {
		case a.idle():
			class = "idle"
		case a.operator():
			class = "act"
		}
		title := a.Sentence() + "; " + a.reach()
		first := cmp.Or(a.Repeats, a.ID)
		if _, known := lanes[first]; !known {
			lanes[first] = len(all)
			all = append(all, Lane{Label: first + " " + a.Do, Title: a.ID + ": " + title})
		}
		l := &all[lanes[first]]
		if a.instantaneous() {
			l.Marks = append(l.Marks, c.mark(from, class, title))
			continue
		}
		b := c.bar(from, to, class, c.between(from, to)+": "+title)
		if a.idle() && b.W > textRoom {
			b.Text = a.reach()
		}
		l.Bars = append(l.Bars, b)
	}
	return all
}

// down are lanes of nodes that ended, for as long as they were gone.
func (c *canvas) down(es []history.Event) []Lane {
	var all []Lane
	lanes := map[string]int{}
	since := map[string]history.Event{}
	show := func(n string, to time.Duration) {
		ended := since[n]
		delete(since, n)
		title := n + " was " + ended.Class
		l := &all[lanes[n]]
		if to-ended.At < c.time(leastBar) {
			l.Marks = append(l.Marks, c.mark(ended.At, "gone", fmt.Sprintf("%s, back after %s", title, span(to-ended.At))))
			return
		}
		l.Bars = append(l.Bars, c.bar(ended.At, to, "down", c.between(ended.At, to)+": "+title))
	}
	for _, e := range es {
		_, gone := since[e.Subject]
		switch {
		case e.At >= c.end:
		case e.Kind == history.NodeEnded && !gone:
			if _, known := lanes[e.Subject]; !known {
				lanes[e.Subject] = len(all)
				all = append(all, Lane{Label: e.Subject})
			}
			since[e.Subject] = e
		case e.Kind == history.NodeReady && gone:
			show(e.Subject, e.At)
		}
	}
	for _, l := range slices.Clone(all) {
		if _, gone := since[l.Label]; gone {
			show(l.Label, c.end)
		}
	}
	return all
}

// votes are lanes of the balancers that the page tells of, and of those whose health changed.
func (c *canvas) votes(books []*ledger, served []Served) []Lane {
	var all []Lane
	for _, b := range books {
		told := slices.ContainsFunc(served, func(s Served) bool { return s.Balancer == b.balancer })
		if !told && len(b.voted) == 1 {
			continue
		}
		l := Lane{Label: b.balancer}
		for i, v := range b.voted {
			to := c.end
			if i+1 < len(b.voted) {
				to = b.voted[i+1].at
			}
			if to > 0 && v.at < c.end {
				class := []string{"unhealthy", "healthy"}[v.n]
				l.Bars = append(l.Bars, c.bar(v.at, to, class, c.between(v.at, to)+": "+b.balancer+" is "+healthWord(v.n == 1)))
			}
		}
		all = append(all, l)
	}
	return all
}

// answers are lanes of what DNS said to clients near each datacenter.
func (c *canvas) answers(es []history.Event) []Lane {
	var all []Lane
	for _, dc := range c.plan.System.Datacenters {
		l := Lane{Label: dc.Name}
		own := balancers(dc)
		said, from := history.Event{Hosts: own}, time.Duration(0)
		add := func(to time.Duration) {
			if to <= from {
				return
			}
			class, word := answerClass(said, dc.Name, len(own))
			title := c.between(from, to) + ": " + word + ": " + strings.Join(said.Hosts, ", ")
			l.Bars = append(l.Bars, c.bar(from, to, class, title))
		}
		for _, e := range es {
			if e.Kind == history.AnswerChanged && e.Subject == dc.Name && e.At < c.end {
				add(e.At)
				said, from = e, max(e.At, 0)
			}
		}
		add(c.end)
		all = append(all, l)
	}
	return all
}

// answerClass tells what kind of answer a region is given.
func answerClass(said history.Event, region string, full int) (class, word string) {
	near := 0
	for _, h := range said.Hosts {
		near += bit(strings.HasPrefix(h, region+"/"))
	}
	switch {
	case said.Class == "fail-open":
		return "answer-open", "nothing is healthy, so everything is answered"
	case len(said.Hosts) == 0:
		return "answer-none", "nothing is answered"
	case near == 0:
		return "answer-far", "another datacenter"
	case near < full:
		return "answer-part", "some balancers of its own"
	}
	return "answer", "all balancers of its own"
}
