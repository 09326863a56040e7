package realtime

import (
	"fmt"

	"deadair/fakes/disk"
	"deadair/harness/world"
	"deadair/harness/world/child"
)

var _ world.Disks = (*World)(nil)

// illDisk is a disk fault in force, and what it hit.
type illDisk struct {
	w     *World
	host  string
	fault disk.Fault
	hits  int // guarded by World.mu
}

// BreakDisk implements world.Disks. A node's own process carries the fault out; what is
// somebody else's program does not meet it.
func (w *World) BreakDisk(host string, f world.DiskFault) (world.Broken, error) {
	fault, err := disk.FaultOf(f.Kind, f.Delay)
	if err != nil {
		return nil, fmt.Errorf("break the disk of %s: %w", host, err)
	}
	ill := &illDisk{w: w, host: host, fault: fault}
	w.mu.Lock()
	w.ill[host] = ill
	w.mu.Unlock()
	return ill, w.tellDisk(host, fault)
}

// tellDisk tells a node that runs what is wrong with its disk.
func (w *World) tellDisk(host string, f disk.Fault) error {
	w.mu.Lock()
	n := w.nodes[host]
	runs := n != nil && n.proc != nil
	w.mu.Unlock()
	if !runs {
		return nil
	}
	if err := n.proc.Send(child.Message{Do: child.DiskFault, Disk: &f}); err != nil {
		return fmt.Errorf("break the disk of %s: %w", host, err)
	}
	return nil
}

// diskFault is what is wrong with the disk of a node that starts.
func (w *World) diskFault(host string) disk.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ill := w.ill[host]; ill != nil {
		return ill.fault
	}
	return disk.Fault{}
}

func (w *World) diskHit(host string, hits int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ill := w.ill[host]; ill != nil {
		ill.hits = max(ill.hits, hits)
	}
}

// Touched implements world.Broken.
func (d *illDisk) Touched() world.Touched {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return world.Touched{Conns: d.hits}
}

// Heal implements world.Broken.
func (d *illDisk) Heal() {
	d.w.mu.Lock()
	mine := d.w.ill[d.host] == d
	if mine {
		delete(d.w.ill, d.host)
	}
	d.w.mu.Unlock()
	if mine {
		if err := d.w.tellDisk(d.host, disk.Fault{}); err != nil {
			d.w.cfg.Log.Error("heal a disk", "host", d.host, "err", err)
		}
	}
}
