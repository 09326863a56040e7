// Package reports draws what was judged: one self-contained HTML page for a
// run, an index over many, and the same for machines (summary.json, JUnit,
// Markdown).
//
// It is pure: data in, bytes out. Compute does all arithmetic, the templates
// none. It reads no files, knows no clock and judges nothing.
package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"deadair/harness/check"
	"deadair/harness/scenario"
)

// Summary is summary.json. Its form is a contract: fields are only ever added.
type Summary struct {
	Schema  int       `json:"schema"`
	Started time.Time `json:"started"`
	Seed    uint64    `json:"seed"`
	WallS   float64   `json:"wall_s"`
	Runs    []Run     `json:"runs"`                   // never null
	Foreign []Run     `json:"foreign_runs,omitempty"` // with servers of somebody else's; nothing is expected of them

	Parity []Parity `json:"parity,omitempty"` // variants that were played in virtual time and on real sockets

	Environment *Environment `json:"environment,omitempty"` // of the first run
	Scenarios   []About      `json:"scenarios"`             // what the runs play, in their order; never null
}

// About is what a scenario is about, whatever came of its runs.
type About struct {
	Name    string   `json:"scenario"`
	Title   string   `json:"title"`
	Date    string   `json:"date"` // empty for a guarantee
	Story   string   `json:"story"`
	Affects []string `json:"affects"` // components, in the order of a status page; never null
	Assumed []string `json:"assumed"` // what the sources do not tell; never null
}

// NewAbout tells what a plan's scenario is about.
func NewAbout(p *scenario.Plan) About {
	return About{
		Name: p.Scenario, Title: p.Title, Date: p.Date, Story: strings.TrimSpace(p.Story),
		Affects: append([]string{}, p.Affects...), Assumed: append([]string{}, p.Assumed...),
	}
}

// Run is one scenario's variant in one world.
type Run struct {
	Scenario   string     `json:"scenario"`
	Title      string     `json:"title"`
	Date       string     `json:"date"` // empty for a guarantee
	Variant    string     `json:"variant"`
	World      string     `json:"world"`
	Expected   string     `json:"expected"` // "pass" or "fail:prop,prop"
	Verdict    string     `json:"verdict"`  // "pass", "fail", "inconclusive"
	AsExpected bool       `json:"as_expected"`
	Cause      string     `json:"cause"`      // what happened, in one sentence; empty when nothing was judged
	Properties []Property `json:"properties"` // never null
	DeadAirS   float64    `json:"dead_air_s"` // of the worst broadcaster
	RecoveryS  float64    `json:"recovery_s"` // the longest single gap
	IncidentS  float64    `json:"incident_s"` // played
	WallS      float64    `json:"wall_s"`
	Played     int        `json:"played"`             // how often: again when one time proved nothing
	Verified   bool       `json:"verified,omitempty"` // it was played again in another environment and was the same
	Events     int        `json:"events"`
	Hash       string     `json:"history_sha256"`
	Dir        string     `json:"dir"`             // from summary.json, with slashes
	Error      string     `json:"error,omitempty"` // why the run could not be carried out
	Replay     string     `json:"replay"`

	Legacy     []string    `json:"legacy"`            // the pieces of 2014 in it; never null
	Mutant     string      `json:"mutant"`            // what is broken on purpose
	Foreign    string      `json:"foreign,omitempty"` // the servers of somebody else's in it
	Steps      int         `json:"steps"`             // none: a control
	Plan       string      `json:"plan_sha256"`       // the same for plans that play and judge the same
	Checker    string      `json:"checker"`           // version of who judged; empty: nobody has
	Updates    []Update    `json:"updates"`           // what happened, as a status page tells it; never null
	Documented []Milestone `json:"documented"`        // never null
	Coverage   []Cover     `json:"coverage"`          // never null
	Chain      []Stage     `json:"chain,omitempty"`   // what the first fault set off
}

// Property is one judged property of a run.
type Property struct {
	Name       string `json:"name"`
	Verdict    string `json:"verdict"`
	Sentence   string `json:"sentence"`
	Limit      string `json:"limit,omitempty"`
	Measured   string `json:"measured,omitempty"`
	FirstEvent *int   `json:"first_event"` // index into the history of the first bad event, or null
}

