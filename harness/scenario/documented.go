package scenario

import (
	"slices"
	"strings"
)

// maxMilestones bounds what a file documents.
const maxMilestones = 100

// MilestoneSpec is one moment of the incident as its operators told it.
type MilestoneSpec struct {
	Pos
	At      *Instant  `yaml:"at" doc:"when it was: a clock time (18:40Z), or an offset from the run's zero (10m)"`
	When    string    `yaml:"when" doc:"when it was, in words, if the source tells no clock time"`
	Says    string    `yaml:"says" need:"yes" doc:"one sentence: what was told"`
	Assumed bool      `yaml:"assumed" doc:"true: the source does not tell this moment, the scenario made it up"`
	Seen    *SeenSpec `yaml:"seen" doc:"which event of a run is this moment"`
}

// SeenSpec finds an event in a history.
type SeenSpec struct {
	Pos
	First Name  `yaml:"first" doc:"the first event of this kind (such as fault-began, lost, voted, answer-changed) that fits the other keys"`
	Last  Name  `yaml:"last" doc:"the last event of this kind"`
	Of    Names `yaml:"of" doc:"whom it is about: step-N, nodes, a datacenter, a group of broadcasters"`
	Class Name  `yaml:"class" doc:"its class of outcome, such as accepted or timeout"`
	OK    *bool `yaml:"ok" doc:"for an opinion or a vote: whether it is healthy"`
}

// Kind is the kind of event that is looked for.
func (s SeenSpec) Kind() Name {
	if s.First.Value != "" {
		return s.First
	}
	return s.Last
}

func (d *decoder) checkDocumented(f *File) {
	if len(f.Documented) > maxMilestones {
		d.add(f.Documented[maxMilestones].Pos, "%d documented moments are more than %d", len(f.Documented), maxMilestones)
	}
	for _, m := range f.Documented {
		if (m.At == nil) == (m.When == "") {
			d.add(m.Pos, `a documented moment has either "at" or, if the source tells no clock time, "when"`)
		}
		if strings.TrimSpace(m.Says) == "" {
			d.add(m.Pos, `"says" is empty: tell in one sentence what was told`)
		}
		if s := m.Seen; s != nil && (s.First.Value == "") == (s.Last.Value == "") {
			d.add(s.Pos, `"seen" names one kind of event, as "first" or as "last"`)
		}
	}
}

// documented resolves the milestones of the file.
func (b *builder) documented() []Milestone {
	var all []Milestone
	for _, m := range b.file.Documented {
		one := Milestone{When: m.When, Says: m.Says, Assumed: m.Assumed}
		if m.At != nil {
			at := b.since(*m.At)
			one.At = &at
		}
		if m.Seen != nil {
			s := Sighting{Kind: m.Seen.Kind().Value, Last: m.Seen.Last.Value != "", Class: m.Seen.Class.Value, OK: m.Seen.OK}
			for _, n := range m.Seen.Of {
				s.Of = append(s.Of, b.seenOf(n)...)
			}
			one.Seen = &s
		}
		all = append(all, one)
	}
	return all
}

// seenOf is whom an event is about: a step, or hosts; a datacenter is meant with
// its nodes, because DNS answers for it as a whole.
func (b *builder) seenOf(n Name) []string {
	if id, ok := strings.CutPrefix(n.Value, "step-"); ok && id != "" {
		return []string{n.Value} // a variant may have no such step
	}
	hosts := b.pick(Names{n}, b.cast.hosts, b.cast.sites, b.cast.groups)
	if _, site := b.cast.sites[n.Value]; site && !slices.Contains(hosts, n.Value) {
		hosts = append(hosts, n.Value)
	}
	return hosts
}
