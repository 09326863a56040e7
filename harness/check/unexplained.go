package check

import (
	"fmt"

	"deadair/harness/scenario"
)

// noUnexplainedDisconnect judges every loss by what was broken on its path.
func noUnexplainedDisconnect(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	losses := 0
	for _, s := range e.within(x) {
		losses += len(s.breaks)
		for _, b := range s.breaks {
			if b.cause != nil {
				continue
			}
			through := b.path.recorder
			if through == "" {
				through = "no recorder that is known"
			}
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("%s lost its connection (%s) through %s to %s, and nothing was broken on that path", s.plan.Name, b.lost.Class, b.lost.Peer, through),
				Subject:  s.plan.Name, At: b.lost.At, Events: []int{b.lostIx},
			})
		}
	}
	o.measured = fmt.Sprintf("%d losses", losses)
	return o
}
