package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// recoveredWithin judges how long those who lost their connection were off the air.
// Whom nobody could have taken does not count: its client had given up.
func recoveredWithin(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	var all []sample
	short := 0 // their shows ended before it could be told
	for _, s := range e.within(x) {
		for i, b := range s.breaks {
			last := e.lastOf(s, i)
			took := s.end(last) - b.lost.At
			switch {
			case e.vain(s, b), e.givenUp(s, last):
			case last.accepted == nil && s.gaveUp >= 0:
				all = append(all, sample{s.plan.Name, b.lost.At, max(took, x.Within+e.plan.Timing.Slack+1), []int{s.gaveUp, b.lostIx}})
			case last.accepted == nil && took <= x.Within+e.plan.Timing.Slack:
				short++
			default:
				all = append(all, sample{s.plan.Name, b.lost.At, took, []int{b.lostIx}})
			}
		}
	}
	late := o.judgeShare(all, short, x, e.plan.Timing.Slack, "back on air")
	switch n := len(all) + short; {
	case n == 0:
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: nobody lost a connection and came back"})
	case short > 0 && late+short > mayFail(x, n):
		o.unclear = append(o.unclear, Finding{Sentence: fmt.Sprintf("the shows of %d of %d that lost their connection ended before %s had passed, and %d were late", short, n, secs(x.Within), late)})
	}
	return o
}

// lastOf is the interruption with which one was over: a connection that never was on air
// does not bring a show back.
func (e *evidence) lastOf(s *show, i int) *interruption {
	for i+1 < len(s.breaks) && e.vain(s, s.breaks[i+1]) {
		i++
	}
	return s.breaks[i]
}

// admissionWithin judges how long those who reached a balancer waited until one took
// them. Who is refused, or loses patience, and tries again waits on. Whom none took in the
// end waited until the end of the show.
func admissionWithin(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	var all []sample
	short := 0
	slack := time.Duration(float64(e.plan.Timing.Slack) / e.plan.Speed)
	for _, s := range e.within(x) {
		taken, rest := e.admissions(s)
		all = append(all, taken...)
		switch {
		case rest == nil:
		case rest.took > x.Within+slack:
			all = append(all, *rest)
		default:
			short++
		}
	}
	late := o.judgeShare(all, short, x, slack, "taken")
	switch n := len(all) + short; {
	case len(all) == 0:
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: nobody was taken"})
	case short > 0 && late+short > mayFail(x, n):
		o.unclear = append(o.unclear, Finding{Sentence: fmt.Sprintf("the shows of %d of %d that were not taken ended before %s had passed, and %d were late", short, n, secs(x.Within), late)})
	}
	return o
}

// admissions are the waits of a show at balancers, and the one that was not over when it
// ended; nil if there is none. An attempt counts on the world's clock: how long an answer is
// held is a deadline, which no world scales. A client's wait before its next one is scaled.
func (e *evidence) admissions(s *show) (taken []sample, rest *sample) {
	var now *sample
	var held time.Duration // of the wait, in attempts
	until := func(at time.Duration) sample {
		w := *now
		w.took = at - now.at - held + time.Duration(float64(held)/e.plan.Speed)
		return w
	}
	for _, i := range s.own {
		a := e.events[i]
		if a.Kind != history.Attempt || now == nil && !e.reached(s, a) {
			continue
		}
		if now == nil {
			now, held = &sample{who: s.plan.Name, at: a.At - a.Took, events: []int{i}}, 0
		}
		held += a.Took
		if a.Class == "accepted" {
			taken, now = append(taken, until(a.At)), nil
		}
	}
	if now == nil {
		return taken, nil
	}
	last := until(s.offAir)
	return taken, &last
}

// reached tells whether an attempt came to a balancer that could have taken the show. Of
// one that timed out, or whose connection ended, it takes a balancer that lived.
func (e *evidence) reached(s *show, a history.Event) bool {
	switch a.Class {
	case "accepted", "answered":
		return true
	case "timeout", "eof", "reset":
		return a.Peer != "" && !e.gone(s, a)
	}
	return false
}

// sample is how long something took for somebody.
type sample struct {
	who    string
	at     time.Duration // when it began, or was over
	took   time.Duration
	events []int
}

// share is how many of a hundred must keep a limit.
func share(x scenario.Expectation) int {
	if x.Share == 0 {
		return 100
	}
	return x.Share
}

// mayFail is how many of n may miss a limit that a share must keep.
func mayFail(x scenario.Expectation, n int) int { return n - (n*share(x)+99)/100 }

// judgeShare holds the share that must against the limit, and tells how many samples are
// over it. Of others, who are unknown, nobody can tell. The slack is what a late harness may add.
func (o *opinion) judgeShare(all []sample, unknown int, x scenario.Expectation, slack time.Duration, what string) (late int) {
	o.limit = fmt.Sprintf("%d%% within %s", share(x), secs(x.Within))
	if len(all) == 0 {
		return 0
	}
	slices.SortStableFunc(all, func(a, b sample) int { return int(a.took - b.took) })
	must := all[(len(all)*share(x)+99)/100-1] // the last one that has to be in time
	worst := all[len(all)-1]
	o.worst = worst.took
	o.measured = fmt.Sprintf("%d%% of %d %s within %s, the last one after %s", share(x), len(all), what, fine(must.took), fine(worst.took))
	first := slices.IndexFunc(all, func(s sample) bool { return s.took > x.Within+slack })
	if first < 0 {
		return 0
	}
	late = len(all) - first
	if late <= mayFail(x, len(all)+unknown) {
		return late
	}
	o.fails = append(o.fails, Finding{
		Sentence: fmt.Sprintf("%d of %d were not %s within %s, %s the last of them, after %s", late, len(all)+unknown, what, secs(x.Within), worst.who, secs(worst.took)),
		Subject:  all[first].who, At: all[first].at, Over: must.took - x.Within, Events: all[first].events,
	})
	return late
}

// fine spells a length of time that may be short.
func fine(d time.Duration) string { return d.Round(time.Millisecond).String() }
