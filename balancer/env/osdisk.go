package env

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
)

// OSDisk is a Disk in a directory of the operating system. The directory itself
// is made by the first MkdirAll, creating OpenFile or Free. Names that would leave it
// are refused with fs.ErrInvalid; symbolic links inside it are followed.
func OSDisk(dir string) Disk {
	if dir == "" {
		dir = "."
	}
	return osDisk{root: dir, open: new(atomic.Pointer[os.File])}
}

type osDisk struct {
	root string
	open *atomic.Pointer[os.File] // the root, from the first SyncAll on
}

// SyncAll implements AllSyncer. It waits for what others wrote to the file system, too.
// The root stays open for as long as the process lives: a file system tells of a write
// that failed only who had it open then.
func (d osDisk) SyncAll() error {
	dir := d.open.Load()
	if dir == nil {
		var err error
		if dir, err = os.Open(d.root); err != nil {
			return err
		}
		if !d.open.CompareAndSwap(nil, dir) {
			dir.Close()
			dir = d.open.Load()
		}
	}
	return syncfs(dir)
}

// path is where a name lies, or an error that names the operation and the name.
func (d osDisk) path(op, name string) (string, error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return filepath.Join(d.root, local), nil
}

func (d osDisk) OpenFile(name string, flag int) (File, error) {
	path, err := d.path("open", name)
	if err != nil {
		return nil, err
	}
	if flag&os.O_CREATE != 0 && filepath.Dir(path) == filepath.Clean(d.root) {
		if err := os.MkdirAll(d.root, 0o755); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, flag, 0o644)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (d osDisk) MkdirAll(dir string) error {
	path, err := d.path("mkdir", dir)
	if err != nil {
		return err
	}
	return os.MkdirAll(path, 0o755)
}

func (d osDisk) Rename(from, to string) error {
	source, err := d.path("rename", from)
	if err != nil {
		return err
	}
	target, err := d.path("rename", to)
	if err != nil {
		return err
	}
	return os.Rename(source, target)
}

func (d osDisk) Remove(name string) error {
	path, err := d.path("remove", name)
	if err != nil {
		return err
	}
	return os.Remove(path)
}

func (d osDisk) ReadDir(dir string) ([]fs.DirEntry, error) {
	path, err := d.path("readdir", dir)
	if err != nil {
		return nil, err
	}
	return os.ReadDir(path)
}

func (d osDisk) Stat(name string) (fs.FileInfo, error) {
	path, err := d.path("stat", name)
	if err != nil {
		return nil, err
	}
	return os.Stat(path)
}

func (d osDisk) SyncDir(dir string) error {
	path, err := d.path("syncdir", dir)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	syncErr := f.Sync()
	if err := f.Close(); syncErr == nil {
		return err
	}
	return syncErr
}

func (d osDisk) Free() (free, total int64, err error) {
	if err := os.MkdirAll(d.root, 0o755); err != nil {
		return 0, 0, err
	}
	return statfs(d.root)
}
