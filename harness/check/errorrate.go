package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// errorRate judges the requests of visitors as they saw them: how many failed while
// something was broken, and whether any failed later than the pool had time to notice,
// or while nothing was broken at all.
func errorRate(e *evidence, x scenario.Expectation) opinion {
	o := opinion{limit: fmt.Sprintf("%d%%, none after %s", x.AtMostShare, secs(x.Within))}
	from, to := e.trouble()
	var all, failed tally
	late := map[*step][]int{}
	for _, i := range e.requests(x.Visitors) {
		r := e.events[i]
		bad := r.Class != "ok"
		if r.At >= from && r.At <= to {
			all.add(r.Peer, e.weight(r))
			if bad {
				failed.add(r.Peer, e.weight(r))
			}
		}
		if st := e.blamed(r); bad && (st == nil || r.At-r.Took > st.began+x.Within+e.plan.Timing.Slack) {
			late[st] = append(late[st], i)
		}
		if bad {
			failed.events = append(failed.events, i)
		}
	}
	share := 100 * failed.sum / max(1, all.sum)
	if share > float64(x.AtMostShare) {
		first := failed.events[0]
		o.fails = append(o.fails, Finding{
			Sentence: fmt.Sprintf("%.1f%% of the visitors' requests failed, %d%% are allowed: %s", share, x.AtMostShare, failed.of(&all)),
			Subject:  failed.worst(), At: e.events[first].At, Events: few(failed.events),
		})
	}
	for _, st := range append([]*step{nil}, e.steps...) {
		if events := late[st]; len(events) > 0 {
			o.fails = append(o.fails, e.tooLate(st, x, events))
		}
	}
	o.measured = fmt.Sprintf("%.1f%% of %.0f requests failed", share, all.sum)
	if all.sum == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no visitor asked anything while it mattered"})
	}
	return o
}

// tooLate tells of requests that failed later than allowed after a step, or without one.
func (e *evidence) tooLate(st *step, x scenario.Expectation, events []int) Finding {
	n := 0
	for _, i := range events {
		n += e.events[i].Times()
	}
	first, last := e.events[events[0]], e.events[events[len(events)-1]]
	f := Finding{Subject: first.Peer, At: first.At, Events: few(events)}
	if st == nil {
		f.Sentence = fmt.Sprintf("%d requests failed while nothing was broken", n)
		return f
	}
	f.Over = last.At - st.began - x.Within
	after := e.plan.Incident(last.At) - e.plan.Incident(st.began)
	f.Sentence = fmt.Sprintf("%d requests failed later than %s after %s, the last one %s after it", n, secs(x.Within), st.ID, secs(after))
	return f
}

// few is the first events of many that are alike.
func few(events []int) []int {
	const most = 50
	return events[:min(len(events), most)]
}

// requests lists the events of a group's requests, or of everybody's.
func (e *evidence) requests(group string) []int {
	of := map[string]string{}
	for _, v := range e.plan.Visitors {
		of[v.Name] = v.Group
	}
	for _, b := range e.plan.Broadcasters {
		of[b.Name] = b.Group
	}
	return slices.DeleteFunc(slices.Clone(e.asked), func(i int) bool { return group != "" && of[e.events[i].Node] != group })
}

// trouble is the time in which something was broken; the whole run if nothing was.
func (e *evidence) trouble() (from, to time.Duration) {
	from = -1
	for _, s := range e.steps {
		if s.began < 0 {
			continue
		}
		if from < 0 {
			from = s.began
		}
		from, to = min(from, s.began), max(to, s.ended)
	}
	if from < 0 {
		return 0, e.plan.End
	}
	return from, to
}

// blamed is the last step that was in force while a request was under way, or had just
// been; nil if there is none.
func (e *evidence) blamed(r history.Event) *step {
	var found *step
	for _, s := range e.steps {
		if s.active(r.At-r.Took-e.plan.Timing.Slack, r.At) && (found == nil || s.began >= found.began) {
			found = s
		}
	}
	return found
}

// beforeCut is how much of the run before a cut stands for what was cut.
const beforeCut = 30 * time.Second

// weight is how many requests an event stands for, those of stretches that were left
// out included: nothing changed in them, so they are taken to have been as what was before.
func (e *evidence) weight(r history.Event) float64 {
	w := 1.0
	for i := 1; i < len(e.plan.Clock); i++ {
		was, is := e.plan.Clock[i-1], e.plan.Clock[i]
		if r.At > is.Run-beforeCut && r.At <= is.Run {
			w += float64(is.Incident-was.Incident-(is.Run-was.Run)) / float64(beforeCut)
		}
	}
	return w * float64(r.Times())
}

// tally counts requests by the server that was asked.
type tally struct {
	sum    float64
	by     map[string]float64
	events []int
}

func (t *tally) add(peer string, n float64) {
	if t.by == nil {
		t.by = map[string]float64{}
	}
	t.by[peer] += n
	t.sum += n
}

// worst is the server that has most.
func (t *tally) worst() string {
	best := ""
	for _, peer := range slices.Sorted(maps.Keys(t.by)) {
		if best == "" || t.by[peer] > t.by[best] {
			best = peer
		}
	}
	return best
}

// of spells what part of each server's requests was counted.
func (t *tally) of(all *tally) string {
	var words []string
	for _, peer := range slices.Sorted(maps.Keys(t.by)) {
		who := peer
		if who == "" {
			who = "no server"
		}
		words = append(words, fmt.Sprintf("%.0f of %.0f at %s", t.by[peer], all.by[peer], who))
	}
	return strings.Join(words, ", ")
}
