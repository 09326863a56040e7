package suite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// Sample is what a run in virtual time held at an instant. It is no part of the history:
// how large a heap is depends on more than the plan.
type Sample struct {
	At         time.Duration `json:"at"` // incident time
	Goroutines int           `json:"goroutines"`
	Conns      int           `json:"conns"` // open, on the world's network
	Keys       int           `json:"keys"`  // in the index: sessions, and what balancers try themselves with; zero when it did not answer
	HeapBytes  uint64        `json:"heap_bytes"`
	DiskBytes  int64         `json:"disk_bytes"` // of those, what the world's disks hold
}

// Growth of runs that are shorter than that is not looked at.
const longRun = 6 * time.Hour

// When samples are taken, in virtual time: first when all are on air, then again and again.
const (
	growthFirst = 5 * time.Minute
	growthEvery = 15 * time.Minute
)

// growthFile is where the samples of a long run go, in its folder.
const growthFile = "growth.json"

// held is what a world of virtual time holds.
type held interface {
	Conns() int       // open
	DiskBytes() int64 // on all disks
}

// index is what the system holds outside of its own processes.
type index interface {
	IndexKeys(ctx context.Context) (int, error)
}

// watchGrowth takes samples of a long run in virtual time until stop is called, which writes them.
func watchGrowth(p *scenario.Plan, dir string, w world.World, x index) (stop func() error) {
	h, ok := w.(held)
	if p.End < longRun || !ok {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan []Sample)
	go func() { ended <- samples(ctx, p.End, h, x) }()
	return func() error {
		cancel()
		all := <-ended
		return errors.Join(grown(all), writeJSON(filepath.Join(dir, growthFile), all))
	}
}

// Limits of what a long run may hold at its end: as much as in its first quarter, and a bit.
const (
	growthShare = 4        // a quarter more goroutines and connections, and of the disks' bytes for room that they keep
	growthFew   = 10       // goroutines, connections or keys
	growthHeap  = 32 << 20 // bytes besides what is on disks
)

// grown tells what a run holds more of in its last quarter than it did in its first. Half
// of a quarter's samples must show it: shows of some minutes, and nodes that are down for
// a while, are no growth.
func grown(all []Sample) error {
	quarter := len(all) / 4
	if quarter == 0 {
		return nil // it was ended early
	}
	median := func(of []Sample, what func(Sample) int) int {
		var all []int
		for _, s := range of {
			all = append(all, what(s))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	var errs []error
	for _, c := range []struct {
		name string
		what func(Sample) int
	}{
		{"goroutines", func(s Sample) int { return s.Goroutines }},
		{"open connections", func(s Sample) int { return s.Conns }},
		{"keys in the index", func(s Sample) int { return s.Keys }},
	} {
		before, after := median(all[:quarter], c.what), median(all[len(all)-quarter:], c.what)
		if after > before+before/growthShare+growthFew {
			errs = append(errs, fmt.Errorf("the run grows: from %d %s in its first quarter to %d in its last", before, c.name, after))
		}
	}
	last := all[len(all)-1]
	if disk := uint64(last.DiskBytes); last.HeapBytes > disk+disk/growthShare+growthHeap {
		errs = append(errs, fmt.Errorf("the run grows: its heap has %d MB at the end, and the disks only %d MB of them", last.HeapBytes>>20, disk>>20))
	}
	return errors.Join(errs...)
}

// samples are those until ctx is done or the shows are over.
func samples(ctx context.Context, end time.Duration, w held, x index) []Sample {
	began := time.Now()
	wait := time.NewTimer(growthFirst)
	defer wait.Stop()
	all := []Sample{}
	for {
		select {
		case <-ctx.Done():
			return all
		case <-wait.C:
		}
		wait.Reset(growthEvery)
		at := time.Since(began)
		if at > end {
			continue
		}
		keys, _ := x.IndexKeys(ctx) // in an outage nobody answers
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		all = append(all, Sample{at, runtime.NumGoroutine(), w.Conns(), keys, m.HeapAlloc, w.DiskBytes()})
	}
}
