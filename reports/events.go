package reports

import (
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// EventRow is one listed event.
type EventRow struct {
	ID                       int
	At, Node, Kind, Sentence string
	Evidence                 bool
}

// maxEvents bounds the events that are listed beside the evidence.
const maxEvents = 1500

// listEvents lists what a reader may want to look up: all evidence, then what is
// rare, then as many of the others as fit, in the order of the history.
func listEvents(p *scenario.Plan, es []history.Event, evidence map[int]bool) (rows []EventRow, left int) {
	sentences := tell(p, es)
	listed, n := map[int]bool{}, 0
	for _, want := range []bool{true, false} {
		for i, e := range es {
			if n < maxEvents && sentences[i] != "" && rare(e.Kind) == want && !evidence[i] {
				listed[i] = true
				n++
			}
		}
	}
	for i, e := range es {
		if !listed[i] && !evidence[i] {
			left++
			continue
		}
		s := sentences[i]
		if s == "" {
			s = plain(e)
		}
		rows = append(rows, EventRow{i, instant(p, e.At), e.Node, string(e.Kind), s, evidence[i]})
	}
	return rows, left
}

// rare are the kinds of which a run has few, and which tell its story.
func rare(k history.Kind) bool {
	switch k {
	case history.Attempt, history.Lost, history.Dialed, history.Hung, history.Probe, history.CheckerSaw, history.TrackFound:
		return false
	}
	return true
}

// tell has a sentence for each event that means something to a person.
func tell(p *scenario.Plan, es []history.Event) []string {
	do := map[string]string{}
	for _, s := range p.Steps {
		do[s.ID] = s.Do
	}
	all := make([]string, len(es))
	hits := map[string]string{}
	for i, e := range es {
		all[i] = sentence(e, do[e.Fault])
		if e.Kind != history.FaultTouched {
			continue
		}
		if hits[e.Fault] == all[i] {
			all[i] = "" // told before
			continue
		}
		hits[e.Fault] = all[i]
	}
	return all
}
