package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Update is one line of a post on the status page: what was seen at an instant.
type Update struct {
	At       string  `json:"at"`  // 18:41:07 UTC, or 0:01:55 since the scenario's zero
	TS       float64 `json:"t_s"` // the same as time of the run
	Stage    string  `json:"stage"`
	Sentence string  `json:"sentence"`
	Event    *int    `json:"event"` // index into the history of the first event that it tells of
}

// Stages of an update.
const (
	stageFault    = "fault"    // something broke, or was healed
	stageImpact   = "impact"   // users notice
	stageDetected = "detected" // the system notices
	stageRecovery = "recovery" // users are served again
	stageOutcome  = "outcome"  // what it came to
)

// maxUpdates bounds the post of a run.
const maxUpdates = 18

// mostAlike is how often a post tells of the like before it only counts.
const mostAlike = 2

// silent is the weight of what is kept in mind and not told.
const silent = -1000

// sameTime is how close events of one sort are to be told in one line.
const sameTime = 20 * time.Second

// post collects the updates of a run.
type post struct {
	plan *scenario.Plan
	es   []history.Event
	all  []entry
	open map[string]int           // by what it is about, the entry that goes on
	told map[string]int           // and how many there are: what comes again weighs less
	hung map[string]time.Duration // broadcasters whose own connection a step ended, and when
}

// entry is an update while it is written.
type entry struct {
	at, last time.Duration
	stage    string
	event    int
	weight   int             // the least is left out first
	who      map[string]bool // whom it is about
	n, again int             // what it counts, and how often the like of it came later
	until    time.Duration
	tell     func(*entry) string
}

// updates writes the post of a run from its history.
func updates(j Judged) []Update {
	b := &post{plan: j.Plan, es: j.Events, open: map[string]int{}, told: map[string]int{}, hung: map[string]time.Duration{}}
	for i, e := range j.Events {
		if e.At <= j.Plan.End {
			b.take(i, e)
		}
	}
	b.lies(j.Verdict)
	b.outcome(j.Verdict)
	all := []Update{}
	for _, e := range b.chosen() {
		text := e.tell(e)
		if e.again > 0 {
			text += fmt.Sprintf("; and so %s more, until %s", times(e.again), clockTime(j.Plan, e.until))
		}
		u := Update{At: clockTime(j.Plan, e.at), TS: e.at.Seconds(), Stage: e.stage, Sentence: sentenceCase(text)}
		if e.event >= 0 {
			u.Event = &e.event
		}
		all = append(all, u)
	}
	return all
}

// take tells of one event.
func (b *post) take(i int, e history.Event) {
	switch e.Kind {
	case history.FaultBegan, history.FaultEnded:
		b.fault(i, e)
	case history.Lost:
		b.loss(i, e)
	case history.Attempt:
		b.attempt(i, e)
	case history.Requested, history.Listened:
		b.outside(i, e)
	case history.GaveUp:
		b.group(i, e, like{"gave up", stageImpact, 4, sameTime, b.gaveUp})
	case history.NodeEnded:
		if e.Class == "crashed" {
			b.one(i, e, stageImpact, 4, e.Subject+" crashes, and nobody asked it to")
		}
	case history.Voted:
		b.one(i, e, stageDetected, 3, sentence(e, ""))
	case history.AnswerChanged:
		b.one(i, e, stageDetected, 2, sentence(e, ""))
	case history.BaselineFailed:
		b.one(i, e, stageImpact, 5, sentence(e, ""))
	case history.TrackStored:
		b.group(i, e, like{"tracks", stageRecovery, 3, time.Minute, b.tracks})
	case history.MailTaken:
		b.mail(i, e)
	case history.TrackFound, history.StoreRead, history.MailsRead, history.CheckerSaw, history.Dialed, history.Hung, history.Probe, history.NodeReady, history.FaultTouched, history.RunEnded:
	default:
		b.other(i, e)
	}
}

// outside tells of visitors and listeners to whom something is refused.
func (b *post) outside(i int, e history.Event) {
	switch {
	case e.Class == "ok" || e.OK:
	case e.Kind == history.Listened:
		b.group(i, e, like{"listened " + e.Peer + e.Class, stageImpact, 3, sameTime, func(x *entry) string { return b.deaf(x, e) }})
	case e.Class == "declined":
		b.group(i, e, like{"declined " + e.Peer, stageDetected, 2, sameTime, func(x *entry) string {
			return fmt.Sprintf("%s declines to speak as old as %s", e.Peer, plural(len(x.who), "visitor"))
		}})
	default:
		b.group(i, e, like{"request " + e.Peer + e.Class, stageImpact, 4, sameTime, func(x *entry) string { return b.requests(x, e) }})
	}
}

// fault tells that a step began, or that what it did is over.
func (b *post) fault(i int, e history.Event) {
	k := slices.IndexFunc(b.plan.Steps, func(s scenario.Step) bool { return s.ID == e.Fault })
	if k < 0 {
		return
	}
	s := b.plan.Steps[k]
	arranged := s.At == 0 && (act{Step: s}).operator() // so that something can be seen later
	if arranged || e.Kind == history.FaultEnded && isInstant(s.Do) {
		return
	}
	if e.Kind == history.FaultBegan && len(s.Who) > 0 {
		for _, name := range s.Who {
			b.hung[name] = e.At
		}
		s.Who = s.Who[:b.hit(s)]
		b.group(i, e, like{"drop", stageFault, 5, 0, func(*entry) string { return deed(s) }})
		return
	}
	if e.Kind == history.FaultBegan {
		b.one(i, e, stageFault, 6, deed(s))
		return
	}
	if e.At < b.plan.End {
		b.one(i, e, stageFault, 4, undone(s))
	}
}

