package reports

import (
	"fmt"
	"slices"
	"time"

	"deadair/harness/check"
	"deadair/harness/history"
)

// ofShow are the links that a broadcaster tells: the loss, where its client was sent,
// what became of its attempts, and when it was back. It also names the balancers
// tried, those of them that did not take it, and the stretch of time.
func (s story) ofShow(f check.Finding) (all []Link, tried, vain []string, from, to time.Duration) {
	from, to = s.interruption(f)
	first := map[string]int{} // by balancer, the link that counts its failures
	count := map[string]int{}
	for i, e := range s.es {
		if e.Node != f.Subject || e.At < from || e.At > to {
			continue
		}
		if e.Peer != "" && !slices.Contains(tried, e.Peer) {
			tried = append(tried, e.Peer)
		}
		switch {
		case e.Kind == history.Lost:
			all = append(all, s.link(i, "impact", f.Subject+": "+sentence(e, "")))
		case e.Kind == history.Resolved:
			all = append(all, s.link(i, "believed", fmt.Sprintf("DNS tells %s of %s", f.Subject, few(e.Hosts))))
		case e.Kind == history.GaveUp:
			all = append(all, s.link(i, "impact", f.Subject+": "+sentence(e, "")))
		case e.Kind == history.Attempt && e.Class == "accepted":
			all = append(all, s.link(i, "recovery", f.Subject+" "+sentence(e, "")))
		case e.Kind == history.Attempt:
			k, seen := first[e.Peer]
			if !seen {
				k = len(all)
				first[e.Peer] = k
				vain = append(vain, e.Peer)
				all = append(all, s.link(i, "impact", f.Subject+": "+sentence(e, "")))
			}
			count[e.Peer] += e.Times()
			if n := count[e.Peer]; n > 1 {
				all[k].Sentence = sentenceCase(fmt.Sprintf("%s: %s, and in all %d attempts there fail until %s", f.Subject, outcomeSentence(s.es[*all[k].Event], ""), n, instant(s.plan, e.At)))
			}
		}
	}
	return all, tried, vain, from, to
}

// interruption is the stretch of a show that a finding is about: from the loss
// before it to the acceptance after it.
func (s story) interruption(f check.Finding) (from, to time.Duration) {
	from, to = f.At, s.plan.End
	for _, e := range s.es {
		if e.Node != f.Subject {
			continue
		}
		near := e.At <= f.At+time.Second // what was in flight is missing from before the loss
		switch {
		case e.Kind == history.Lost && near:
			from, to = e.At, s.plan.End
		case e.Kind == history.Attempt && e.Class == "accepted" && e.At >= max(from, f.At) && to == s.plan.End:
			to = e.At
		}
	}
	return from, to
}

// ofNode are the links of a finding about a node: when it ended and came back, and
// the attempts of broadcasters at it.
func (s story) ofNode(f check.Finding) (all []Link, to time.Duration) {
	to = f.At
	attempts := 0
	first := -1
	for _, i := range f.Events {
		if i < 0 || i >= len(s.es) {
			continue
		}
		to = max(to, s.es[i].At)
		if s.es[i].Kind == history.Attempt {
			if attempts += s.es[i].Times(); first < 0 {
				first = i
			}
		}
	}
	if first >= 0 {
		all = append(all, s.link(first, "impact", fmt.Sprintf("the first of %s at %s that fail: %s %s", plural(attempts, "attempt"), f.Subject, s.es[first].Node, sentence(s.es[first], ""))))
	}
	gone := false
	for i, e := range s.es {
		switch {
		case e.Subject != f.Subject || e.At > to:
		case e.Kind == history.NodeEnded:
			gone = true
			all = append(all, s.link(i, "impact", sentence(e, "")))
		case e.Kind == history.NodeReady && gone:
			all = append(all, s.link(i, "recovery", sentence(e, "")))
		}
	}
	return all, to
}

// believed is what the health checkers said of a balancer meanwhile: the input on
// which DNS went on to answer with it, or stopped.
func (s story) believed(balancer string, from, to time.Duration) []Link {
	i := slices.IndexFunc(s.books, func(b *ledger) bool { return b.balancer == balancer })
	if i < 0 {
		return nil
	}
	var all []Link
	for k, e := range s.es {
		if e.Subject == balancer && e.Kind == history.Voted && e.At >= from-recent && e.At <= to {
			all = append(all, s.link(k, "believed", sentence(e, "")))
		}
	}
	b := s.books[i]
	if len(all) == 0 && to > from {
		all = append(all, Link{at: from, Role: "believed", Sentence: fmt.Sprintf("Meanwhile %s call %s healthy, and DNS goes on to answer with it.", atLeast(least(b.green, from, to), b.checkers), balancer)})
	}
	dials := 0
	for _, e := range b.dials {
		dials += bit(e.At >= from && e.At <= to)
	}
	if len(b.dials) > 0 && dials == 0 && to-from > time.Minute {
		all = append(all, Link{at: from, Role: "believed", Sentence: fmt.Sprintf("Its own client does not dial Redis once in %s: it goes on with the connections that it has.", span(to-from))})
	}
	return all
}
