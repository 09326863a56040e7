// Package disk is an in-memory disk that knows what is durable: a power cut takes
// away every byte that was not synced and every name whose directory was not. It
// can be full, slow or broken. All of it works in virtual time.
//
// A server sees it through a mount ([Disk.Mount]), which ends with the server: what
// its leftover goroutines still try fails. The disk itself stays for the next start
// and for whoever collects evidence.
//
// It does not reorder what was synced, does not lose part of a rename, has no
// permissions, links or modes, and counts bytes of content only as used.
package disk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// ErrUnmounted is the error of every operation of a mount that has ended.
var ErrUnmounted = errors.New("disk unmounted")

// Config describes a disk.
type Config struct {
	Capacity int64 // bytes; 0 means 1 TiB
}

// Disk is one host's disk. It is safe for concurrent use.
type Disk struct {
	mu       sync.Mutex // guards all below and every node; never held while sleeping
	capacity int64
	used     int64
	root     *node
	mounts   map[*Mounted]bool
	full     bool
	err      error
	delay    time.Duration
	delayed  int64 // operations delayed so far
}

// New makes an empty disk.
func New(cfg Config) (*Disk, error) {
	if cfg.Capacity < 0 {
		return nil, fmt.Errorf("disk: capacity must not be negative, got %d bytes", cfg.Capacity)
	}
	if cfg.Capacity == 0 {
		cfg.Capacity = 1 << 40
	}
	return &Disk{capacity: cfg.Capacity, root: newDir(), mounts: map[*Mounted]bool{}}, nil
}

// Mount gives access to the disk until it is unmounted. There may be several mounts.
func (d *Disk) Mount() *Mounted { return d.mount(-1) }

// MountFor is a mount that ends by itself during its n-th change, n ≥ 1: a write
// leaves half of its bytes, any other change does not happen. Changes are what a
// power cut could undo and what makes that impossible: creating, writing, truncating,
// renaming, removing, syncing. It is for stopping a server at each of its steps.
func (d *Disk) MountFor(n int) *Mounted { return d.mount(n) }

func (d *Disk) mount(left int) *Mounted {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := &Mounted{disk: d, left: left, gone: make(chan struct{})}
	d.mounts[m] = true
	return m
}

// Crash ends all mounts, as when the host's processes are killed. Nothing is lost.
func (d *Disk) Crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unmountLocked()
}

// PowerCut ends all mounts and loses all that was not synced: content and names.
func (d *Disk) PowerCut() { d.powerCut(nil) }

// PowerCutTorn is a power cut that loses only part of what was not synced: of each
// file's unsynced end some first bytes stay, of the unsynced names some.
func (d *Disk) PowerCutTorn(rng *rand.Rand) { d.powerCut(rng) }

func (d *Disk) powerCut(rng *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unmountLocked()
	d.root.revert(rng)
	d.used = d.root.bytes()
}

func (d *Disk) unmountLocked() {
	for m := range d.mounts {
		m.endLocked()
	}
}

// SetFull makes the disk full: nothing is free, and writing or creating gives
// syscall.ENOSPC. False ends that.
func (d *Disk) SetFull(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

// SetError makes every operation fail with an error such as syscall.EIO. A Sync that
// fails drops what it should have written for good, as the kernel does: a later Sync
// of that file succeeds and makes nothing durable. Nil ends that.
func (d *Disk) SetError(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

// SetDelay makes every operation that begins from now on take this long, and some
// nanoseconds more so that no two end at the same instant. 0 ends that.
func (d *Disk) SetDelay(delay time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.delay = delay
}
