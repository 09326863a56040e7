package reports

import (
	"cmp"
	"fmt"
	"strings"

	"deadair/harness/history"
)

// sentence tells an event to a person; it is empty for events that only
// machines need. do is what the step of the event does, if it is about one.
func sentence(e history.Event, do string) string {
	switch e.Kind {
	case history.FaultBegan:
		return e.Fault + " began: " + e.Detail
	case history.FaultTouched:
		return e.Fault + " " + hit(do, e)
	case history.FaultEnded:
		if isInstant(do) {
			return "" // over since it began
		}
		return e.Fault + " ended"
	case history.NodeReady:
		return e.Subject + " is up"
	case history.NodeEnded:
		return e.Subject + " ended: " + e.Class
	case history.CheckerSaw:
		return fmt.Sprintf("now calls %s %s (%s)", e.Subject, healthWord(e.OK), e.Class)
	case history.Voted:
		return fmt.Sprintf("%s is %s: %d of %d checkers say healthy", e.Subject, healthWord(e.OK), e.Count, e.Of)
	case history.AnswerChanged:
		return answerSentence(e)
	case history.Attempt, history.Requested, history.Listened:
		return attemptSentence(e)
	case history.Lost:
		return lostSentence(e)
	case history.GaveUp:
		return "gave up: " + e.Class
	case history.Dialed, history.Hung:
		return dialedSentence(e)
	case history.Probe:
		return probeSentence(e)
	case history.TrackStored, history.TrackFound, history.StoreRead, history.MailTaken, history.MailsRead:
		return storeSentence(e)
	case history.BaselineFailed:
		return "the system was not healthy before the first fault: " + e.Detail
	case history.RunEnded:
		return strings.TrimSuffix("the run is over: "+e.Detail, ": ")
	default:
		return ""
	}
}

func answerSentence(e history.Event) string {
	hosts := strings.Join(e.Hosts, ", ")
	if hosts == "" {
		hosts = "nothing"
	}
	who := "clients near " + e.Subject + " are"
	if strings.Contains(e.Subject, ".") {
		who = "whoever looks up " + e.Subject + " is"
	}
	s := who + " now answered " + hosts
	if e.Class == "fail-open" {
		s += ", for nothing is healthy anywhere"
	}
	return s
}

func attemptSentence(e history.Event) string {
	switch e.Kind {
	case history.Requested:
		return requestSentence(e)
	case history.Listened:
		return listenedSentence(e)
	}
	s := outcomeSentence(e, " after "+span(e.Took))
	if e.Count > 1 {
		s += fmt.Sprintf(": the last of %s attempts alike", number(e.Count))
	}
	return s
}

func requestSentence(e history.Event) string {
	if e.Class == "ok" {
		return fmt.Sprintf("%s answered by %s, in %s at most", areOf(e.Times(), "request"), e.Peer, span(e.Took))
	}
	return outcomeSentence(e, " after "+span(e.Took)) + ", asked for " + e.Subject
}

func listenedSentence(e history.Event) string {
	why := map[string]string{
		"unresolved": "the name does not resolve", "timeout": "nothing comes from " + e.Peer, "refused": e.Peer + " refuses", "reset": e.Peer + " reset the connection",
		"eof": e.Peer + " closed the connection", "answered": fmt.Sprintf("%s answers %d", e.Peer, e.Status),
	}[e.Class]
	switch {
	case e.OK && why == "":
		return fmt.Sprintf("listened for %s through %s", span(e.Took), e.Peer)
	case e.OK:
		return fmt.Sprintf("listened for %s through %s, until %s", span(e.Took), e.Peer, why)
	case why == "":
		return "heard nothing for " + span(e.Took) + " while it tuned in"
	}
	return fmt.Sprintf("heard nothing for %s: %s", span(e.Took), why)
}

func outcomeSentence(e history.Event, took string) string {
	switch e.Class {
	case "accepted":
		return fmt.Sprintf("was accepted by %s%s, from frame %d", e.Peer, took, e.Frame)
	case "answered":
		return fmt.Sprintf("was answered %d by %s%s", e.Status, e.Peer, took)
	case "declined":
		return e.Peer + " would not speak so"
	case "unresolved":
		return "could not resolve the name"
	case "refused":
		return "was refused a connection by " + e.Peer + took
	case "reset":
		return e.Peer + " reset the connection" + took
	case "eof":
		return e.Peer + " closed the connection without an answer" + took
	case "timeout":
		return "got no answer from " + e.Peer + ", gave it up" + took
	}
	return fmt.Sprintf("did not get through to %s: %s%s", e.Peer, e.Class, took)
}

func lostSentence(e history.Event) string {
	how := map[string]string{
		"reset":   "was reset",
		"eof":     "was closed",
		"timeout": "fell silent",
		"dropped": "ended on its own side",
	}[e.Class]
	if how == "" {
		how = "ended (" + e.Class + ")"
	}
	return fmt.Sprintf("its connection to %s %s; frame %d is the first not sent", e.Peer, how, e.Frame)
}

func dialedSentence(e history.Event) string {
	if e.Kind == history.Hung {
		return fmt.Sprintf("a connection from %s to %s ended (%s)", e.Subject, e.Peer, e.Class)
	}
	if e.Class == "ok" {
		return e.Subject + " opened a connection to " + e.Peer
	}
	return fmt.Sprintf("%s could not open a connection to %s: %s", e.Subject, e.Peer, e.Class)
}

// storeSentence tells of what is published, and who is told.
func storeSentence(e history.Event) string {
	switch e.Kind {
	case history.MailTaken:
		if e.Class == "blank" {
			return "a blank mail goes to " + e.Subject
		}
		return "a mail goes to " + e.Subject + ": its show is published"
	case history.MailsRead:
		return "the relay took " + plural(e.Count, "mail")
	case history.TrackStored:
		return "a track is in the store: " + e.File + ", " + plural(e.Bytes, "byte")
	case history.StoreRead:
		return fmt.Sprintf("the store holds %s, and %s left half done", plural(e.Count, "object"), plural(e.Of, "upload"))
	}
	s := fmt.Sprintf("at the end %s holds %s of %s", e.File, plural(e.Count, "frame"), cmp.Or(e.Subject, "nobody in the plan"))
	if e.Bad > 0 {
		s += ", and " + plural(e.Bad, "piece") + " that are none"
	}
	return s
}

func probeSentence(e history.Event) string {
	what := e.Detail
	if what == "redis-write" {
		what = "a write on a fresh connection"
	}
	result := "worked"
	if !e.OK {
		result = "failed (" + e.Class + ")"
	}
	return fmt.Sprintf("from beside %s, %s to %s %s", e.Subject, what, e.Peer, result)
}

// plain is an event that has no sentence of its own.
func plain(e history.Event) string {
	parts := []string{e.Subject, e.Peer, e.Fault, e.Class, strings.Join(e.Hosts, ", "), e.File, e.Detail}
	var some []string
	for _, s := range parts {
		if s != "" {
			some = append(some, s)
		}
	}
	return strings.Join(append([]string{string(e.Kind)}, some...), " · ")
}

func healthWord(ok bool) string {
	if ok {
		return "healthy"
	}
	return "unhealthy"
}
