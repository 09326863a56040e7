package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// evidence is a history put in order: by show, by step, by balancer.
type evidence struct {
	plan    *scenario.Plan
	events  []history.Event
	shows   []*show
	steps   []*step
	answers map[string][]answer // by region
	votes   map[string][]vote   // by balancer
	asked   []int               // events of visitors' requests
	mails   []int               // events of mails that the relay took
	late    history.Event       // the canary that was the latest one
	starved history.Event       // the longest wait of one admission for processors
	disk    history.Event       // the longest wait for a disk
	hashed  map[string]bool     // recorders whose disk was read, the store and the mail relay
	left    int                 // uploads that were left half done
	readAt  time.Duration       // when the store was read

	balancers, recorders []string
	unfit                []Finding // why nothing can be judged
}

// answer is what DNS answers for a region from an instant on.
type answer struct {
	at       time.Duration
	hosts    []string
	failOpen bool
	event    int
}

// vote is a balancer's health from an instant on.
type vote struct {
	at    time.Duration
	ok    bool
	event int
}

// gather reads a history once.
func gather(p *scenario.Plan, es []history.Event) *evidence {
	e := &evidence{plan: p, events: es, answers: map[string][]answer{}, votes: map[string][]vote{}, hashed: map[string]bool{}}
	e.balancers = e.nodes(func(dc scenario.Datacenter) int { return dc.Balancers }, "balancer")
	e.recorders = e.nodes(func(dc scenario.Datacenter) int { return dc.Recorders }, "recorder")
	byName := map[string]*show{}
	for _, b := range p.Broadcasters {
		s := newShow(b)
		e.shows = append(e.shows, s)
		byName[b.Name] = s
	}
	for _, s := range p.Steps {
		e.steps = append(e.steps, newStep(s, p.End))
	}
	for i, ev := range es {
		e.take(i, ev, byName)
	}
	for _, s := range e.shows {
		s.finish(e)
	}
	e.fit()
	return e
}

// take puts one event where it belongs.
func (e *evidence) take(i int, ev history.Event, shows map[string]*show) {
	switch ev.Kind {
	case history.FaultBegan, history.FaultTouched, history.FaultEnded:
		for _, s := range e.steps {
			if s.ID == ev.Fault {
				s.take(i, ev)
			}
		}
	case history.Canary, history.Starved:
		e.busy(ev)
	case history.AnswerChanged:
		e.answers[ev.Subject] = append(e.answers[ev.Subject], answer{ev.At, ev.Hosts, ev.Class == "fail-open", i})
	case history.Voted:
		e.votes[ev.Subject] = append(e.votes[ev.Subject], vote{ev.At, ev.OK, i})
	case history.Requested:
		e.asked = append(e.asked, i)
	case history.DiskHashed:
		e.hashed[ev.Node] = true
	case history.StoreRead:
		e.hashed[ev.Node] = true
		e.left, e.readAt = ev.Of, ev.At
	case history.MailsRead:
		e.hashed[ev.Node] = true
	case history.MailTaken:
		e.mails = append(e.mails, i)
	case history.TrackStored:
		for _, s := range e.shows {
			s.stored = append(s.stored, i)
		}
	case history.HashChoice, history.SegmentFound, history.TrackFound:
		if s := shows[ev.Subject]; s != nil {
			s.take(i, ev)
		}
	case history.OnAir, history.OffAir, history.Resolved, history.Attempt, history.Lost, history.GaveUp:
		if s := shows[ev.Node]; s != nil {
			s.take(i, ev)
		}
	}
}

// fit finds what makes a whole history worthless.
func (e *evidence) fit() {
	unfit := func(i int, at time.Duration, format string, args ...any) {
		f := Finding{Sentence: fmt.Sprintf(format, args...), At: at}
		if i >= 0 {
			f.Events = []int{i}
		}
		e.unfit = append(e.unfit, f)
	}
	started, ended := false, false
	for i, ev := range e.events {
		switch ev.Kind {
		case history.RunStarted:
			started = true
		case history.BaselineFailed:
			unfit(i, ev.At, "the stack was not healthy before the first fault: %s", ev.Detail)
		case history.RunEnded:
			ended = true
			if ev.Detail != "" {
				unfit(i, ev.At, "the run could not be finished: %s", ev.Detail)
			}
		}
	}
	if !started || !ended {
		unfit(-1, 0, "the history has no beginning or no end")
	}
	for _, r := range e.recorders {
		if !e.hashed[r] {
			unfit(-1, e.plan.End, "nobody read the disk of %s", r)
		}
	}
	if e.plan.System.Store != nil && !e.hashed["store"] {
		unfit(-1, e.plan.End, "nobody read what is in the store")
	}
	if e.plan.System.Mail != nil && !e.hashed["mail"] {
		unfit(-1, e.plan.End, "nobody read what mails were sent")
	}
	for _, s := range e.shows {
		if s.onAir < 0 || s.offAir < 0 {
			unfit(-1, s.plan.OnAir, "%s did not play its show from beginning to end", s.plan.Name)
		}
	}
}

