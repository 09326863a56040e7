package recorder

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"deadair/balancer/env"
)

// syncWorkers is how many files are synced at once: a journaling file system commits
// them together.
const syncWorkers = 8

// syncTogether is from how many files on a disk that can is told to sync all it holds.
// Fewer are cheaper one by one, and do not wait for what others write to the disk.
const syncTogether = 64

// syncer makes segments durable in rounds, instead of each by itself.
type syncer struct {
	disk     env.Disk
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
	if !s.together(dirty) {
		s.each(dirty)
	}
	s.synced(len(dirty), time.Since(start))
}

// together syncs segments in one step of the disk, if they are many and it can.
func (s *syncer) together(dirty []*segment) bool {
	disk, ok := s.disk.(env.AllSyncer)
	if !ok || len(dirty) < syncTogether {
		return false
	}
	sizes := make([]int64, len(dirty))
	for i, g := range dirty {
		sizes[i] = g.toSync()
	}
	if disk.SyncAll() != nil {
		return false // whose bytes are lost shows when each is synced by itself
	}
	for i, g := range dirty {
		g.durable(sizes[i])
	}
	return true
}

// each syncs segments by themselves.
func (s *syncer) each(dirty []*segment) {
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
}
