package check

import (
	"fmt"
	"time"

	"deadair/harness/history"
)

// track judges the tracks of a show: frames in order, and what is missing listed.
func (e *evidence) track(o *opinion, s *show) {
	for _, i := range s.found {
		ev := e.events[i]
		if ev.Bad > 0 {
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("%s in the store holds %d pieces that are no frames of its show", ev.File, ev.Bad), Subject: s.plan.Name, At: ev.At, Events: []int{i},
			})
		}
		for j := 1; j < len(ev.Ranges); j++ {
			before, next := ev.Ranges[j-1], ev.Ranges[j]
			if next.From <= before.To {
				o.fails = append(o.fails, Finding{
					Sentence: fmt.Sprintf("%s in the store has frame %d of %s after frame %d", ev.File, next.From, s.plan.Name, before.To),
					Subject:  s.plan.Name, At: s.at(next.From), Events: []int{i},
				})
				continue
			}
			if lost := s.at(next.From) - s.at(before.To+1); !e.listed(ev, lost) {
				o.slow = append(o.slow, Finding{
					Sentence: fmt.Sprintf("%s in the store lacks %s of %s (frames %d to %d), and its record lists no gap like that", ev.File, secs(lost), s.plan.Name, before.To+1, next.From-1),
					Subject:  s.plan.Name, At: s.at(before.To + 1), Events: []int{i},
				})
			}
		}
	}
}

// clocks is how far a gap's length in a record may be off: it is what the recorders saw,
// not what the broadcaster did, and by their own clocks.
const clocks = 2 * time.Second

// listed tells whether a track's record lists a gap of about a length. What is shorter
// than its tolerance need not be listed.
func (e *evidence) listed(ev history.Event, lost time.Duration) bool {
	tolerance := clocks + 2*e.plan.InFlight() + 2*e.plan.Timing.Slack
	if lost <= tolerance {
		return true
	}
	for _, g := range ev.Gaps {
		if off := g.Length - lost; off <= tolerance && off >= -tolerance {
			return true
		}
	}
	return false
}
