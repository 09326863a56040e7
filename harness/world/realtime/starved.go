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
// waited longest in a quarter of it, and how much of the second one admission can have
// waited: the longest waits of as many processes as it passes through, the harness among them.
type Starved func(node string, worst, path time.Duration)

// countWaits tells how long processes wait, until the world is closed. A process that stands
// still, paused or asleep, does not wait.
func (w *World) countWaits() {
	every := time.NewTicker(waitsEvery)
	defer every.Stop()
	var c waits
	for reading := 1; ; reading++ {
		select {
		case <-w.ctx.Done():
			return
		case <-every.C:
		}
		own, err := proc.Waited(os.Getpid())
		if err != nil {
			return // this system does not count it
		}
		now := map[*node]threads{nil: own}
		for _, n := range w.running() {
			if waited, err := n.proc.Waited(); err == nil { // else it has ended
				now[n] = waited
			}
		}
		c.read(time.Now(), now)
		if reading%waitsTold == 0 {
			w.cfg.Starved(c.told())
		}
	}
}

// threads are how long the threads of a process have waited since each began.
type threads map[string]time.Duration

// waits are how long processes waited. The nil node is the harness.
type waits struct {
	last   map[*node]threads
	at     time.Time
	second map[*node]time.Duration // what came since it was told
	took   time.Duration           // since then
	node   string                  // the one that waited longest between two readings
	worst  time.Duration
}

// read takes in what there is at an instant. Of a process it counts the thread that waited
// longest: what one waits while another one does is not added. The first reading of a thread
// tells nothing yet.
func (c *waits) read(at time.Time, now map[*node]threads) {
	if c.second == nil {
		c.second = map[*node]time.Duration{}
	}
	if c.last != nil {
		c.took += at.Sub(c.at)
	}
	for n, all := range now {
		var most time.Duration
		for id, waited := range all {
			if before, known := c.last[n][id]; known {
				most = max(most, waited-before)
			}
		}
		c.second[n] += most
		if n != nil && most > c.worst {
			c.node, c.worst = n.Name, most
		}
	}
	c.last, c.at = now, at
}

// told is what to tell, and begins anew. Nobody waits longer than the time that has passed.
func (c *waits) told() (node string, worst, path time.Duration) {
	longest := slices.SortedFunc(maps.Values(c.second), func(a, b time.Duration) int { return cmp.Compare(b, a) })
	for _, d := range longest[:min(onePath, len(longest))] {
		path += d
	}
	node, worst, path = c.node, c.worst, min(path, c.took)
	*c = waits{last: c.last, at: c.at}
	return node, worst, path
}
