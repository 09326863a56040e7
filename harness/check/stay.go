package check

import (
	"cmp"
	"slices"
	"time"

	"deadair/harness/history"
)

// stay is the time that one connection of a show was on a recorder: from when its
// balancer accepted it to the last frame of it on that disk.
type stay struct {
	show     *show
	accepted int // event
	balancer string
	recorder string
	from, to time.Duration
	sticky   bool // the show had been on that recorder before
}

// stays lists a show's connections, by time. One of which no disk has a frame is left out.
func (e *evidence) stays(s *show) []stay {
	var all []stay
	for i, a := range s.accepted() {
		last := s.produced - 1
		if next := s.accepted()[i+1:]; len(next) > 0 {
			last = e.events[next[0]].Frame - 1
		}
		ev := e.events[a]
		one := stay{show: s, accepted: a, balancer: ev.Peer, from: ev.At}
		for _, p := range s.pieces {
			if p.to < ev.Frame || p.from > last {
				continue
			}
			one.recorder = cmp.Or(one.recorder, p.writer.recorder)
			if p.writer.recorder == one.recorder {
				one.to = max(one.to, s.at(min(p.to, last)))
			}
		}
		if one.recorder == "" || one.to <= one.from {
			continue
		}
		one.sticky = slices.ContainsFunc(all, func(before stay) bool { return before.recorder == one.recorder })
		all = append(all, one)
	}
	return all
}

// accepted lists the events with which a show's connections began.
func (s *show) accepted() []int {
	var all []int
	for _, i := range s.own {
		if ev := s.events[i]; ev.Kind == history.Attempt && ev.Class == "accepted" {
			all = append(all, i)
		}
	}
	return all
}

// crowd is how many shows a recorder had from an instant on.
type crowd struct {
	at    time.Duration
	shows int
	stay  stay // that began or ended then
}

// crowds counts the shows on each recorder. At one instant those that leave go first.
func (e *evidence) crowds() map[string][]crowd {
	type edge struct {
		crowd
		ends bool
	}
	edges := map[string][]edge{}
	for _, s := range e.shows {
		for _, one := range e.stays(s) {
			edges[one.recorder] = append(edges[one.recorder], edge{crowd{at: one.from, stay: one}, false}, edge{crowd{at: one.to, stay: one}, true})
		}
	}
	all := map[string][]crowd{}
	for recorder, list := range edges {
		slices.SortStableFunc(list, func(a, b edge) int {
			switch {
			case a.at != b.at || a.ends == b.ends:
				return cmp.Compare(a.at, b.at)
			case a.ends:
				return -1
			}
			return 1
		})
		n := 0
		for _, one := range list {
			if one.ends {
				n--
			} else {
				n++
			}
			one.shows = n
			all[recorder] = append(all[recorder], one.crowd)
		}
	}
	return all
}

// capacity is how many sources a recorder has places for.
func (e *evidence) capacity(recorder string) int {
	for _, dc := range e.plan.System.Datacenters {
		if dc.Name == datacenter(recorder) {
			return dc.Capacity
		}
	}
	return 0
}

// most is the largest number of shows in a stretch.
func most(crowds []crowd, from, to time.Duration) int {
	n, now := 0, 0
	for _, c := range crowds {
		if c.at <= from {
			now = c.shows
			continue
		}
		if c.at > to {
			break
		}
		n = max(n, c.shows)
	}
	return max(n, now)
}
