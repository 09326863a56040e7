package disk

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"deadair/balancer/env"
)

// Fault is what is wrong with a disk that is otherwise well.
type Fault struct {
	Full  bool          `json:"full,omitempty"`  // nothing is free, and writing or creating gives syscall.ENOSPC
	Error bool          `json:"error,omitempty"` // every operation gives syscall.EIO
	Delay time.Duration `json:"delay,omitempty"` // every operation takes this much longer
}

// FaultOf is a fault by its name: full, error, or slow by a delay.
func FaultOf(kind string, delay time.Duration) (Fault, error) {
	switch kind {
	case "full":
		return Fault{Full: true}, nil
	case "error":
		return Fault{Error: true}, nil
	case "slow":
		return Fault{Delay: delay}, nil
	}
	return Fault{}, fmt.Errorf("a disk has no fault %q", kind)
}

// Trouble is the fault of a host's disk, over all processes' lives. The zero Trouble is
// none. It is safe for concurrent use.
type Trouble struct {
	mu    sync.Mutex // guards all below; not held while sleeping
	fault Fault
	hits  int
	slow  int64
	tell  func(hits int)
}

// Set changes the fault. Hits begin anew.
func (t *Trouble) Set(f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fault, t.hits = f, 0
}

// Hits is how many operations met the fault.
func (t *Trouble) Hits() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hits
}

// Tell has f told of the first hit and of each time that the hits have doubled. It must
// be quick.
func (t *Trouble) Tell(f func(hits int)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell = f
}

// meet lets an operation meet the fault: it waits, or is the error that there is.
func (t *Trouble) meet(op, name string, grows bool) error {
	t.mu.Lock()
	f := t.fault
	hit := f.Error || f.Delay > 0 || f.Full && grows
	tell := func(int) {}
	if hit {
		t.hits++
		if t.tell != nil && t.hits&(t.hits-1) == 0 {
			tell = t.tell
		}
	}
	t.slow++
	hits, delay := t.hits, f.Delay+time.Duration(t.slow%1_000_000) // no two end at the same instant
	t.mu.Unlock()
	if !hit {
		return nil
	}
	tell(hits)
	if f.Delay > 0 {
		time.Sleep(delay)
	}
	switch {
	case f.Error:
		return &fs.PathError{Op: op, Path: name, Err: syscall.EIO}
	case f.Full && grows:
		return &fs.PathError{Op: op, Path: name, Err: syscall.ENOSPC}
	}
	return nil
}

// On is a disk with the trouble.
func (t *Trouble) On(d env.Disk) env.Disk { return troubled{d, t} }

type troubled struct {
	disk env.Disk
	t    *Trouble
}

func (d troubled) OpenFile(name string, flag int) (env.File, error) {
	grows := false
	if flag&os.O_CREATE != 0 {
		_, err := d.disk.Stat(name)
		grows = err != nil
	}
	if err := d.t.meet("open", name, grows); err != nil {
		return nil, err
	}
	f, err := d.disk.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	return troubledFile{f, name, d.t}, nil
}

func (d troubled) MkdirAll(dir string) error {
	_, err := d.disk.Stat(dir)
	if err := d.t.meet("mkdir", dir, err != nil); err != nil {
		return err
	}
	return d.disk.MkdirAll(dir)
}

func (d troubled) Rename(from, to string) error {
	if err := d.t.meet("rename", from, false); err != nil {
		return err
	}
	return d.disk.Rename(from, to)
}

func (d troubled) Remove(name string) error {
	if err := d.t.meet("remove", name, false); err != nil {
		return err
	}
	return d.disk.Remove(name)
}

func (d troubled) ReadDir(dir string) ([]fs.DirEntry, error) {
	if err := d.t.meet("readdir", dir, false); err != nil {
		return nil, err
	}
	return d.disk.ReadDir(dir)
}

func (d troubled) Stat(name string) (fs.FileInfo, error) {
	if err := d.t.meet("stat", name, false); err != nil {
		return nil, err
	}
	return d.disk.Stat(name)
}

func (d troubled) SyncDir(dir string) error {
	if err := d.t.meet("syncdir", dir, false); err != nil {
		return err
	}
	return d.disk.SyncDir(dir)
}

func (d troubled) Free() (free, total int64, err error) {
	if err := d.t.meet("statfs", ".", false); err != nil {
		return 0, 0, err
	}
	free, total, err = d.disk.Free()
	d.t.mu.Lock()
	defer d.t.mu.Unlock()
	if d.t.fault.Full {
		free = 0
	}
	return free, total, err
}

type troubledFile struct {
	env.File
	name string
	t    *Trouble
}

func (f troubledFile) Read(p []byte) (int, error) {
	if err := f.t.meet("read", f.name, false); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (f troubledFile) ReadAt(p []byte, at int64) (int, error) {
	if err := f.t.meet("read", f.name, false); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, at)
}

func (f troubledFile) Write(p []byte) (int, error) {
	if err := f.t.meet("write", f.name, len(p) > 0); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f troubledFile) Sync() error {
	if err := f.t.meet("sync", f.name, false); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f troubledFile) Truncate(size int64) error {
	if err := f.t.meet("truncate", f.name, false); err != nil {
		return err
	}
	return f.File.Truncate(size)
}
