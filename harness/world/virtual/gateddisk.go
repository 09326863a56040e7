package virtual

import (
	"io/fs"

	"deadair/balancer/env"
)

// gatedDisk is a disk that blocks while its node is paused.
type gatedDisk struct {
	disk env.Disk
	gate *gate
}

func (d gatedDisk) OpenFile(name string, flag int) (env.File, error) {
	d.gate.pass()
	f, err := d.disk.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	return gatedFile{f, d.gate}, nil
}

func (d gatedDisk) MkdirAll(dir string) error {
	d.gate.pass()
	return d.disk.MkdirAll(dir)
}

func (d gatedDisk) Rename(from, to string) error {
	d.gate.pass()
	return d.disk.Rename(from, to)
}

func (d gatedDisk) Remove(name string) error {
	d.gate.pass()
	return d.disk.Remove(name)
}

func (d gatedDisk) ReadDir(dir string) ([]fs.DirEntry, error) {
	d.gate.pass()
	return d.disk.ReadDir(dir)
}

func (d gatedDisk) Stat(name string) (fs.FileInfo, error) {
	d.gate.pass()
	return d.disk.Stat(name)
}

func (d gatedDisk) SyncDir(dir string) error {
	d.gate.pass()
	return d.disk.SyncDir(dir)
}

func (d gatedDisk) Free() (free, total int64, err error) {
	d.gate.pass()
	return d.disk.Free()
}

// gatedFile is an open file of a gatedDisk.
type gatedFile struct {
	env.File
	gate *gate
}

func (f gatedFile) Read(b []byte) (int, error) {
	f.gate.pass()
	return f.File.Read(b)
}

func (f gatedFile) ReadAt(b []byte, at int64) (int, error) {
	f.gate.pass()
	return f.File.ReadAt(b, at)
}

func (f gatedFile) Write(b []byte) (int, error) {
	f.gate.pass()
	return f.File.Write(b)
}

func (f gatedFile) Sync() error {
	f.gate.pass()
	return f.File.Sync()
}

func (f gatedFile) Truncate(size int64) error {
	f.gate.pass()
	return f.File.Truncate(size)
}
