package disk

import (
	"io/fs"
	"path"
	"strings"
	"syscall"
	"time"

	"deadair/balancer/env"
)

// Mounted is one server's access to a disk. It implements env.Disk.
type Mounted struct {
	disk *Disk
	gone chan struct{} // closed when the mount ends

	// The disk's mutex guards these.
	ended   bool
	left    int // changes until the mount ends by itself; -1: it does not
	changes int
}

var _ env.Disk = (*Mounted)(nil)

// Unmount ends the mount: whatever is in progress or tried later fails with
// ErrUnmounted and changes nothing. Unmounting twice does nothing.
func (m *Mounted) Unmount() {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.endLocked()
}

// Changes is how many changes were made or tried through this mount.
func (m *Mounted) Changes() int {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	return m.changes
}

func (m *Mounted) endLocked() {
	if m.ended {
		return
	}
	m.ended = true
	close(m.gone)
	delete(m.disk.mounts, m)
}

// access is whether an operation changes what is on the disk.
type access bool

const (
	look   access = false
	change access = true
)

// do waits out the disk's delay and runs one operation with the disk locked.
func (m *Mounted) do(op, name string, a access, f func(root *node) error) error {
	return m.doPart(op, name, a, func(root *node, _ bool) error { return f(root) })
}

// doPart is do for operations that a dying mount leaves half done: f is then called
// with half set. Others are not called.
func (m *Mounted) doPart(op, name string, a access, f func(root *node, half bool) error) error {
	fail := func(err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	m.wait()
	d := m.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if m.ended {
		return fail(ErrUnmounted)
	}
	if a == change {
		m.changes++
		if m.left--; m.left == 0 {
			m.endLocked()
			if op == "write" && d.err == nil {
				_ = f(d.root, true) // the mount is gone, whatever it says
			}
			return fail(ErrUnmounted)
		}
	}
	if d.err != nil && op != "sync" {
		return fail(d.err)
	}
	if err := f(d.root, false); err != nil {
		return fail(err)
	}
	return nil
}

// wait takes the disk's delay, or until the mount ends.
func (m *Mounted) wait() {
	m.disk.mu.Lock()
	delay := m.disk.delay
	if delay > 0 {
		m.disk.delayed++
		delay += time.Duration(m.disk.delayed % 1_000_000)
	}
	m.disk.mu.Unlock()
	if delay <= 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-m.gone:
	}
}

// Rename implements env.Disk.
func (m *Mounted) Rename(from, to string) error {
	if !fs.ValidPath(to) {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrInvalid}
	}
	return m.do("rename", from, change, func(root *node) error {
		source, fromBase, err := root.parent(from)
		if err != nil {
			return err
		}
		target, toBase, err := root.parent(to)
		if err != nil {
			return err
		}
		moved, replaced := source.entries[fromBase], target.entries[toBase]
		switch {
		case moved == nil:
			return syscall.ENOENT
		case moved == replaced:
			return nil
		case moved.isDir() && strings.HasPrefix(to, from+"/"):
			return syscall.EINVAL
		case replaced == nil:
		case replaced.isDir():
			return syscall.EEXIST
		case moved.isDir():
			return syscall.ENOTDIR
		default:
			m.disk.removeLocked(replaced)
		}
		source.set(fromBase, nil)
		target.set(toBase, moved)
		return nil
	})
}

// Remove implements env.Disk.
func (m *Mounted) Remove(name string) error {
	return m.do("remove", name, change, func(root *node) error {
		if name == "." {
			return syscall.EINVAL
		}
		dir, base, err := root.parent(name)
		if err != nil {
			return err
		}
		n := dir.entries[base]
		switch {
		case n == nil:
			return syscall.ENOENT
		case n.isDir() && len(n.entries) > 0:
			return syscall.ENOTEMPTY
		}
		m.disk.removeLocked(n)
		dir.set(base, nil)
		return nil
	})
}

// ReadDir implements env.Disk.
func (m *Mounted) ReadDir(dir string) (list []fs.DirEntry, err error) {
	err = m.do("readdir", dir, look, func(root *node) error {
		n, err := root.find(dir)
		if err != nil {
			return err
		}
		if !n.isDir() {
			return syscall.ENOTDIR
		}
		for _, name := range n.names() {
			list = append(list, fs.FileInfoToDirEntry(n.entries[name].info(name)))
		}
		return nil
	})
	return list, err
}

// Stat implements env.Disk.
func (m *Mounted) Stat(name string) (fi fs.FileInfo, err error) {
	err = m.do("stat", name, look, func(root *node) error {
		n, err := root.find(name)
		if err != nil {
			return err
		}
		fi = n.info(path.Base(name))
		return nil
	})
	return fi, err
}

// SyncDir implements env.Disk.
func (m *Mounted) SyncDir(dir string) error {
	return m.do("syncdir", dir, change, func(root *node) error {
		n, err := root.find(dir)
		if err != nil {
			return err
		}
		if !n.isDir() {
			return syscall.ENOTDIR
		}
		clear(n.undo)
		return nil
	})
}

// Free implements env.Disk.
func (m *Mounted) Free() (free, total int64, err error) {
	err = m.do("statfs", ".", look, func(*node) error {
		total = m.disk.capacity
		if !m.disk.full {
			free = max(0, total-m.disk.used)
		}
		return nil
	})
	return free, total, err
}
