package realtime

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"time"

	"deadair/harness/world/proc"
)

const (
	waitsEvery = 250 * time.Millisecond // half the shortest deadline of the servers
	waitsTold  = 4                      // readings
	onePath    = 5                      // processes that an admission passes through: harness, balancer, accounts, Redis, recorder
)

// Starved is told how long processes waited for a processor within a second: the node that
// waited longest in a quarter of it, and the second's longest waits of as many processes as
// one admission passes through, the harness among them, together.
type Starved func(node string, worst, path time.Duration)

// countWaits tells how long processes wait, until the world is closed.
func (w *World) countWaits() {
	every := time.NewTicker(waitsEvery)
	defer every.Stop()
	var c waits
	for n := 1; ; n++ {
		select {
		case <-w.ctx.Done():
			return
		case <-every.C:
		}
		own, err := proc.Waited(os.Getpid())
		if err != nil {
			return // this system does not count it
		}
		now := map[*node]time.Duration{nil: own}
		for _, n := range w.running() {
			if waited, err := n.proc.Waited(); err == nil { // else it has ended
				now[n] = waited
			}
		}
		c.read(now)
		if n%waitsTold == 0 {
			w.cfg.Starved(c.told())
		}
	}
}

// waits are how long processes waited. The nil node is the harness.
type waits struct {
	last   map[*node]time.Duration // each process' sum at the last reading
	second map[*node]time.Duration // what came since it was told
	node   string                  // the one that waited longest between two readings
	worst  time.Duration
}

// read takes in each process' sum. The first one of a process tells nothing yet, and a thread
// that has ended takes its part of the sum with it.
func (c *waits) read(now map[*node]time.Duration) {
	if c.second == nil {
		c.second = map[*node]time.Duration{}
	}
	for n, sum := range now {
		before, known := c.last[n]
		if !known || sum <= before {
			continue
		}
		c.second[n] += sum - before
		if n != nil && sum-before > c.worst {
			c.node, c.worst = n.Name, sum-before
		}
	}
	c.last = now
}

// told is what to tell, and begins anew.
func (c *waits) told() (node string, worst, path time.Duration) {
	longest := slices.SortedFunc(maps.Values(c.second), func(a, b time.Duration) int { return cmp.Compare(b, a) })
	for _, d := range longest[:min(onePath, len(longest))] {
		path += d
	}
	node, worst = c.node, c.worst
	*c = waits{last: c.last}
	return node, worst, path
}
