package route53

import (
	"context"
	"sync"
	"time"
)

// quorum is the share of checkers, in percent, that must be exceeded for healthy.
const quorum = 18

// tally holds every checker's opinion of every record.
type tally struct {
	flipped chan struct{} // has one when an opinion changed since the last vote

	mu       sync.Mutex // guards opinions
	opinions [][]bool   // record × checker
	checked  []bool     // per record; never changes
}

func newTally(checkers int, records []record, ok bool) *tally {
	t := &tally{flipped: make(chan struct{}, 1)}
	for _, r := range records {
		of := make([]bool, checkers)
		for i := range of {
			of[i] = ok
		}
		t.opinions = append(t.opinions, of)
		t.checked = append(t.checked, checkers > 0 && r.HealthPort != 0)
	}
	return t
}

func (t *tally) set(checker, record int, ok bool) {
	t.mu.Lock()
	t.opinions[record][checker] = ok
	t.mu.Unlock()
	select {
	case t.flipped <- struct{}{}:
	default:
	}
}

// count votes: a record is healthy if more than the quorum of checkers says so,
// or if nobody checks it.
func (t *tally) count() (healthy []bool, yes []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	healthy, yes = make([]bool, len(t.opinions)), make([]int, len(t.opinions))
	for r, of := range t.opinions {
		for _, ok := range of {
			if ok {
				yes[r]++
			}
		}
		healthy[r] = !t.checked[r] || yes[r]*100 > quorum*len(of)
	}
	return healthy, yes
}

// pending is a vote that is not answered yet.
type pending struct {
	due    time.Time
	health []bool
}

// vote counts opinions on a fixed grid of instants, and has each changed result
// answered one propagation later. It sleeps while no opinion changes.
func (s *Server) vote(ctx context.Context) {
	first := time.Now().Add(s.cfg.Env.Phase("route53 vote", s.cfg.VoteEvery))
	health, _ := s.tally.count()
	var voteAt time.Time  // zero: nothing to count
	var waiting []pending // at most Propagation/VoteEvery+1
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var due <-chan time.Time
		if next := soonest(voteAt, waiting); !next.IsZero() {
			timer.Reset(time.Until(next))
			due = timer.C
		}
		select {
		case <-ctx.Done():
			return
		case <-s.tally.flipped:
			if voteAt.IsZero() {
				voteAt = gridAfter(first, s.cfg.VoteEvery, time.Now())
			}
			continue
		case <-due:
		}
		now := time.Now()
		if len(waiting) > 0 && !now.Before(waiting[0].due) {
			s.publish(waiting[0].health)
			waiting = waiting[1:]
		}
		if !voteAt.IsZero() && !now.Before(voteAt) {
			voteAt = time.Time{}
			if next, changed := s.recount(health); changed {
				health = next
				waiting = append(waiting, pending{now.Add(s.cfg.Propagation), next})
			}
		}
	}
}

func soonest(voteAt time.Time, waiting []pending) time.Time {
	if len(waiting) == 0 || (!voteAt.IsZero() && voteAt.Before(waiting[0].due)) {
		return voteAt
	}
	return waiting[0].due
}

// gridAfter is the first instant after now that is a whole number of steps from first.
func gridAfter(first time.Time, step time.Duration, now time.Time) time.Time {
	if now.Before(first) {
		return first
	}
	return now.Add(step - now.Sub(first)%step)
}

// recount votes and tells the observer whose health changed.
func (s *Server) recount(before []bool) (health []bool, changed bool) {
	health, yes := s.tally.count()
	for i, ok := range health {
		if ok == before[i] {
			continue
		}
		changed = true
		if s.cfg.Observe.Vote != nil {
			s.cfg.Observe.Vote(Vote{Host: s.records[i].Host, OK: ok, Healthy: yes[i], Of: len(s.cfg.Checkers)})
		}
	}
	return health, changed
}
