package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Comparison is what differs between the runs of two times. Its form as JSON is a
// contract as that of summary.json.
type Comparison struct {
	Schema        int       `json:"schema"`
	A             Measuring `json:"a"`
	B             Measuring `json:"b"`
	New           []Change  `json:"new"`            // not as expected in B, and as expected in A, or less bad there
	Fixed         []Change  `json:"fixed"`          // the other way round
	Still         []Change  `json:"still_failing"`  // in neither as expected
	NotComparable []Change  `json:"not_comparable"` // what is played or how it is judged changed, or only one has it
	Shifts        []Change  `json:"shifted"`        // as expected in both, and dead air is another
	Alike         int       `json:"alike"`
}

// Measuring is one of the two sides.
type Measuring struct {
	Name    string    `json:"name"` // a folder
	Started time.Time `json:"started"`
	Seed    uint64    `json:"seed"`
	Commit  string    `json:"commit"` // empty: not known
	Runs    int       `json:"runs"`
}

// Change is one run in both.
type Change struct {
	Scenario string  `json:"scenario"`
	Variant  string  `json:"variant"`
	World    string  `json:"world"`
	Was      string  `json:"was"`      // verdict in A with the properties that failed; empty: not in A
	Is       string  `json:"is"`       // and in B
	Expected string  `json:"expected"` // in B, or in A when B does not have it
	Why      string  `json:"why"`      // it cannot be compared; empty: it can
	Cause    string  `json:"cause"`    // in B
	WasDeadS float64 `json:"was_dead_air_s"`
	IsDeadS  float64 `json:"is_dead_air_s"`
	WasBad   bool    `json:"was_bad"` // not as expected in A
	Bad      bool    `json:"bad"`     // not as expected in B
	Unclear  bool    `json:"unclear"` // because it proves nothing
	Broken   bool    `json:"broken"`  // because it could not be carried out
	Replay   string  `json:"replay"`
	Dir      string  `json:"dir"` // of B's run, from its root; empty: B has none
}

// Compare sets the runs of two times side by side. Runs whose plans or judges
// differ are not compared: their difference says nothing about the system.
func Compare(a, b Summary) Comparison {
	c := Comparison{
		Schema: 1, A: measuring(a), B: measuring(b),
		New: []Change{}, Fixed: []Change{}, Still: []Change{}, NotComparable: []Change{}, Shifts: []Change{},
	}
	for _, rb := range b.Runs {
		ra := same(a.Runs, rb)
		if ra == nil {
			x := change(Run{}, rb)
			x.Why = "A has no such run"
			c.NotComparable = append(c.NotComparable, x)
			continue
		}
		c.sort(*ra, rb)
	}
	for _, ra := range a.Runs {
		if same(b.Runs, ra) == nil {
			c.NotComparable = append(c.NotComparable, Change{
				Scenario: ra.Scenario, Variant: ra.Variant, World: ra.World, Was: ra.met(), Expected: ra.Expected,
				Why: "B has no such run", WasDeadS: ra.DeadAirS, Replay: ra.Replay,
			})
		}
	}
	for _, list := range [][]Change{c.New, c.Fixed, c.Still, c.NotComparable} {
		slices.SortStableFunc(list, func(a, b Change) int { return cmp.Compare(bit(b.Bad), bit(a.Bad)) })
	}
	return c
}

// sort puts a pair where it belongs.
func (c *Comparison) sort(ra, rb Run) {
	x := change(ra, rb)
	switch {
	case x.Why != "":
		c.NotComparable = append(c.NotComparable, x)
	case x.Bad && x.WasBad && !worse(ra, rb):
		c.Still = append(c.Still, x)
	case x.Bad:
		c.New = append(c.New, x)
	case x.WasBad:
		c.Fixed = append(c.Fixed, x)
	case x.shifted():
		c.Shifts = append(c.Shifts, x)
	default:
		c.Alike++
	}
}

