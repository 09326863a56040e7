package env

import (
	"io"
	"io/fs"
)

// Disk is the part of a file system that a server needs. Names are relative to
// the disk's root, with forward slashes and no "..". Errors are those of package
// os (fs.ErrNotExist, syscall.ENOSPC, syscall.EIO …).
//
// What was written survives the death of the process at once. It survives a
// power cut only after File.Sync, and a new or renamed name only after SyncDir of
// its directory.
type Disk interface {
	// OpenFile opens a file with os.O_* flags; a file it creates has mode 0644.
	OpenFile(name string, flag int) (File, error)
	// MkdirAll makes a directory and its parents.
	MkdirAll(dir string) error
	// Rename moves a file, replacing what was there.
	Rename(from, to string) error
	// Remove deletes a file or an empty directory.
	Remove(name string) error
	// ReadDir lists a directory, sorted by name.
	ReadDir(dir string) ([]fs.DirEntry, error)
	// Stat describes a file.
	Stat(name string) (fs.FileInfo, error)
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Free tells how many bytes are free, and how many the disk has in all.
	Free() (free, total int64, err error)
}

// AllSyncer is a Disk that can make all that was written to it durable in one step, which
// costs far less than file after file when there are many.
type AllSyncer interface {
	// SyncAll makes durable what was written to any file before. After an error, which
	// does not say of which file something was lost, each has to be synced by itself. It
	// is errors.ErrUnsupported where the system has no such step.
	SyncAll() error
}

// File is an open file of a Disk. It is not safe for concurrent use, except ReadAt.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Closer
	// Sync makes the content durable. After an error from Sync the file must not
	// be written again: the kernel may have dropped the pages.
	Sync() error
	// Truncate cuts the file to a size in bytes.
	Truncate(size int64) error
	// Stat describes the file.
	Stat() (fs.FileInfo, error)
}
