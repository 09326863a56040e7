package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"deadair/harness/check"
	"deadair/harness/history"
)

// Environment is where a run was played, by what and how long it took. It explains
// a verdict that is inconclusive, and two runs that differ.
type Environment struct {
	Commit     string  `json:"commit,omitempty"`  // of the tool; empty: it was built without version control
	Changed    bool    `json:"changed,omitempty"` // and not as committed
	Go         string  `json:"go"`
	System     string  `json:"system"`           // linux/amd64
	Kernel     string  `json:"kernel,omitempty"` // as the system tells it
	Toxiproxy  string  `json:"toxiproxy,omitempty"`
	CPUs       int     `json:"cpus"`
	CPU        string  `json:"cpu,omitempty"` // the model
	LoadBefore float64 `json:"load_before"`   // runnable processes of the last minute, before the run
	LoadAfter  float64 `json:"load_after"`
	WallS      float64 `json:"wall_s"`
	Played     int     `json:"played"` // how often: again when one time proved nothing
}

// version spells the tool's commit.
func (e Environment) version() string {
	v := cmp.Or(e.Commit, "unknown: built without version control")
	if e.Changed {
		v += ", with changes"
	}
	return v
}

// facts are what does not change from run to run.
func (e Environment) facts() []Fact {
	return []Fact{
		{"commit", e.version()}, {"Go", e.Go}, {"system", e.System}, {"kernel", cmp.Or(e.Kernel, "unknown")},
		{"toxiproxy", cmp.Or(e.Toxiproxy, "not linked")}, {"processors", strconv.Itoa(e.CPUs) + " × " + cmp.Or(e.CPU, "of an unknown model")},
	}
}

// surroundings are what a page tells of the environment, and of how late the
// harness itself ran in it.
func surroundings(j Judged) []Fact {
	all := []Fact{{"checker", cmp.Or(j.Verdict.Checker, "not known")}, {"plan", j.Plan.Fingerprint()}}
	if now := check.Version(); j.Verdict.Checker != now {
		all[0].Value += " (the page was drawn beside " + now + ")"
	}
	if e := j.Environment; e != nil {
		all = slices.Concat(e.facts(), []Fact{
			{"load before and after", fmt.Sprintf("%.2f, %.2f", e.LoadBefore, e.LoadAfter)}, {"played", times(e.Played)},
			{"wall time", span(floatSeconds(e.WallS))},
		}, all)
	}
	all = append(all, Fact{"what was played", extent(j)})
	if j.Plan.World == "virtual" {
		return append(all, Fact{"clock", "virtual: no canary, nothing can be late"})
	}
	return append(all, Fact{"clock", fmt.Sprintf("the system's, %g incident seconds a second", j.Plan.Speed)}, Fact{"harness late", lateness(j.Events)})
}

// extent spells how much a run was: how long, who was on air, how often the system had to
// admit somebody and was looked after, and what it wrote.
func extent(j Judged) string {
	var shows, claims, probes int
	var bytes int64
	for _, e := range j.Events {
		switch {
		case e.Kind == history.OnAir:
			shows++
		case e.Kind == history.Attempt && e.Class == "accepted":
			claims++
		case e.Kind == history.Probed:
			probes += e.Count
		case e.Kind == history.DiskHashed:
			bytes += e.Bytes
		}
	}
	return fmt.Sprintf("%s of %s, with %s (accepted), %s of health checkers, %s bytes on recorders' disks, %s events",
		span(j.Plan.End), plural(shows, "show"), plural(claims, "claim"), plural(probes, "probe"), number(bytes), number(len(j.Events)))
}

// lateness spells how late the harness' own timers were, in incident time, and what else the
// machine had the run wait for.
func lateness(es []history.Event) string {
	var all []time.Duration
	worst := map[string]time.Duration{}
	for _, e := range es {
		switch {
		case e.Kind == history.Canary && e.Node == "harness":
			all = append(all, e.Took)
		case e.Kind == history.Canary:
			worst["nodes"] = max(worst["nodes"], e.Took)
		case e.Kind == history.Starved:
			worst[e.Class] = max(worst[e.Class], e.Took)
		}
	}
	if len(all) == 0 {
		return "not measured"
	}
	slices.Sort(all)
	text := fmt.Sprintf("median %s, 99 of 100 at most %s, worst %s", span(all[len(all)/2]), span(all[(len(all)*99-1)/100]), span(all[len(all)-1]))
	for _, what := range []struct{ key, says string }{
		{"nodes", "a node was late by %s"}, {"processor", "an admission waited up to %s for processors"}, {"disk", "a node waited up to %s for its disk"},
	} {
		if d := worst[what.key]; d > 0 {
			text += "; " + fmt.Sprintf(what.says, span(d))
		}
	}
	return text
}
