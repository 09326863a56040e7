package child

import (
	"sync"
	"time"

	"deadair/balancer/env"
)

// What a machine's own disk takes is told from this on, and no more often than this, unless it
// is worse than what was told before.
const (
	slowDisk  = 20 * time.Millisecond
	slowEvery = time.Second
)

// watchedDisk is a disk that tells how long the machine's own one kept the node waiting: when
// it is busy with what others write, a sync takes as long as a fault.
type watchedDisk struct {
	env.Disk
	*slowness
}

// slowness tells of waits.
type slowness struct {
	tell func(took time.Duration)

	mu    sync.Mutex // guards what follows
	at    time.Time  // of what was told last
	worst time.Duration
}

// since notes an operation that began at an instant and is over.
func (s *slowness) since(began time.Time) {
	now := time.Now()
	took := now.Sub(began)
	if took < slowDisk {
		return
	}
	s.mu.Lock()
	tell := took > s.worst || now.Sub(s.at) >= slowEvery
	if tell {
		s.at, s.worst = now, took
	}
	s.mu.Unlock()
	if tell {
		s.tell(took)
	}
}

func (d watchedDisk) OpenFile(name string, flag int) (env.File, error) {
	defer d.since(time.Now())
	f, err := d.Disk.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	return watchedFile{f, d.slowness}, nil
}

func (d watchedDisk) Rename(from, to string) error {
	defer d.since(time.Now())
	return d.Disk.Rename(from, to)
}

func (d watchedDisk) SyncDir(dir string) error {
	defer d.since(time.Now())
	return d.Disk.SyncDir(dir)
}

type watchedFile struct {
	env.File
	*slowness
}

func (f watchedFile) Write(b []byte) (int, error) {
	defer f.since(time.Now())
	return f.File.Write(b)
}

func (f watchedFile) Sync() error {
	defer f.since(time.Now())
	return f.File.Sync()
}
