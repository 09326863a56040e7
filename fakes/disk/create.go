package disk

import (
	"os"
	"strings"
	"syscall"
	"time"

	"deadair/balancer/env"
)

// OpenFile implements env.Disk.
func (m *Mounted) OpenFile(name string, flag int) (env.File, error) {
	a := look
	if flag&(os.O_CREATE|os.O_TRUNC) != 0 {
		a = change
	}
	f := &file{mount: m, name: name, flag: flag}
	err := m.do("open", name, a, func(root *node) (err error) {
		f.node, err = m.disk.openLocked(root, name, flag)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d *Disk) openLocked(root *node, name string, flag int) (*node, error) {
	dir, base, err := root.parent(name)
	if err != nil {
		return nil, err
	}
	n := dir.entries[base]
	if name == "." {
		n = root
	}
	writes := flag&(os.O_WRONLY|os.O_RDWR) != 0
	switch {
	case n == nil && flag&os.O_CREATE == 0:
		return nil, syscall.ENOENT
	case n == nil && d.full:
		return nil, syscall.ENOSPC
	case n == nil:
		n = &node{modified: time.Now()}
		dir.set(base, n)
	case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, syscall.EEXIST
	case n.isDir() && (writes || flag&os.O_CREATE != 0):
		return nil, syscall.EISDIR
	case flag&os.O_TRUNC != 0:
		d.resizeLocked(n, func() { n.truncate(0) })
	}
	return n, nil
}

// resizeLocked changes a file and counts the bytes that came or went.
func (d *Disk) resizeLocked(n *node, f func()) {
	before := n.size
	f()
	n.modified = time.Now()
	if !n.removed {
		d.used += n.size - before
	}
}

func (d *Disk) removeLocked(n *node) {
	n.removed = true
	d.used -= n.size
}

// MkdirAll implements env.Disk.
func (m *Mounted) MkdirAll(dir string) error {
	return m.do("mkdir", dir, change, func(n *node) error {
		if dir == "." {
			return nil
		}
		for part := range strings.SplitSeq(dir, "/") {
			next := n.entries[part]
			switch {
			case next == nil && m.disk.full:
				return syscall.ENOSPC
			case next == nil:
				next = newDir()
				n.set(part, next)
			case !next.isDir():
				return syscall.ENOTDIR
			}
			n = next
		}
		return nil
	})
}
