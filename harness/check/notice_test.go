package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

const told = `schema: 1
title: Shows end, and mails say so
system: {store: {in: us-east}, mail: {in: us-east}, balancer: {window: 1m}, recorder: {window: 1m}}
broadcasters:
  - {name: rome, from: Rome, count: 2, persona: butt, off-air: 5m}
timeline:
  - {at: 200s, mail: reply-lost, for: 180s}
ends: 8m
expect: [published-once, {notice-sent: {within: 1m}}, no-blank-mail]
`

// TestMailsAreJudged: the shows are over and in the store at 366 s, and the relay does its
// work again at 380 s.
func TestMailsAreJudged(t *testing.T) {
	mail := func(at time.Duration, who, session string) history.Event {
		return history.Event{At: at, Node: "mail", Kind: history.MailTaken, Subject: who, Session: session, File: session + "@x", Class: "ok"}
	}
	one, two := mail(370*time.Second, "rome-01", "s-rome-01"), mail(370*time.Second, "rome-02", "s-rome-02")
	again := func(e history.Event, at time.Duration, file string) history.Event {
		e.At, e.File = at, file
		return e
	}
	blank := two
	blank.Class = "blank"
	const timely, late = 440 * time.Second, 441 * time.Second
	for name, c := range map[string]struct {
		mails []history.Event
		want  []string
	}{
		"each one":                       {mails: []history.Event{one, two}},
		"in time":                        {mails: []history.Event{one, again(two, timely, two.File)}},
		"late":                           {mails: []history.Event{one, again(two, late, two.File)}, want: []string{"notice-sent"}},
		"none for one of them":           {mails: []history.Event{one}, want: []string{"notice-sent"}},
		"none at all":                    {want: []string{"notice-sent"}},
		"blank":                          {mails: []history.Event{one, blank}, want: []string{"no-blank-mail", "notice-sent"}},
		"blank, and a good one":          {mails: []history.Event{one, blank, two}, want: []string{"no-blank-mail"}},
		"again, for the answer was lost": {mails: []history.Event{one, two, again(two, 375*time.Second, two.File)}},
		"again as another mail":          {mails: []history.Event{one, two, again(two, 375*time.Second, "other@x")}, want: []string{"notice-sent"}},
		"again without a reason": {mails: []history.Event{one, again(two, 400*time.Second, two.File), again(two, timely, two.File)},
			want: []string{"notice-sent"}},
		"to the wrong one": {mails: []history.Event{one, mail(370*time.Second, "rome-01", "s-rome-02")}, want: []string{"notice-sent"}},
		"of no show":       {mails: []history.Event{one, two, mail(370*time.Second, "rome-01", "")}, want: []string{"notice-sent"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, expand(t, told, "today", "virtual"))
			found := r.publishedAt(over + time.Second)
			for _, m := range c.mails {
				r.add(m)
			}
			r.add(history.Event{At: r.plan.End + 3*time.Minute, Node: "mail", Kind: history.MailsRead, Count: len(c.mails)})
			v := Judge(r.plan, r.inStore(found, 0))
			require.Equal(t, c.want, v.failed())
		})
	}
}

// TestMailsOfARecorderThatIsLost went with its disk.
func TestMailsOfARecorderThatIsLost(t *testing.T) {
	for _, stays := range []bool{true, false} {
		p := expand(t, told, "today", "virtual")
		p.Steps = append(p.Steps, scenario.Step{ID: "step-2", At: 6*time.Minute + 10*time.Second, Do: "kill", Nodes: []string{"eu-west/recorder-2"}, Stays: stays})
		r := newRun(t, p)
		found := r.publishedAt(over + time.Second)
		r.add(history.Event{At: p.End + 3*time.Minute, Node: "mail", Kind: history.MailsRead})
		v := Judge(p, r.inStore(found, 0))
		require.Equal(t, stays, of(t, v, "notice-sent").Result != Fail)
	}
}

// TestNobodyLookedIntoTheMails: without evidence there is no verdict.
func TestNobodyLookedIntoTheMails(t *testing.T) {
	r := newRun(t, expand(t, told, "today", "virtual"))
	v := Judge(r.plan, r.inStore(r.publishedAt(over+time.Second), 0))
	require.Contains(t, of(t, v, "notice-sent").Findings[0].Sentence, "nobody read what mails were sent")
}
