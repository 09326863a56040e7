package reports

import (
	"slices"
	"strings"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Milestone is a moment that was documented, beside the same moment of a run.
type Milestone struct {
	When     string   `json:"when"` // as documented
	Says     string   `json:"says"`
	Assumed  bool     `json:"assumed"`  // the source does not tell it
	Sought   bool     `json:"sought"`   // the scenario says which event it is
	Replayed string   `json:"replayed"` // when the run has it; empty: it does not
	LaterS   *float64 `json:"later_s"`  // by how much the run has it later; null where one of both has no clock
	Event    *int     `json:"event"`    // index into the history
}

// milestones sets what was documented beside a run.
func milestones(p *scenario.Plan, es []history.Event) []Milestone {
	all := []Milestone{}
	for _, m := range p.Documented {
		row := Milestone{When: m.When, Says: m.Says, Assumed: m.Assumed, Sought: m.Seen != nil}
		if m.At != nil {
			row.When = moment(p, *m.At)
		}
		if i := find(es, m.Seen); i >= 0 {
			at := es[i].At
			row.Event, row.Replayed = &i, clockTime(p, at)
			if m.At != nil {
				later := (p.Incident(at) - *m.At).Seconds()
				row.LaterS = &later
			}
		}
		all = append(all, row)
	}
	return all
}

// find is the index of the event that is seen, or -1.
func find(es []history.Event, s *scenario.Sighting) int {
	if s == nil {
		return -1
	}
	found := -1
	for i, e := range es {
		if !fits(e, s) {
			continue
		}
		if found = i; !s.Last {
			break
		}
	}
	return found
}

func fits(e history.Event, s *scenario.Sighting) bool {
	about := len(s.Of) == 0
	for _, name := range []string{e.Fault, e.Subject, e.Node, e.Peer} {
		about = about || slices.Contains(s.Of, name)
	}
	return about && string(e.Kind) == s.Kind && (s.Class == "" || s.Class == e.Class) && (s.OK == nil || *s.OK == e.OK)
}

// clockTime is an instant for a status page: 18:41:07 UTC, or 0:01:55 since the scenario's zero.
func clockTime(p *scenario.Plan, run time.Duration) string { return moment(p, p.Incident(run)) }

// moment is an instant of the incident for a status page.
func moment(p *scenario.Plan, incident time.Duration) string {
	if len(p.Clock) > 0 {
		first := p.Clock[0]
		if began, err := time.Parse(time.RFC3339, first.Wall); err == nil {
			at := began.UTC().Add(incident - first.Incident).Round(time.Second)
			day := ""
			if at.YearDay() != began.UTC().YearDay() {
				day = at.Format("2 Jan, ")
			}
			return day + strings.TrimSuffix(at.Format("15:04:05"), ":00") + " UTC"
		}
	}
	return offset(max(0, incident), time.Second)
}

// Later spells by how much a run has a moment later than it was documented.
func (m Milestone) Later() string {
	if m.LaterS == nil {
		return ""
	}
	d := time.Duration(*m.LaterS * float64(time.Second)).Round(time.Second)
	switch {
	case d == 0:
		return "at the same second"
	case d < 0:
		return span(-d) + " earlier"
	}
	return span(d) + " later"
}
