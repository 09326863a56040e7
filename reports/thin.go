package reports

import "fmt"

// thinMarks draws marks as one that cannot be told apart, until there are few
// enough. It keeps one of each class near where it was.
func thinMarks(ms []Mark, most int) []Mark {
	for near := 1.0; ; near *= 2 {
		if joined := joinMarks(ms, near); len(joined) <= most || near > 2*chartWidth {
			return joined
		}
	}
}

func joinMarks(ms []Mark, near float64) []Mark {
	var all []Mark
	last := map[string]int{}
	for _, m := range ms {
		if i, ok := last[m.Class]; ok && m.X-all[i].X < near {
			all[i].joined += 1 + m.joined
			continue
		}
		last[m.Class] = len(all)
		all = append(all, m)
	}
	for i := range all {
		all[i].Title += andMore(all[i].joined)
		all[i].joined = 0
	}
	return all
}

// thinBars does the same for bars. Of two that touch, the wider one gives the
// colour; dead air is never drawn over by anything.
func thinBars(bs []Bar, most int) []Bar {
	for near := 0.5; ; near *= 2 {
		if joined := joinBars(bs, near); len(joined) <= most || near > 2*chartWidth {
			return joined
		}
	}
}

func joinBars(bs []Bar, near float64) []Bar {
	var all []Bar
	last := map[bool]int{} // by whether it is dead air, which lies above the rest
	for _, b := range bs {
		above := b.Class == "dead"
		i, ok := last[above]
		if !ok || !touch(all[i], b, near) {
			last[above] = len(all)
			all = append(all, b)
			continue
		}
		a := &all[i]
		joined := a.joined + 1 + b.joined
		end := max(a.X+a.W, b.X+b.W)
		if b.W > a.W {
			a.Class, a.Title, a.Text = b.Class, b.Title, b.Text
		}
		a.W, a.joined = end-a.X, joined
	}
	for i := range all {
		all[i].Title += andMore(all[i].joined)
		all[i].joined = 0
	}
	return all
}

// touch tells whether two bars are drawn as one: they are alike and next to each
// other, or one of them is too narrow to be seen.
func touch(a, b Bar, near float64) bool {
	if b.X-(a.X+a.W) >= near {
		return false
	}
	return a.W < near || b.W < near || a.Class == b.Class && a.Class == "dead"
}

func andMore(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %s more, too close to be drawn apart)", number(n))
}
