package reports

import (
	"time"

	"deadair/harness/history"
)

// holdPosts is when a step took hold, as its far ends tell.
func (s story) holdPosts(a act) []milepost {
	m := s.firstAfter("took hold", a.began, func(e history.Event) bool { return e.Kind == history.FaultTouched && e.Fault == a.ID })
	if m.after < 0 {
		return nil
	}
	return []milepost{m}
}

// clientPosts are what the clients of the shows that a step silenced did: when the last
// of them had the answer of DNS that led it back, and when the last was accepted, which its show's bound allows for.
func (s story) clientPosts(a act) []milepost {
	asked, accepted := milepost{name: "last client told by DNS", event: -1}, milepost{name: "last client accepted", event: -1}
	for _, d := range s.v.Dead {
		for _, g := range d.Gaps {
			if g.Cause != a.ID {
				continue
			}
			lost := s.firstAfter("", a.began, func(e history.Event) bool { return e.Kind == history.Lost && e.Node == d.Broadcaster })
			if lost.after < 0 {
				continue
			}
			since := a.began + lost.after
			back := s.since(a, since, d.Broadcaster, func(e history.Event) bool { return e.Kind == history.Attempt && e.Class == "accepted" })
			accepted.later(back, g.Bound+max(0, g.From-a.began))
			asked.later(s.told(a, since, d.Broadcaster, back), 0)
		}
	}
	var posts []milepost
	for _, m := range []milepost{asked, accepted} {
		if m.event >= 0 {
			posts = append(posts, m)
		}
	}
	return posts
}

// told is the last answer of DNS that a broadcaster had before it was back.
func (s story) told(a act, from time.Duration, who string, back milepost) milepost {
	m := milepost{after: -1, event: -1}
	for i, e := range s.es[:max(0, back.event)] {
		if e.Kind == history.Resolved && e.Node == who && e.At >= from {
			m = milepost{after: e.At - a.began, event: i}
		}
	}
	return m
}

// since is a broadcaster's first event of a sort from an instant on, counted from a step's begin.
func (s story) since(a act, from time.Duration, who string, is func(history.Event) bool) milepost {
	m := s.firstAfter("", from, func(e history.Event) bool { return e.Node == who && is(e) })
	if m.after >= 0 {
		m.after += from - a.began
	}
	return m
}

// later takes the other one's event if it came later, with its bound.
func (m *milepost) later(other milepost, bound time.Duration) {
	if other.after < 0 || m.event >= 0 && other.after <= m.after {
		return
	}
	m.after, m.event, m.max = other.after, other.event, bound
}
