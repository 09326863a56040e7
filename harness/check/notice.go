package check

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// noticeSent judges what broadcasters were told of their published shows: each session
// that has a track in the store, by one mail that says something. The same mail a second
// time, which mailboxes know by its Message-ID, is only in order where a fault kept its
// sender from learning that the first one had arrived.
func noticeSent(e *evidence, x scenario.Expectation) opinion {
	o := opinion{limit: secs(x.Within)}
	if e.plan.System.Mail == nil {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: the system sends no mail"})
		return o
	}
	judged := 0
	for _, s := range e.within(x) {
		published := s.publishedSessions(e)
		for _, session := range published {
			judged++
			e.mailed(&o, s, session, x.Within)
		}
		for _, i := range e.mailsTo(s.plan.Name) {
			if ev := e.events[i]; ev.Class == "ok" && !slices.Contains(published, ev.Session) {
				o.fails = append(o.fails, Finding{Sentence: "a mail to " + s.plan.Name + " is about no show of theirs that is published", Subject: s.plan.Name, At: ev.At, Events: []int{i}})
			}
		}
	}
	o.measured = fmt.Sprintf("%d published shows, worst %s after it could have been", judged, secs(o.worst))
	if judged == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no track is in the store"})
	}
	return o
}

// publishedSessions are the sessions of a show that have a track in the store.
func (s *show) publishedSessions(e *evidence) []string {
	var all []string
	for _, i := range s.found {
		if !slices.Contains(all, e.events[i].Session) {
			all = append(all, e.events[i].Session)
		}
	}
	return all
}

// mailsTo are the mails that a broadcaster got, in order of time.
func (e *evidence) mailsTo(broadcaster string) []int {
	var all []int
	for _, i := range e.mails {
		if e.events[i].Subject == broadcaster {
			all = append(all, i)
		}
	}
	return all
}

// mailed judges the mails about one session.
func (e *evidence) mailed(o *opinion, s *show, session string, within time.Duration) {
	var mails []int
	for _, i := range e.mailsTo(s.plan.Name) {
		if ev := e.events[i]; ev.Session == session && ev.Class == "ok" {
			mails = append(mails, i)
		}
	}
	stored, first := e.stored(s, session)
	if len(mails) == 0 { // the harness waits for as long as recorders have one to send
		if !e.tellerLost(s, session) {
			o.fails = append(o.fails, Finding{Sentence: fmt.Sprintf("session %s of %s is published, and no mail says so", session, s.plan.Name), Subject: s.plan.Name, At: stored, Events: first})
		}
		return
	}
	for k, i := range mails[1:] {
		before, ev := e.events[mails[k]], e.events[i]
		if ev.File != before.File || !e.unanswered(before, ev) {
			o.fails = append(o.fails, Finding{Sentence: s.plan.Name + " was told a second time that their show is published", Subject: s.plan.Name, At: ev.At, Events: []int{i, mails[k]}})
		}
	}
	at := e.events[mails[0]].At
	if early := stored - at; first != nil && early > e.plan.Timing.Slack {
		o.fails = append(o.fails, Finding{
			Sentence: fmt.Sprintf("%s was told %s before their show was in the store", s.plan.Name, secs(early)),
			Subject:  s.plan.Name, At: at, Events: append([]int{mails[0]}, first...),
		})
	}
	late := max(0, at-e.heldUp(stored, within, func(s *step) bool { return s.Do == "mail" || e.onMail(s) || e.onStore(s) }))
	o.worst = max(o.worst, late)
	if late > within+e.plan.Timing.Slack {
		o.slow = append(o.slow, Finding{
			Sentence: fmt.Sprintf("%s was told %s after it could have been, %s are allowed", s.plan.Name, secs(late), secs(within)),
			Subject:  s.plan.Name, At: at, Over: late - within, Events: []int{mails[0]},
		})
	}
}

// stored is when a session's track first appeared, and its event.
func (e *evidence) stored(s *show, session string) (time.Duration, []int) {
	for _, i := range s.stored {
		if e.events[i].Session == session {
			return e.events[i].At, []int{i}
		}
	}
	return e.plan.End, nil
}

// tellerLost tells whether a recorder that had a part of the session never came back: it
// may have been the one that tells, and what waited went with its disk.
func (e *evidence) tellerLost(s *show, session string) bool {
	return slices.ContainsFunc(s.pieces, func(p piece) bool { return p.writer.session == session && e.neverBack(p.writer.recorder) })
}

// unanswered tells whether a fault was in force between two mails that can have kept the
// answer to the first one from its sender.
func (e *evidence) unanswered(first, second history.Event) bool {
	return slices.ContainsFunc(e.steps, func(s *step) bool {
		return e.onMail(s) && s.active(first.At-e.grace(s), second.At)
	})
}

// onMail tells whether a step is on the way from recorders to the relay, or at one of its ends.
func (e *evidence) onMail(s *step) bool {
	return s.ends("mail") || slices.ContainsFunc(e.recorders, func(r string) bool { return s.ends(r) || s.breaks(r, "mail") })
}

// noBlankMail judges every mail that a broadcaster got.
func noBlankMail(e *evidence, x scenario.Expectation) opinion {
	var o opinion
	sent := 0
	for _, s := range e.within(x) {
		for _, i := range e.mailsTo(s.plan.Name) {
			sent++
			if ev := e.events[i]; ev.Class == "blank" {
				o.fails = append(o.fails, Finding{Sentence: s.plan.Name + " got a blank mail", Subject: s.plan.Name, At: ev.At, Events: []int{i}})
			}
		}
	}
	o.measured = fmt.Sprintf("%d of %d mails blank", len(o.fails), sent)
	if sent == 0 {
		o.unclear = append(o.unclear, Finding{Sentence: "never exercised: no mail was sent"})
	}
	return o
}
