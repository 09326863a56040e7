package reports

import (
	"slices"
)

// systems is one scenario's variant played with ours and with servers of somebody else's.
type systems struct {
	Title   string
	Columns []systemColumn // ours first
	Rows    []systemRow    // a property each
}

type systemColumn struct {
	Name  string // empty: ours
	Run   *Run
	Stamp Stamp
	Link  string
	Dead  string
	Seen  string // what went wrong, if anything did
}

type systemRow struct {
	Property string
	Cells    []systemCell // one per column
}

type systemCell struct {
	Verdict, Class, Sign string // no verdict: it was not judged
	Sentence             string
}

// beside lays runs with servers of somebody else's beside those of ours, property by property.
func beside(s Summary) []systems {
	var all []systems
	for i := range s.Foreign {
		f := &s.Foreign[i]
		title := f.Scenario + " · " + f.Variant + " · " + f.World
		at := slices.IndexFunc(all, func(x systems) bool { return x.Title == title })
		if at < 0 {
			all = append(all, systems{Title: title})
			at = len(all) - 1
			if ours := same(s.Runs, *f); ours != nil {
				all[at].Columns = []systemColumn{column(ours)}
			}
		}
		all[at].Columns = append(all[at].Columns, column(f))
	}
	for i := range all {
		all[i].rows()
	}
	return all
}

func column(r *Run) systemColumn {
	c := systemColumn{Name: r.Foreign, Run: r, Stamp: found(r), Link: link(r), Dead: span(floatSeconds(r.DeadAirS)), Seen: r.Error}
	if c.Seen == "" && r.Verdict != "pass" {
		c.Seen = r.Cause
	}
	return c
}

// found is a run's verdict as a stamp, whatever was expected.
func found(r *Run) Stamp {
	x := *r
	x.AsExpected = r.Verdict == "pass" && r.Error == ""
	return stamp(x)
}

// rows lists the properties that any of the systems was judged by.
func (x *systems) rows() {
	for c, col := range x.Columns {
		for _, p := range col.Run.Properties {
			at := slices.IndexFunc(x.Rows, func(r systemRow) bool { return r.Property == p.Name })
			if at < 0 {
				x.Rows = append(x.Rows, systemRow{p.Name, make([]systemCell, len(x.Columns))})
				at = len(x.Rows) - 1
			}
			x.Rows[at].Cells[c] = cell(p)
		}
	}
}

func cell(p Property) systemCell {
	c := systemCell{Verdict: p.Verdict, Class: "good", Sign: "✓"}
	switch p.Verdict {
	case "fail":
		c.Class, c.Sign, c.Sentence = "bad", "✗", p.Sentence
	case "inconclusive":
		c.Class, c.Sign, c.Sentence = "unclear", "?", p.Sentence
	}
	return c
}
