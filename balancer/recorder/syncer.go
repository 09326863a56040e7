package recorder

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// syncWorkers is how many files are synced at once: a journaling file system commits
// them together.
const syncWorkers = 8

// syncer makes segments durable in rounds, instead of each by itself.
type syncer struct {
	interval time.Duration // between two rounds
	phase    time.Duration // of the first one
	failed   func(error)   // told of each segment that could not be synced
	synced   func(files int, took time.Duration)

	mu    sync.Mutex // guards dirty
	dirty []*segment // at most one per source, plus those sealed since the last round

	wake chan struct{} // of one: dirty is not empty any more
}

// add tells that a segment was written.
func (s *syncer) add(g *segment) {
	if g.dirty.Swap(true) {
		return
	}
	s.mu.Lock()
	s.dirty = append(s.dirty, g)
	first := len(s.dirty) == 1
	s.mu.Unlock()
	if !first {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run syncs until ctx is done. It sleeps as long as nothing is written.
func (s *syncer) run(ctx context.Context) {
	start := time.Now().Add(s.phase - s.interval)
	timer := time.NewTimer(0)
	<-timer.C
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		timer.Reset(s.interval - time.Since(start)%s.interval)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		s.round()
	}
}

func (s *syncer) round() {
	s.mu.Lock()
	dirty := s.dirty
	s.dirty = nil
	s.mu.Unlock()
	start := time.Now()
	var workers errgroup.Group
	workers.SetLimit(syncWorkers)
	for _, g := range dirty {
		workers.Go(func() error {
			if err := g.sync(); err != nil {
				s.failed(err)
			}
			return nil
		})
	}
	_ = workers.Wait() // no worker returns an error
	s.synced(len(dirty), time.Since(start))
}
