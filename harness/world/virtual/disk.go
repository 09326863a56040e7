package virtual

import (
	"fmt"
	"sync"

	"deadair/balancer/env"
	"deadair/fakes/disk"
	"deadair/harness/world"
)

var _ world.Disks = (*World)(nil)

// Disk implements world.World. After a power cut ask again.
func (w *World) Disk(hostName string) env.Disk {
	h := w.host(hostName)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.view == nil {
		h.view = h.disk.Mount()
	}
	return h.view
}

// BreakDisk implements world.Disks.
func (w *World) BreakDisk(hostName string, f world.DiskFault) (world.Broken, error) {
	fault, err := disk.FaultOf(f.Kind, f.Delay)
	if err != nil {
		return nil, fmt.Errorf("break the disk of %s: %w", hostName, err)
	}
	h := w.host(hostName)
	h.ill.Set(fault)
	return &brokenDisk{ill: &h.ill}, nil
}

type brokenDisk struct {
	ill  *disk.Trouble
	hits int
	over bool
}

func (b *brokenDisk) Touched() world.Touched {
	if !b.over {
		b.hits = b.ill.Hits()
	}
	return world.Touched{Conns: b.hits}
}

func (b *brokenDisk) Heal() {
	if !b.over {
		b.Touched()
		b.over = true
		b.ill.Set(disk.Fault{})
	}
}

// powerCut cuts the host's disk off, the harness' own view too.
func (h *host) powerCut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.disk.PowerCut()
	h.view = nil
}

// gate holds up who passes it while it is shut.
type gate struct {
	mu     sync.Mutex
	closed chan struct{} // closed when the gate opens; nil while it is open
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == nil {
		g.closed = make(chan struct{})
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		close(g.closed)
		g.closed = nil
	}
}

func (g *gate) pass() {
	g.mu.Lock()
	wait := g.closed
	g.mu.Unlock()
	if wait != nil {
		<-wait
	}
}