// worse tells whether a run that was not as expected is so in another way: it fails where
// it proved nothing, could not be carried out where it failed, or fails by something else.
func worse(ra, rb Run) bool {
	if rank(&rb) != rank(&ra) {
		return rank(&rb) > rank(&ra)
	}
	was := ra.failed()
	return slices.ContainsFunc(rb.failed(), func(name string) bool { return !slices.Contains(was, name) })
}

func measuring(s Summary) Measuring {
	m := Measuring{Started: s.Started, Seed: s.Seed, Runs: len(s.Runs)}
	if e := s.Environment; e != nil {
		m.Commit = e.Commit
	}
	return m
}

// same finds the run of the same variant in the same world.
func same(runs []Run, r Run) *Run {
	i := slices.IndexFunc(runs, func(o Run) bool {
		return o.Scenario == r.Scenario && o.Variant == r.Variant && o.World == r.World
	})
	if i < 0 {
		return nil
	}
	return &runs[i]
}

func change(ra, rb Run) Change {
	return Change{
		Scenario: rb.Scenario, Variant: rb.Variant, World: rb.World, Was: ra.met(), Is: rb.met(), Expected: rb.Expected,
		Why: incomparable(ra, rb), Cause: cmp.Or(rb.Error, rb.Cause), WasDeadS: ra.DeadAirS, IsDeadS: rb.DeadAirS,
		WasBad: ra.Scenario != "" && rank(&ra) > 0, Bad: rank(&rb) > 0, Unclear: rank(&rb) == 1, Broken: rb.Error != "", Replay: rb.Replay, Dir: rb.Dir,
	}
}

// met is what became of a run, in a word; empty for no run.
func (r Run) met() string {
	switch {
	case r.Scenario == "":
		return ""
	case r.Error != "":
		return "not carried out"
	}
	return r.found()
}

// incomparable tells why two runs must not be compared; empty when they may.
func incomparable(a, b Run) string {
	switch {
	case a.Plan == "" || b.Plan == "":
		return "one of them does not tell which plan it played"
	case a.Plan != b.Plan:
		return "what is played or expected changed"
	case a.Checker != b.Checker && a.Checker != "" && b.Checker != "":
		return fmt.Sprintf("judged by version %s of the checker then, by %s now: deadair check judges a folder again", a.Checker, b.Checker)
	}
	return ""
}

// leastShift is by how much dead air may differ and be called alike: in real time
// no two runs are the same.
const leastShift = 1.0 // seconds

// shifted tells whether the worst broadcaster's dead air is another by more than
// noise: 15 % and a second.
func (x Change) shifted() bool {
	d := math.Abs(x.IsDeadS - x.WasDeadS)
	return d > leastShift && d > 0.15*max(x.IsDeadS, x.WasDeadS)
}

// Worse lists what was as expected, or not there, in A and is not as expected in B.
func (c Comparison) Worse() []Change {
	all := slices.Clone(c.New)
	for _, x := range c.NotComparable {
		if x.Bad && !x.WasBad {
			all = append(all, x)
		}
	}
	return all
}

// Proves tells whether anything could be compared at all.
func (c Comparison) Proves() bool {
	return c.Alike+len(c.New)+len(c.Fixed)+len(c.Still)+len(c.Shifts) > 0
}

// Dead spells how the worst broadcaster's dead air changed.
func (x Change) Dead() string {
	was, is := floatSeconds(x.WasDeadS), floatSeconds(x.IsDeadS)
	switch {
	case was == 0 && is == 0:
		return ""
	case x.Was == "":
		return span(is)
	case x.Is == "":
		return span(was) + " then"
	case span(was) == span(is):
		return span(is) + " both times"
	}
	sign := "+"
	if is < was {
		sign = "−"
	}
	return fmt.Sprintf("%s → %s (%s%s)", span(was), span(is), sign, span(max(is-was, was-is)))
}

// Link is where the run's page is from B's root; empty when there is none.
func (x Change) Link() string {
	if x.Dir == "" {
		return ""
	}
	return x.Dir + "/report.html"
}
