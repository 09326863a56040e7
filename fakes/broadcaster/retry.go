package broadcaster

import (
	"context"
	"time"
)

// tries is how a client's tries went so far.
type tries struct {
	wasOn  bool  // it was on air once
	failed int   // in a row
	last   Event // the last failed attempt or loss
}

// play keeps the show connected until it is over or the client gives up. It
// returns the connection that is open at the end, if any.
func (b *Broadcaster) play(show context.Context) *conn {
	for {
		o := b.connect(show)
		if o.conn != nil {
			lost := b.stream(show, o.conn)
			if lost.Kind == "" {
				return o.conn
			}
			b.close(o.conn)
			b.part(o.conn, lost)
		}
		if show.Err() != nil {
			return nil
		}
		pause, again := b.cfg.Persona.after(&b.tries, o)
		if !b.rest(show, b.clock.waiting(time.Now(), pause)+b.skew) {
			return nil
		}
		if !again {
			last := b.tries.last
			b.reporter.report(Event{Kind: GaveUp, Peer: last.Peer, Class: last.Class, Status: last.Status})
			return nil
		}
	}
}

// after counts what came of a try. It tells how long the client rests then, and
// whether it tries again.
func (p *Persona) after(t *tries, o outcome) (pause Wait, again bool) {
	if o.conn != nil && o.conn.accepted {
		t.wasOn, t.failed = true, 0
		return p.firstRetry(t.last.Class), p.Patience.Again > 0
	}
	t.failed++
	patience := p.Patience.First
	if t.wasOn {
		patience = p.Patience.Again
	}
	switch {
	case o.verdict == GiveUp:
		return Wait{}, false
	case t.wasOn && p.Patience.Real > 0 && t.failed >= p.Patience.Real:
		return Wait{For: time.Duration(patience-p.Patience.Real) * p.Waits.Retry.For}, false
	case t.failed >= patience:
		return Wait{}, false
	case o.conn != nil:
		return p.Waits.FirstRetry, true
	case t.wasOn && t.failed < p.Patience.Rush:
		return Wait{}, true
	}
	return Wait{For: p.Waits.Retry.For + o.pause, Tick: p.Waits.Retry.Tick}, true
}

// firstRetry is the rest after a loss of a class.
func (p *Persona) firstRetry(lost Class) Wait {
	if lost == Reset && p.Waits.AfterReset != (Wait{}) {
		return p.Waits.AfterReset
	}
	return p.Waits.FirstRetry
}

// part reports the end of a connection.
func (b *Broadcaster) part(c *conn, lost Event) {
	if c.unjudged() {
		select {
		case <-c.answered:
			b.judge(c)
		default:
			b.fail(Event{Kind: Attempt, Peer: c.peer, Class: lost.Class, Took: time.Since(c.began)})
			return
		}
	}
	if c.accepted {
		b.tries.last = lost
		b.reporter.report(lost)
	}
}

// fail reports an attempt that failed.
func (b *Broadcaster) fail(e Event) {
	b.tries.last = e
	b.reporter.report(e)
}
