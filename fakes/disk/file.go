package disk

import (
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
)

// file is an open file. It implements env.File.
type file struct {
	mount  *Mounted
	node   *node
	name   string
	flag   int
	offset int64 // of the next Read or Write
	closed atomic.Bool
}

func (f *file) do(op string, a access, fn func(half bool) error) error {
	if f.closed.Load() {
		return &fs.PathError{Op: op, Path: f.name, Err: os.ErrClosed}
	}
	return f.mount.doPart(op, f.name, a, func(_ *node, half bool) error { return fn(half) })
}

// writable tells why the file cannot be changed through this handle.
func (f *file) writable() error {
	if f.flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return syscall.EBADF
	}
	return nil
}

func (f *file) readable() error {
	if f.node.isDir() {
		return syscall.EISDIR
	}
	if f.flag&os.O_WRONLY != 0 {
		return syscall.EBADF
	}
	return nil
}

func (f *file) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	err = f.do("read", look, func(bool) error {
		n = f.node.readAt(p, f.offset)
		f.offset += int64(n)
		return f.readable()
	})
	if err == nil && n == 0 {
		return 0, io.EOF
	}
	return n, err
}

func (f *file) ReadAt(p []byte, at int64) (n int, err error) {
	err = f.do("read", look, func(bool) error {
		if at < 0 {
			return syscall.EINVAL
		}
		n = f.node.readAt(p, at)
		return f.readable()
	})
	if err == nil && n < len(p) {
		return n, io.EOF
	}
	return n, err
}

func (f *file) Write(p []byte) (n int, err error) {
	err = f.do("write", change, func(half bool) error {
		if err := f.writable(); err != nil {
			return err
		}
		if half {
			p = p[:len(p)/2]
		}
		n, err = f.writeLocked(p)
		return err
	})
	return n, err
}

// writeLocked writes as much as there is room for.
func (f *file) writeLocked(p []byte) (int, error) {
	d, n := f.mount.disk, f.node
	at := f.offset
	if f.flag&os.O_APPEND != 0 {
		at = n.size
	}
	room := d.capacity - d.used + n.size - at // a hole before it takes room, too
	if d.full {
		room = 0
	}
	short := int64(len(p)) > room
	if short {
		p = p[:max(0, room)]
	}
	if len(p) > 0 {
		d.resizeLocked(n, func() { n.writeAt(p, at) })
	}
	f.offset = at + int64(len(p))
	if short {
		return len(p), syscall.ENOSPC
	}
	return len(p), nil
}

func (f *file) Sync() error {
	return f.do("sync", change, func(bool) error {
		if err := f.mount.disk.err; err != nil {
			f.node.lost = f.node.lost || f.node.durable < f.node.size || len(f.node.patches) > 0
			return err
		}
		f.node.sync()
		return nil
	})
}

func (f *file) Truncate(size int64) error {
	return f.do("truncate", change, func(bool) error {
		d, n := f.mount.disk, f.node
		if err := f.writable(); err != nil || size < 0 {
			return syscall.EINVAL
		}
		if size > n.size && (d.full || size-n.size > d.capacity-d.used) {
			return syscall.ENOSPC
		}
		d.resizeLocked(n, func() { n.truncate(size) })
		return nil
	})
}

func (f *file) Stat() (fi fs.FileInfo, err error) {
	err = f.do("stat", look, func(bool) error {
		fi = f.node.info(f.name)
		return nil
	})
	return fi, err
}

// Close works on a disk that fails and on a mount that has ended.
func (f *file) Close() error {
	if f.closed.Swap(true) {
		return &fs.PathError{Op: "close", Path: f.name, Err: os.ErrClosed}
	}
	return nil
}
