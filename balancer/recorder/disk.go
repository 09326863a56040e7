package recorder

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"deadair/balancer/env"
)

// trustAfter is how many good checks in a row clear a disk of suspicion.
const trustAfter = 3

// watch knows how a disk is. Its state comes from periodic checks, and at once from
// those who meet an error.
type watch struct {
	disk       env.Disk
	fullAt     float64
	handOverAt float64
	deadline   time.Duration
	wall       func() time.Time
	handOver   func() // called when all shows have to go elsewhere

	mu        sync.Mutex // guards all below; not held during I/O
	free      int64      // bytes
	total     int64
	full      bool // no new shows
	over      bool // no shows at all, until it is below full again
	suspect   bool
	good      int       // checks in a row, while suspect
	why       string    // for people; "" when all is well
	began     time.Time // of the check in progress; zero when there is none
	checkedAt time.Time // wall clock
}

// condition is how a disk is for those who want to write.
type condition struct {
	full    bool // no new shows
	failing bool // nothing
	why     string
	free    int64
	total   int64
	checked time.Time
}

func (w *watch) condition() condition {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := condition{full: w.full, failing: w.over || w.suspect, why: w.why, free: w.free, total: w.total, checked: w.checkedAt}
	if !w.began.IsZero() && time.Since(w.began) > w.deadline {
		c.failing, c.why = true, "slow"
	}
	return c
}

// trouble takes note of an error that somebody met.
func (w *watch) trouble(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if isFull(err) {
		w.full, w.over, w.why = true, true, "full"
		return
	}
	w.suspect, w.good, w.why = true, 0, "error"
}

// run checks the disk until ctx is done.
func (w *watch) run(ctx context.Context, interval, phase time.Duration) {
	timer := time.NewTimer(phase)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(interval)
		w.check()
	}
}

// check writes to the disk and looks how much is free.
func (w *watch) check() {
	w.mu.Lock()
	w.began = time.Now()
	w.mu.Unlock()
	err := tryDisk(w.disk, ".check")
	free, total, freeErr := w.disk.Free()
	if err == nil {
		err = freeErr
	}
	if w.judge(free, total, err) {
		w.handOver()
	}
}

// judge takes over the result of a check and tells whether the shows have to go.
func (w *watch) judge(free, total int64, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	took := time.Since(w.began)
	w.began, w.checkedAt = time.Time{}, w.wall()
	used := 0.0
	if total > 0 {
		w.free, w.total = free, total
		used = 1 - float64(free)/float64(total)
	}
	noRoom := used >= w.handOverAt || isFull(err)
	w.full = noRoom || used >= w.fullAt
	w.over = noRoom || w.over && w.full
	switch {
	case err != nil && !isFull(err), took > w.deadline:
		w.suspect, w.good = true, 0
	case w.suspect:
		w.good++
		w.suspect = w.good < trustAfter
	}
	switch {
	case w.suspect:
		w.why = "error"
	case w.full:
		w.why = "full"
	default:
		w.why = ""
	}
	return w.over
}

// tryDisk writes a small file and makes it durable.
func tryDisk(disk env.Disk, name string) error {
	f, err := disk.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	defer f.Close()
	if _, err := f.Write([]byte("on air\n")); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", name, err)
	}
	return nil
}
