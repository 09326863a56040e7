package check

import (
	"fmt"

	"deadair/harness/scenario"
)

// capacityRespected judges how many shows were on a recorder at a time, by what is on
// its disk.
func capacityRespected(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	full := 0
	all := e.crowds()
	for _, r := range e.judgedRecorders(x) {
		capacity, worst := e.capacity(r), crowd{}
		for _, c := range all[r] {
			if c.shows > worst.shows {
				worst = c
			}
		}
		if worst.shows >= capacity {
			full++
		}
		if worst.shows > capacity {
			o.fails = append(o.fails, Finding{
				Sentence: fmt.Sprintf("%s had %d shows at a time, and has places for %d", r, worst.shows, capacity),
				Subject:  r, At: worst.at, Events: []int{worst.stay.accepted},
			})
		}
	}
	o.measured = fmt.Sprintf("%d recorders were full", full)
	if full == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no recorder ever had as many shows as it has places"})
	}
	return o
}
