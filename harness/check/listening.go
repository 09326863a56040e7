package check

import (
	"fmt"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// listenersOnAir judges what listeners heard while something was broken, second by
// second, and whether any heard nothing later than all had time to do without what fails.
func listenersOnAir(e *evidence, x scenario.Expectation) opinion {
	share := x.Share
	if share == 0 {
		share = 100
	}
	o := opinion{limit: fmt.Sprintf("%d%% of the time", share)}
	if x.Within > 0 {
		o.limit += ", no silence after " + secs(x.Within)
	}
	h := e.hearing(x)
	heard := 100 - 100*h.silent/max(1, h.wanted)
	if heard < float64(share) {
		o.fails = append(o.fails, Finding{
			Sentence: fmt.Sprintf("listeners heard %.1f%% of what they listened to, %d%% are asked for: %s are silence", heard, share, seconds(h.silent)),
			Subject:  e.events[h.events[0]].Node, At: e.events[h.events[0]].At, Events: few(h.events),
		})
	}
	if len(h.late) > 0 {
		first := e.events[h.late[0]]
		o.fails = append(o.fails, Finding{
			Sentence: fmt.Sprintf("%s heard nothing for %s, later than %s after all steps", first.Node, secs(first.Took), secs(x.Within)),
			Subject:  first.Node, At: first.At, Events: few(h.late),
		})
	}
	o.measured = fmt.Sprintf("%.1f%% of %s were heard", heard, seconds(h.wanted))
	if h.wanted == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: nobody listened while it mattered"})
	}
	return o
}

// hearing is what some listeners wanted to hear while it mattered, and did not.
type hearing struct {
	wanted, silent float64 // seconds
	events         []int   // of silence
	late           []int   // silence that began later than allowed, also when nothing was broken any more
}

func (e *evidence) hearing(x scenario.Expectation) (sum hearing) {
	from, to := e.trouble()
	for _, i := range e.listened(x.Visitors) {
		h := e.events[i]
		if x.Within > 0 && !h.OK && h.Class != "ok" && h.At-h.Took > to+x.Within+e.plan.Timing.Slack {
			sum.late = append(sum.late, i)
		}
		if h.At-h.Took > to || h.At < from || !h.OK && h.Class == "ok" {
			continue // or it is the time that it takes to tune in
		}
		length := h.Took.Seconds() * e.weight(h)
		sum.wanted += length
		if h.OK {
			continue
		}
		sum.silent += length
		sum.events = append(sum.events, i)
		if st := e.blamed(h); x.Within > 0 && (st == nil || h.At-h.Took > st.began+x.Within+e.plan.Timing.Slack) {
			sum.late = append(sum.late, i)
		}
	}
	return sum
}

func seconds(n float64) string { return secs(time.Duration(n * float64(time.Second))) }

// listened lists the events of what a group's listeners heard, or everybody's.
func (e *evidence) listened(group string) []int {
	of := map[string]string{}
	for _, v := range e.plan.Visitors {
		of[v.Name] = v.Group
	}
	var some []int
	for i, ev := range e.events {
		if ev.Kind == history.Listened && (group == "" || of[ev.Node] == group) {
			some = append(some, i)
		}
	}
	return some
}
