package notice

import (
	"slices"
	"time"
)

// idle is how long a post without work sleeps, unless it is woken.
const idle = time.Hour

// take is the notice that has been due for longest, if anything may be sent now.
func (p *Post) take() *letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.firstLocked()
	if l == nil || time.Until(l.next) > 0 || time.Until(p.shut) > 0 {
		return nil
	}
	return l
}

// left is how long there is nothing to do.
func (p *Post) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.firstLocked()
	if l == nil {
		return idle
	}
	return max(0, time.Until(l.next), time.Until(p.shut))
}

// firstLocked is the notice to be tried first, of those that are not held back.
func (p *Post) firstLocked() *letter {
	var first *letter
	for _, l := range p.due {
		if !l.held && (first == nil || l.next.Before(first.next)) {
			first = l
		}
	}
	return first
}

// hold keeps a notice back until there is another template.
func (p *Post) hold(l *letter, err error) {
	p.mu.Lock()
	l.held = true
	held := 0
	for _, other := range p.due {
		if other.held {
			held++
		}
	}
	p.mu.Unlock()
	p.cfg.Log.Error("notice held back: mend the template", "session", l.Session, "held", held, "err", err)
}

// miss has everybody wait after a failure, and the notice for longer each time.
func (p *Post) miss(l *letter, err error) {
	p.mu.Lock()
	l.fails++
	p.misses++
	l.next = time.Now().Add(p.backoffLocked(l.fails))
	p.shut = time.Now().Add(p.backoffLocked(p.misses))
	p.mu.Unlock()
	p.cfg.Log.Warn("notice not sent", "session", l.Session, "err", err)
}

// backoffLocked is how long to wait after so many failures in a row: between half of the
// time and all of it.
func (p *Post) backoffLocked(fails int) time.Duration {
	most := p.cfg.Backoff << min(fails-1, 16)
	if most <= 0 || most > p.cfg.BackoffMost {
		most = p.cfg.BackoffMost
	}
	return most/2 + time.Duration(p.cfg.Rand.Int64N(int64(most/2)+1))
}

// settle notes how a notice was over, and drops it once that is durable.
func (p *Post) settle(l *letter) error {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	done := line{At: p.cfg.Wall().UTC(), Over: l.Session, How: l.how}
	if err := p.file.add(done); err != nil {
		return err
	}
	p.mu.Lock()
	p.misses, p.shut = 0, time.Time{}
	p.forgetLocked(done)
	if l.how == sent {
		p.counts.Sent++
	} else {
		p.counts.Refused++
	}
	keep := p.linesLocked()
	p.mu.Unlock()
	p.cfg.Log.Info("notice over", "session", l.Session, "how", l.how)
	if p.file.lines < 2*len(keep)+64 {
		return nil
	}
	if err := p.file.rewrite(keep); err != nil {
		p.cfg.Log.Warn("notices not shortened", "err", err) // the next one tries again
	}
	return nil
}

func (p *Post) dueLocked(n Notice, since time.Time) {
	p.due = append(p.due, &letter{Notice: n, since: since})
	p.known[n.Session] = true
}

// forgetLocked drops a notice that is over, and remembers that it was.
func (p *Post) forgetLocked(done line) {
	p.due = slices.DeleteFunc(p.due, func(l *letter) bool { return l.Session == done.Over })
	p.over = append(p.over, done)
	p.known[done.Over] = true
	for len(p.over) > maxOver {
		delete(p.known, p.over[0].Over)
		p.over = p.over[1:]
	}
}

// linesLocked is the shortest file that says the same.
func (p *Post) linesLocked() []line {
	all := slices.Clone(p.over)
	for _, l := range p.due {
		all = append(all, line{At: l.since, Due: &l.Notice})
	}
	return all
}

func (p *Post) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
