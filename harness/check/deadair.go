package check

import (
	"fmt"
	"time"

	"deadair/harness/scenario"
)

// deadAir judges what is missing: each gap against its bound, or each show's sum
// against a length.
func deadAir(e *evidence, x scenario.Expectation) opinion {
	o := opinion{limit: "1.15 × bound"}
	if !x.AtMostBound {
		o.limit = secs(x.AtMost) + " for each broadcaster"
	}
	who := ""
	for _, s := range e.within(x) {
		var total time.Duration
		for _, g := range e.gaps(s) {
			total += g.Length()
			if x.AtMostBound {
				e.againstBound(&o, s, g)
			}
		}
		if total > o.worst {
			o.worst, who = total, s.plan.Name
		}
		if !x.AtMostBound && total > x.AtMost {
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("%s of %s are in no recording, %s are allowed", secs(total), s.plan.Name, secs(x.AtMost)),
				Subject:  s.plan.Name, At: s.firstGap(), Over: total - x.AtMost, Events: s.lossAfter(s.firstGap()),
			})
		}
	}
	o.measured = "nothing is missing"
	if who != "" {
		o.measured = fmt.Sprintf("worst %s (%s)", secs(o.worst), who)
	}
	return o
}

// againstBound judges one gap. One that is shorter than possible proves that the
// run did not play what it should have.
func (e *evidence) againstBound(o *opinion, s *show, g Gap) {
	if g.Length() > e.allowed(g.Bound) {
		o.fails = append(o.fails, Finding{
			Sentence: fmt.Sprintf("%s of %s are in no recording, %s of it are unavoidable (%s)", secs(g.Length()), s.plan.Name, secs(g.Bound), legs(g)),
			Subject:  s.plan.Name, At: g.From, Over: g.Length() - e.allowed(g.Bound), Events: s.lossAfter(g.From),
		})
	}
	by := e.took(s, span{g.FromFrame, g.ToFrame})
	if len(by) != 1 {
		return
	}
	if least := e.limit(s, by[0]).min; g.Length()+s.frame < least {
		o.unclear = append(o.unclear, Finding{
			Sentence: fmt.Sprintf("%s was back after %s, which takes %s at least: DNS or its checks did not do what the plan says", s.plan.Name, secs(g.Length()), secs(least)),
			Subject:  s.plan.Name, At: g.From, Events: s.lossAfter(g.From),
		})
	}
}

func legs(g Gap) string {
	if g.Legs == "" {
		return "no interruption explains it"
	}
	return g.Legs
}

// firstGap is the instant of the first missing frame.
func (s *show) firstGap() time.Duration {
	if m := s.missing(); len(m) > 0 {
		return s.at(m[0].from)
	}
	return s.onAir
}

// lossAfter is the broadcaster's own events round a gap: the last before its
// begin, and the next ones, a few at most.
func (s *show) lossAfter(at time.Duration) []int {
	const most = 5
	var some []int
	for _, i := range s.own {
		if s.events[i].At < at {
			some = []int{i}
			continue
		}
		if len(some) >= most {
			break
		}
		some = append(some, i)
	}
	if len(some) > 1 && s.events[some[0]].At < at {
		some = append(some[1:], some[0]) // the first bad one first
	}
	return some
}