// loss tells of broadcasters that lose their connection, unless a step has just
// told so.
func (b *post) loss(i int, e history.Event) {
	if at, ok := b.hung[e.Node]; ok && e.At-at < sameTime {
		b.group(i, e, like{"hung", stageImpact, silent, sameTime, func(*entry) string { return "" }})
		return
	}
	b.group(i, e, like{"lost", stageImpact, 4, sameTime, b.lost})
}

// attempt tells of broadcasters that come back, and of those that are not taken.
func (b *post) attempt(i int, e history.Event) {
	if e.Class != "accepted" {
		b.group(i, e, like{"vain " + e.Peer, stageImpact, 4, sameTime, func(x *entry) string { return b.vain(x, e.Peer) }})
		return
	}
	for _, key := range []string{"lost", "hung"} {
		if k, ok := b.open[key]; ok && b.all[k].who[e.Node] {
			b.group(i, e, like{"back", stageRecovery, 3, sameTime, b.back})
			return
		}
	}
}

// other tells of a kind that has a sentence and is rare, once for each outcome.
func (b *post) other(i int, e history.Event) {
	s := sentence(e, "")
	if s == "" || !rare(e.Kind) {
		return
	}
	key := fmt.Sprint(e.Kind, e.Subject, e.Class, e.OK)
	if _, told := b.open[key]; told {
		return
	}
	b.open[key] = len(b.all)
	b.one(i, e, stageImpact, 1, s)
}

// one adds an update of one event.
func (b *post) one(i int, e history.Event, stage string, weight int, text string) {
	for _, x := range b.all {
		if x.at == e.At && x.tell(&x) == text {
			return // several witnesses of one thing
		}
	}
	b.all = append(b.all, entry{at: e.At, last: e.At, stage: stage, event: i, weight: weight, tell: func(*entry) string { return text }})
}

// like is a sort of event that is told together.
type like struct {
	key    string // whom or what it is about
	stage  string
	weight int
	near   time.Duration // how close they must be
	tell   func(*entry) string
}

// between is how long it is from one instant to another, quiet time that was left
// out included.
func (b *post) between(from, to time.Duration) time.Duration {
	return b.plan.Incident(to) - b.plan.Incident(from)
}

// group adds an event to the update that tells of its like, if that is close.
func (b *post) group(i int, e history.Event, l like) {
	k, ok := b.open[l.key]
	fresh := !ok || b.between(max(b.all[k].last, b.all[k].until), e.At) > l.near
	enough := ok && b.told[l.key] == mostAlike && l.weight != silent
	switch {
	case fresh && enough:
		b.all[k].again, b.all[k].until = b.all[k].again+1, e.At
		return
	case enough && b.all[k].again > 0:
		b.all[k].until = e.At
		return
	case fresh:
		k = len(b.all)
		b.open[l.key] = k
		b.all = append(b.all, entry{at: e.At, stage: l.stage, event: i, weight: l.weight - b.told[l.key], who: map[string]bool{}, tell: l.tell})
		b.told[l.key]++
	}
	x := &b.all[k]
	x.last = e.At
	x.n += e.Times()
	x.who[e.Node] = true
}

// lies tells of balancers that were called healthy and took nobody.
func (b *post) lies(v check.Verdict) {
	for _, x := range lies(services(b.plan, v, ledgers(b.plan, b.es))) {
		b.all = append(b.all, entry{at: x.stretch.to, stage: stageImpact, event: -1, weight: 8, tell: func(*entry) string { return x.Sentence }})
	}
}

// outcome ends a post.
func (b *post) outcome(v check.Verdict) {
	text := headline(b.plan, v)
	b.all = append(b.all, entry{at: b.plan.End, stage: stageOutcome, event: -1, weight: 9, tell: func(*entry) string { return text }})
}

// chosen orders the updates and leaves out the lightest when there are too many.
func (b *post) chosen() []*entry {
	var all []*entry
	for i := range b.all {
		if b.all[i].weight > silent {
			all = append(all, &b.all[i])
		}
	}
	if len(all) > maxUpdates {
		slices.SortStableFunc(all, func(x, y *entry) int { return cmp.Compare(y.weight, x.weight) })
		left := len(all) - maxUpdates + 1
		all = all[:maxUpdates-1]
		all = append(all, &entry{at: b.plan.End, stage: stageOutcome, event: -1, tell: func(*entry) string {
			return plural(left, "update") + " of less weight are left out here; the full page has them"
		}})
	}
	slices.SortStableFunc(all, func(x, y *entry) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(y.weight, x.weight)) })
	return all
}

// sentenceCase begins with a capital, unless a name of a node begins it, and ends with a stop.
func sentenceCase(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if s != "" && !strings.ContainsAny(first, "/-_.0123456789") {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	return strings.TrimSuffix(s, ".") + "."
}
