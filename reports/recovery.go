package reports

import (
	"slices"
	"strings"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Recovery is the ledger of one step: what came when after it, against the bounds
// that follow from the plan.
type Recovery struct {
	ID, Sentence string
	Began        string
	Rows         []Milepost
	Width        float64 // of the drawing, in units: the whole axis
	End          string  // what the axis ends with
}

// Milepost is one thing that came after a step.
type Milepost struct {
	Name     string
	After    string // the step began; empty: it never came
	Bound    string // at least, at most; empty: none follows from the plan
	X        float64
	From, To float64 // the bound, drawn; To is 0 without one
	Late     bool    // later than the bound allows
	Event    *int
}

// ledgerWidth is the axis of a recovery ledger, in units of the drawing.
const ledgerWidth = 400.0

// maxRecoveries bounds the ledgers of a page.
const maxRecoveries = 8

// milepost is a Milepost before it is drawn. Times are since the step began.
type milepost struct {
	name     string
	after    time.Duration // -1: never
	min, max time.Duration // max 0: no bound
	event    int
}

// recoveries are the ledgers of the steps that cost programme or took a balancer away.
func (s story) recoveries() []Recovery {
	var all []Recovery
	costly := silencing(s.v, s.steps)
	for _, a := range s.steps {
		dear := slices.ContainsFunc(costly, func(c act) bool { return c.ID == a.ID })
		if a.began < 0 || !dear && len(s.downed(a)) == 0 || len(all) == maxRecoveries {
			continue
		}
		posts := slices.Concat(s.holdPosts(a), s.dnsPosts(a), s.clientPosts(a), s.showPosts(a))
		if len(posts) <= len(s.holdPosts(a)) {
			continue
		}
		all = append(all, s.drawn(a, posts))
	}
	return all
}

// downed are the balancers that a step ends or freezes.
func (s story) downed(a act) []string {
	var all []string
	if !slices.Contains([]string{"kill", "stop", "powercut", "pause", "outage", "vanish"}, a.Do) {
		return nil
	}
	for _, n := range a.Nodes {
		if slices.ContainsFunc(s.books, func(b *ledger) bool { return b.balancer == n }) {
			all = append(all, n)
		}
	}
	return all
}

// dnsPosts are what health checks and DNS did about balancers that a step took away:
// the last one of each, so that all of them are through.
func (s story) dnsPosts(a act) []milepost {
	nodes := s.downed(a)
	if len(nodes) == 0 {
		return nil
	}
	_, end := a.span(s.plan.End)
	silent := a.Do == "pause" || a.Do == "outage" || a.Do == "vanish"
	out, back := s.plan.OutOfAnswers(silent), s.plan.BackInAnswers(silent)
	leg := func(b scenario.Bound, n int) (low, high time.Duration) { return b[:n].Min(), b[:n].Max() }
	checks, checksAtMost := leg(out, 1)
	vote, voteAtMost := leg(out, 2)
	posts := []milepost{
		s.firstAfter("first bad check", a.began, func(e history.Event) bool {
			return e.Kind == history.CheckerSaw && !e.OK && slices.Contains(nodes, e.Subject)
		}),
		s.lastOf("voted out", nodes, a.began, func(e history.Event, n string) bool { return e.Kind == history.Voted && !e.OK && e.Subject == n }),
		s.lastOf("out of DNS", nodes, a.began, s.answers(false)),
	}
	posts[0].max = checksAtMost
	posts[1].min, posts[1].max = max(checks, vote), voteAtMost
	posts[2].min, posts[2].max = out.Min(), out.Max()
	lasted := end - a.began
	for i, m := range posts {
		if m.after < 0 && lasted < out.Max() {
			posts[i].min, posts[i].max = 0, 0 // it was over before it had to come
		}
	}
	if end >= s.plan.End || posts[2].after < 0 {
		return posts
	}
	again := s.lastOf("back in DNS", nodes, end, s.answers(true))
	again.min, again.max = back.Min()+lasted, back.Max()+lasted
	if again.after >= 0 {
		again.after += lasted
	}
	return append(posts, again)
}

// answers tells an answer of a balancer's own region that names it, or no more.
func (s story) answers(named bool) func(history.Event, string) bool {
	return func(e history.Event, n string) bool {
		region, _, _ := strings.Cut(n, "/")
		return e.Kind == history.AnswerChanged && e.Subject == region && e.Class != "fail-open" && slices.Contains(e.Hosts, n) == named
	}
}

// firstAfter is the first event of a sort from an instant on.
func (s story) firstAfter(name string, from time.Duration, is func(history.Event) bool) milepost {
	for i, e := range s.es {
		if e.At >= from && is(e) {
			return milepost{name: name, after: e.At - from, event: i}
		}
	}
	return milepost{name: name, after: -1, event: -1}
}

// lastOf is when the last of some nodes has its event; it never comes if one has none.
func (s story) lastOf(name string, nodes []string, from time.Duration, is func(history.Event, string) bool) milepost {
	last := milepost{name: name, after: 0, event: -1}
	for _, n := range nodes {
		one := s.firstAfter(name, from, func(e history.Event) bool { return is(e, n) })
		if one.after < 0 {
			return one
		}
		if one.after >= last.after {
			last = one
		}
	}
	return last
}

// showPosts are when the shows that a step silenced were on disk again: the first,
// half of them, 95 of a hundred, all. The bounds are those of these shows.
func (s story) showPosts(a act) []milepost {
	var back, bounds []time.Duration
	for _, d := range s.v.Dead {
		for _, g := range d.Gaps {
			if g.Cause == a.ID {
				back, bounds = append(back, max(0, g.To-a.began)), append(bounds, g.Bound+max(0, g.From-a.began))
			}
		}
	}
	if len(back) == 0 {
		return nil
	}
	slices.Sort(back)
	slices.Sort(bounds)
	var posts []milepost
	for _, q := range []struct {
		name string
		part int // of a hundred
	}{{"first show recorded again", 0}, {"50 % recorded again", 50}, {"95 %", 95}, {"all " + number(len(back)), 100}} {
		if q.part < 100 && len(back) == 1 {
			continue
		}
		i := max(0, (len(back)*q.part+99)/100-1)
		posts = append(posts, milepost{name: q.name, after: back[i], max: bounds[i], event: -1})
	}
	return posts
}

// drawn puts mileposts on an axis of their own.
func (s story) drawn(a act, posts []milepost) Recovery {
	end := time.Second
	for _, m := range posts {
		end = max(end, m.after, m.max)
	}
	x := func(d time.Duration) float64 { return ledgerWidth * float64(d) / float64(end) }
	r := Recovery{ID: a.ID, Sentence: sentenceCase(deed(a.Step)), Began: instant(s.plan, a.began), Width: ledgerWidth, End: span(end)}
	for _, m := range posts {
		row := Milepost{Name: m.name, X: x(max(0, m.after))}
		if m.after >= 0 {
			row.After = span(m.after)
		}
		if m.max > 0 {
			row.From, row.To = x(m.min), x(m.max)
			row.Bound = "at most " + span(m.max)
			if m.min > 0 {
				row.Bound = span(m.min) + " to " + span(m.max)
			}
			row.Late = m.after < 0 || m.after > m.max+m.max*15/100+s.plan.Timing.Slack
		}
		if m.event >= 0 {
			row.Event = &m.event
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}