// serial is how many wake-ups one after another lie between a broadcaster's loss
// and its next frame on a disk, in clients, links and servers together. Each may
// come as late as the latest one that the harness saw. serialSyncs is how many syncs
// of a disk lie there: the journal of a show, its names, its first segment.
const (
	serial      = 20
	serialSyncs = 5
)

// busy takes in how late the machine made the run. What began after all that is judged does
// not count: to read the disks keeps everybody waiting. It is told when it is over, within a second.
func (e *evidence) busy(ev history.Event) {
	told := time.Duration(e.plan.Speed * float64(time.Second))
	worst := &e.late
	switch {
	case ev.At-ev.Took-told > e.plan.End+e.plan.Timing.Over:
		return
	case ev.Kind == history.Starved && ev.Class == "disk":
		worst = &e.disk
	case ev.Kind == history.Starved:
		worst = &e.starved
	}
	if ev.Took > worst.Took {
		*worst = ev
	}
}

// doubtful tells whether a machine that was too busy can have caused a fail. Beyond
// the slack nothing is certain: the servers' own deadlines pass, and what follows may
// take as long as a fault. A timer may fire in time in a process that has much to do and
// gets little of a processor, or waits for a disk: both are told apart.
func (e *evidence) doubtful(f Finding) bool {
	return max(e.late.Took, e.disk.Took) > e.plan.Timing.Slack ||
		f.Over > 0 && f.Over <= max(serial*e.late.Took, serialSyncs*e.disk.Took, e.starved.Took)
}

// lateness tells that the machine was too slow, and how that was seen.
func (e *evidence) lateness() Finding {
	const advice = "too long for what was measured here: run it on a quieter machine or at a lower speed"
	took := func(ev history.Event) time.Duration { return ev.Took.Round(10 * time.Millisecond) }
	late, slow := serial*e.late.Took, serialSyncs*e.disk.Took
	switch {
	case e.late.Took > e.plan.Timing.Slack || late >= max(slow, e.starved.Took):
		who := e.late.Node
		if who == "harness" {
			who = "the harness"
		}
		return Finding{Sentence: fmt.Sprintf("%s ran %v late, %s", who, took(e.late), advice)}
	case e.disk.Took > e.plan.Timing.Slack || slow >= e.starved.Took:
		return Finding{Sentence: fmt.Sprintf("the machine's disk had %s wait for %v, %s", e.disk.Node, took(e.disk), advice)}
	}
	return Finding{Sentence: fmt.Sprintf("what a broadcaster waits for had to wait %v for processors, %s", took(e.starved), advice)}
}

func (e *evidence) nodes(count func(scenario.Datacenter) int, kind string) []string {
	var names []string
	for _, dc := range e.plan.System.Datacenters {
		for i := range count(dc) {
			names = append(names, fmt.Sprintf("%s/%s-%d", dc.Name, kind, i+1))
		}
	}
	return names
}

// answering is what DNS answered for a region at an instant: at first every
// balancer of its own.
func (e *evidence) answering(region string, at time.Duration) answer {
	now := answer{hosts: e.balancersOf(region), event: -1}
	for _, a := range e.answers[region] {
		if a.at <= at {
			now = a
		}
	}
	return now
}

func (e *evidence) balancersOf(region string) []string {
	var own []string
	for _, b := range e.balancers {
		if datacenter(b) == region {
			own = append(own, b)
		}
	}
	return own
}

func datacenter(node string) string {
	dc, _, _ := strings.Cut(node, "/")
	return dc
}

// within is the shows that an expectation judges.
func (e *evidence) within(x scenario.Expectation) []*show {
	if x.Broadcasters == "" {
		return e.shows
	}
	var some []*show
	for _, s := range e.shows {
		if s.plan.Group == x.Broadcasters {
			some = append(some, s)
		}
	}
	return some
}

// allowed is a limit with the tolerance that a measurement has.
func (e *evidence) allowed(limit time.Duration) time.Duration {
	return limit + limit*15/100 + e.plan.Timing.Slack
}

// idle tells whether there are steps, and none of them touched anything.
func (e *evidence) idle() bool {
	return len(e.steps) > 0 && !slices.ContainsFunc(e.steps, func(s *step) bool { return s.touched })
}

// soundEvidence tells of steps that did not do what they were written for.
func soundEvidence(e *evidence, _ scenario.Expectation) opinion {
	var o opinion
	for _, s := range e.steps {
		switch {
		case s.began < 0:
			o.unclear = append(o.unclear, Finding{Sentence: fmt.Sprintf("%s (line %d: %s) never began", s.ID, s.Line, s.Sentence()), Subject: s.ID, At: s.At})
		case !s.touched:
			o.unclear = append(o.unclear, Finding{
				Sentence: fmt.Sprintf("%s (line %d: %s) touched nothing", s.ID, s.Line, s.Sentence()), Subject: s.ID, At: s.At, Events: []int{s.event},
			})
		}
	}
	o.measured = fmt.Sprintf("%d steps, %d events", len(e.steps), len(e.events))
	return o
}
