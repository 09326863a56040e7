package check

import (
	"fmt"

	"deadair/harness/scenario"
)

// untouched judges broadcasters that should not have noticed anything: no loss, no frame
// missing but those before the first connection, which there must be in time.
func untouched(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	shows := e.within(x)
	for _, s := range shows {
		e.begun(&o, s)
		for _, b := range s.breaks {
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("%s lost its connection to %s (%s)", s.plan.Name, b.lost.Peer, b.lost.Class), Subject: s.plan.Name, At: b.lost.At, Events: []int{b.lostIx},
			})
		}
		for _, m := range s.missing() {
			for _, r := range without([]span{m}, s.start()) {
				o.fails = append(o.fails, Finding{
					Sentence: fmt.Sprintf("%s of %s are in no recording", secs(s.at(r.to+1)-s.at(r.from)), s.plan.Name), Subject: s.plan.Name, At: s.at(r.from), Over: s.at(r.to+1) - s.at(r.from), Events: s.lossAfter(s.at(r.from)),
				})
			}
		}
	}
	o.measured = fmt.Sprintf("%d broadcasters", len(shows))
	if len(shows) == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: the group " + x.Broadcasters + " has nobody"})
	}
	return o
}

// begun tells whether a show got on air too late, or never.
func (e *evidence) begun(o *opinion, s *show) {
	i := s.opening()
	if i < 0 {
		o.fails = append(o.fails, Finding{Sentence: s.plan.Name + " never got on air", Subject: s.plan.Name, At: s.plan.OnAir, Events: s.own[:min(1, len(s.own))]})
		return
	}
	if took, limit := e.events[i].At-s.onAir, e.allowed(e.plan.Begin(s.plan).Max); took > limit {
		o.slow = append(o.slow, Finding{
			Sentence: fmt.Sprintf("%s was on air after %s, %s are allowed", s.plan.Name, secs(took), secs(limit)), Subject: s.plan.Name, At: s.onAir + limit, Over: took - limit, Events: []int{i},
		})
	}
}