// NewRun fills a Run from what was judged; the caller adds what only it knows
// (events, hash, folder, error). Without a verdict the run is inconclusive.
func NewRun(j Judged) Run {
	p, v := j.Plan, j.Verdict
	r := Run{
		Scenario: p.Scenario, Title: p.Title, Date: p.Date, Variant: p.Variant, World: p.World,
		Expected: p.Want.Result(), Verdict: string(check.Inconclusive), AsExpected: v.AsExpected,
		Properties: []Property{}, IncidentS: p.End.Seconds(), Replay: p.Replay(),
		Legacy: append([]string{}, p.Legacy...), Mutant: p.Mutant, Foreign: p.Foreigners(), Steps: len(p.Steps), Plan: p.Fingerprint(), Checker: v.Checker,
		Updates: []Update{}, Documented: []Milestone{}, Coverage: []Cover{},
	}
	if j.Environment != nil {
		r.WallS, r.Played = j.Environment.WallS, j.Environment.Played
	}
	if v.Result == "" {
		return r
	}
	r.Verdict, r.Cause = string(v.Result), headline(p, v)
	for _, pr := range v.Properties {
		r.Properties = append(r.Properties, Property{pr.Name, string(pr.Result), pr.Sentence, pr.Limit, pr.Measured, pr.FirstEvent})
	}
	for _, d := range v.Dead {
		r.DeadAirS = max(r.DeadAirS, d.Total.Seconds())
		for _, g := range d.Gaps {
			r.RecoveryS = max(r.RecoveryS, g.Length().Seconds())
		}
	}
	r.Updates, r.Documented, r.Coverage = updates(j), milestones(p, j.Events), coverage(p, j.Events)
	r.Chain = stages(j.Events)
	return r
}

// tally counts runs by what came of them.
type tally struct{ all, good, differ, unclear, broken int }

func (s Summary) tally() tally {
	t := tally{all: len(s.Runs)}
	for _, r := range s.Runs {
		switch {
		case r.Error != "":
			t.broken++
		case r.AsExpected:
			t.good++
		case r.Verdict == string(check.Inconclusive):
			t.unclear++
		default:
			t.differ++
		}
	}
	return t
}

// String is the headline over many runs.
func (t tally) String() string {
	s := fmt.Sprintf("%d of %s as expected", t.good, plural(t.all, "run"))
	var others []string
	for _, o := range []struct {
		n    int
		what string
	}{{t.differ, "not as expected"}, {t.unclear, "inconclusive"}, {t.broken, "not carried out"}} {
		if o.n > 0 {
			others = append(others, fmt.Sprintf("%d %s", o.n, o.what))
		}
	}
	if len(others) > 0 {
		s += ": " + strings.Join(others, ", ")
	}
	return s
}

// failed names the properties that failed, sorted as in Expected.
func (r Run) failed() []string {
	var names []string
	for _, p := range r.Properties {
		if p.Verdict == string(check.Fail) {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// result is what was found and what was expected, in one line.
func (r Run) result() string {
	if r.Error != "" {
		return "not carried out, expected " + r.Expected
	}
	return r.found() + ", expected " + r.Expected
}

// found is the verdict with the properties that failed.
func (r Run) found() string {
	if failed := r.failed(); len(failed) > 0 {
		return r.Verdict + ":" + strings.Join(failed, ",")
	}
	return r.Verdict
}

// orNone is a list that is never null.
func orNone[E any](all []E) []E {
	if all == nil {
		return []E{}
	}
	return all
}

// WriteJSON writes summary.json.
func WriteJSON(w io.Writer, s Summary) error {
	s.Runs = append([]Run{}, s.Runs...)
	for i, r := range s.Runs {
		r.Properties, r.Legacy, r.Updates = orNone(r.Properties), orNone(r.Legacy), orNone(r.Updates)
		r.Documented, r.Coverage = orNone(r.Documented), orNone(r.Coverage)
		s.Runs[i] = r
	}
	s.Scenarios = append([]About{}, s.Scenarios...)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}
