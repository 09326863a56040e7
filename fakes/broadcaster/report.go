package broadcaster

import (
	"slices"
	"time"
)

// maxHeld is how many different failures are told apart between two connections.
const maxHeld = 64

// reporter passes events on, but keeps clients that knock many times a second
// from filling the history with the same failure.
type reporter struct {
	observe func(Event)
	quiet   time.Duration
	answer  repeated   // the last Resolved
	held    []repeated // failed attempts since the last other event, in order of first appearance
}

// repeated is an event that was passed on at since, and n times more was not.
type repeated struct {
	Event
	since time.Time
	n     int
}

func (r *reporter) report(e Event) {
	switch {
	case r.quiet == 0:
		r.observe(e)
	case e.Kind == Resolved:
		r.resolved(e)
	case e.Kind == Attempt && e.Class != Accepted:
		r.failed(e)
	default:
		r.release()
		r.answer = repeated{}
		r.observe(e)
	}
}

// resolved passes an answer on when it is new or the last one long ago.
func (r *reporter) resolved(e Event) {
	last := r.answer
	now := time.Now()
	if last.Kind == e.Kind && last.Class == e.Class && slices.Equal(last.Hosts, e.Hosts) && now.Sub(last.since) < r.quiet {
		return
	}
	r.answer = repeated{Event: e, since: now}
	r.observe(e)
}

// failed passes a failure on when it is the first of its sort or the last one
// long ago, and counts it otherwise.
func (r *reporter) failed(e Event) {
	i := slices.IndexFunc(r.held, func(h repeated) bool {
		return h.Peer == e.Peer && h.Class == e.Class && h.Status == e.Status
	})
	if i < 0 {
		if len(r.held) == maxHeld {
			r.release()
		}
		r.held = append(r.held, repeated{Event: e, since: time.Now()})
		r.observe(e)
		return
	}
	h := &r.held[i]
	h.Event = e
	h.n++
	if time.Since(h.since) >= r.quiet {
		h.since = time.Now()
		r.pass(h)
	}
}

// release passes on what was counted, and forgets the sorts.
func (r *reporter) release() {
	for i := range r.held {
		r.pass(&r.held[i])
	}
	r.held = r.held[:0]
}

func (r *reporter) pass(h *repeated) {
	if h.n == 0 {
		return
	}
	e := h.Event
	e.Count = h.n
	h.n = 0
	r.observe(e)
}
