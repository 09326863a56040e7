package objects

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"deadair/balancer/env"
)

// Names beside the objects.
const (
	metaDir   = ".meta"
	uploadDir = ".uploads"
)

// NewDir makes a store of a directory of a disk: an object is a file. It is for one
// server: two that write to one directory do not see each other's conditions in time.
func NewDir(disk env.Disk, dir string) Store {
	return &dirStore{disk: disk, dir: dir, turn: make(chan struct{}, 1)}
}

type dirStore struct {
	disk env.Disk
	dir  string
	turn chan struct{} // of one: held by whoever writes an object or begins an upload
	next int           // number of the last upload; guarded by turn

	mu   sync.Mutex // guards last and dirs; not held during I/O
	last described
	dirs map[string]bool // whose own names are durable
}

// described is an object that was looked at. Large ones are read in many ranges, and
// hashed once.
type described struct {
	key      string
	modified time.Time
	info     Info
}

func (s *dirStore) path(parts ...string) string {
	return path.Join(append([]string{s.dir}, parts...)...)
}

func (s *dirStore) Get(_ context.Context, key string) ([]byte, Info, error) {
	info, err := s.head(key)
	if err != nil {
		return nil, info, told("get", key, err)
	}
	if info.Size > maxSmall {
		return nil, info, told("get", key, ErrTooLarge)
	}
	data, err := s.read(s.path(key))
	return data, info, told("get", key, err)
}

func (s *dirStore) Range(_ context.Context, key, tag string, from, n int64) ([]byte, error) {
	f, err := s.disk.OpenFile(s.path(key), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, told("read", key, ErrNotFound)
	}
	if err != nil {
		return nil, told("read", key, err)
	}
	defer f.Close()
	data := make([]byte, min(n, maxSmall))
	got, err := f.ReadAt(data, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, told("read", key, err)
	}
	info, err := s.head(key) // after reading: the file may have been replaced before
	if err == nil && info.Tag != tag {
		err = ErrChanged
	}
	return data[:got], told("read", key, err)
}

func (s *dirStore) Head(_ context.Context, key string) (Info, error) {
	info, err := s.head(key)
	return info, told("head", key, err)
}

// newSum sums up an object's bytes for its tag. It is to notice a change, not a forger,
// and costs a tenth of what a cryptographic one does.
func newSum() hash.Hash64 { return crc64.New(crc64.MakeTable(crc64.ECMA)) }

func tagOf(sum hash.Hash64) string { return fmt.Sprintf("%016x", sum.Sum64()) }

// head describes an object. Its tag is the hash of its bytes; what is told of these
// bytes lies under that name.
func (s *dirStore) head(key string) (Info, error) {
	f, err := s.disk.OpenFile(s.path(key), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, ErrNotFound
	}
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	if last.key == key && last.modified.Equal(fi.ModTime()) && last.info.Size == fi.Size() {
		return last.info, nil
	}
	info, err := s.describe(key, f)
	if err == nil {
		s.remember(described{key, fi.ModTime(), info})
	}
	return info, err
}

// placed describes an object that has just been made.
func (s *dirStore) placed(key, tag string, meta map[string]string) described {
	fi, err := s.disk.Stat(s.path(key))
	if err != nil {
		return described{}
	}
	info := Info{Tag: tag, Size: fi.Size(), Meta: map[string]string{}}
	maps.Copy(info.Meta, meta)
	return described{key, fi.ModTime(), info}
}

func (s *dirStore) remember(d described) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = d
}

func (s *dirStore) describe(key string, from io.Reader) (Info, error) {
	sum := newSum()
	size, err := io.Copy(sum, from)
	if err != nil {
		return Info{}, err
	}
	info := Info{Tag: tagOf(sum), Size: size, Meta: map[string]string{}}
	data, err := s.read(s.path(metaDir, metaName(key, info.Tag)))
	if errors.Is(err, fs.ErrNotExist) {
		return info, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &info.Meta)
	}
	return info, err
}

func metaName(key, tag string) string { return strings.ReplaceAll(key, "/", "%") + "@" + tag }

func (s *dirStore) read(name string) ([]byte, error) {
	f, err := s.disk.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// write makes a file durable, content and name.
func (s *dirStore) write(name string, from io.Reader) (tag string, err error) {
	if tag, err = s.fill(name, from, env.File.Sync); err != nil {
		return "", err
	}
	return tag, s.syncDirs(path.Dir(name))
}

// draft makes a file that a power cut may take: who needs it makes sure that it is whole.
func (s *dirStore) draft(name string, from io.Reader) (tag string, err error) {
	return s.fill(name, from, func(env.File) error { return nil })
}

// fill makes a file of what is read, and has it synced.
func (s *dirStore) fill(name string, from io.Reader, sync func(env.File) error) (tag string, err error) {
	if err := s.disk.MkdirAll(path.Dir(name)); err != nil {
		return "", err
	}
	f, err := s.disk.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := newSum()
	if _, err := io.Copy(io.MultiWriter(f, sum), from); err != nil {
		return "", err
	}
	return tagOf(sum), sync(f)
}

// syncDirs makes a directory's names durable, and its own name in the directories above
// unless that is done. Directories of objects are never removed.
func (s *dirStore) syncDirs(dir string) error {
	for at := dir; ; at = path.Dir(at) {
		if err := s.disk.SyncDir(at); err != nil {
			return err
		}
		if at == "." || s.settled(at) {
			break
		}
	}
	s.settle(dir)
	return nil
}

// maxSettled bounds the directories that are remembered; beyond it all are forgotten,
// which costs a few syncs more.
const maxSettled = 1024

// settled tells whether a directory's own name is known to be durable.
func (s *dirStore) settled(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dirs[dir]
}

// settle remembers that the names of a directory and of those above it are durable.
func (s *dirStore) settle(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirs == nil || len(s.dirs) >= maxSettled {
		s.dirs = map[string]bool{}
	}
	for ; dir != "."; dir = path.Dir(dir) {
		s.dirs[dir] = true
	}
}

func (s *dirStore) Put(_ context.Context, key string, body []byte, c Condition) (string, error) {
	write := func(name string) (string, error) { return s.write(name, bytes.NewReader(body)) }
	tag, err := s.place(key, write, nil, c)
	return tag, told("put", key, err)
}

// place makes an object, if the condition holds, of a file that write makes durable.
func (s *dirStore) place(key string, write func(name string) (tag string, err error), meta map[string]string, c Condition) (string, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	old, err := s.head(key)
	there := !errors.Is(err, ErrNotFound)
	if there && err != nil {
		return "", err
	}
	switch {
	case c.Absent && there, c.Tag != "" && there && c.Tag != old.Tag:
		return "", ErrChanged
	case c.Tag != "" && !there:
		return "", ErrNotFound
	}
	temp := s.path(uploadDir, "object")
	// After a power cut it may be another name of an object that is there.
	if err := s.disk.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	tag, err := write(temp)
	if err != nil {
		return "", err
	}
	if len(meta) > 0 {
		data, err := json.Marshal(meta)
		if err != nil {
			return "", err
		}
		if _, err := s.write(s.path(metaDir, metaName(key, tag)), bytes.NewReader(data)); err != nil {
			return "", err
		}
	}
	if err := s.disk.MkdirAll(path.Dir(s.path(key))); err != nil {
		return "", err
	}
	if err := s.disk.Rename(temp, s.path(key)); err != nil {
		return "", err
	}
	s.remember(s.placed(key, tag, meta))
	return tag, s.syncDirs(path.Dir(s.path(key)))
}
