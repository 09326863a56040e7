package reports

// Diff is a run beside the same one of another time.
type Diff struct {
	Class, Sign, Text string
	Why               string // they cannot be compared
	Rows              []DiffRow
}

// DiffRow is one thing that both have.
type DiffRow struct {
	Name, Was, Is string
	Class         string // good, bad, or empty when nothing changed
}

// diff sets a run beside its baseline; nil without one.
func diff(base *Run, r Run) *Diff {
	if base == nil {
		return nil
	}
	x := change(*base, r)
	d := &Diff{"good", "✓", "alike", x.Why, nil}
	switch {
	case x.Why != "":
		d.Class, d.Sign, d.Text = "unclear", "?", "not comparable"
	case x.Bad && x.WasBad:
		d.Class, d.Sign, d.Text = "bad", "✗", "still failing"
	case x.Bad:
		d.Class, d.Sign, d.Text = "bad", "✗", "new"
	case x.WasBad:
		d.Text = "fixed"
	case x.shifted():
		d.Class, d.Sign, d.Text = "unclear", "~", "dead air shifted"
	}
	d.add("verdict", base.met(), r.met())
	was := map[string]string{}
	for _, p := range base.Properties {
		was[p.Name] = p.Verdict
	}
	for _, p := range r.Properties {
		if was[p.Name] != p.Verdict {
			d.add(p.Name, was[p.Name], p.Verdict)
		}
	}
	d.add("dead air, worst broadcaster", span(floatSeconds(base.DeadAirS)), span(floatSeconds(r.DeadAirS)))
	d.add("longest gap", span(floatSeconds(base.RecoveryS)), span(floatSeconds(r.RecoveryS)))
	d.add("events", number(base.Events), number(r.Events))
	return d
}

// add puts in a row; a verdict that got worse or better is told by a colour, too.
func (d *Diff) add(name, was, is string) {
	row := DiffRow{Name: name, Was: was, Is: is}
	switch {
	case was == "":
		row.Was = "not judged"
	case is == "pass" && was != is:
		row.Class = "good"
	case was == "pass" && was != is:
		row.Class = "bad"
	}
	if row.Is == "" {
		row.Is = "–"
	}
	d.Rows = append(d.Rows, row)
}
