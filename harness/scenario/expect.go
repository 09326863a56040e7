package scenario

import (
	"slices"
	"time"
)

// expect resolves the properties: the variant's if it has its own list.
func (b *builder) expect(own, files []Expect) []Expectation {
	if own == nil {
		own = files
	}
	var all []Expectation
	for _, x := range own {
		e := Expectation{
			Property: x.Property.Value, Within: time.Duration(or(x.Within, 0)), AtMost: time.Duration(or(x.AtMost, 0)),
			AtMostBound:  x.AtMostBound || x.Property.Value == "dead-air" && x.AtMost == nil,
			AtMostShare:  int(x.AtMostShare),
			Share:        int(x.Share),
			Broadcasters: x.Broadcasters.Value, Visitors: x.Visitors.Value, Nodes: b.pick(x.Nodes, b.cast.nodes, b.cast.sites),
		}
		if g := x.Broadcasters; g.Value != "" && !slices.Contains(b.groupNames(), g.Value) {
			b.add(g.Pos, "unknown group %q%s", g.Value, Meant(g.Value, b.groupNames()))
		}
		if g, asking := x.Visitors, append(b.visitorNames(), b.appNames()...); g.Value != "" && !slices.Contains(asking, g.Value) {
			b.add(g.Pos, "unknown group %q%s", g.Value, Meant(g.Value, asking))
		}
		all = append(all, e)
	}
	return all
}

// want is the outcome asked for. What must fail must be judged.
func (b *builder) want(expect []Expectation) Want {
	v := b.variant.Verdict
	if v == nil || len(v.Fail) == 0 {
		return Want{Pass: true}
	}
	var w Want
	for _, n := range v.Fail {
		judged := slices.ContainsFunc(expect, func(x Expectation) bool { return x.Property == n.Value })
		p, known := PropertyNamed(n.Value)
		if !known {
			b.add(n.Pos, "unknown property %q%s", clip(n.Value), Meant(n.Value, PropertyNames()))
		} else if !judged && !p.Always {
			b.add(n.Pos, "%s must fail but is not under expect, so nobody judges it", n.Value)
		}
		w.Fail = append(w.Fail, n.Value)
	}
	slices.Sort(w.Fail)
	w.Fail = slices.Compact(w.Fail)
	return w
}

// orBound is what else can be done than to say how long.
func orBound(p PropertyForm) string {
	if slices.Contains(p.Needs, "within") {
		return ""
	}
	return ", or leave it out for what the plan makes unavoidable"
}
