package objectstore

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"deadair/balancer/env"
)

// Names on the store's disk.
const (
	journalFile = "journal.jsonl"
	blobDir     = "blobs"
	uploadDir   = "uploads"
)

// Version is one state of an object: what was put under its key, and when.
type Version struct {
	Key     string            `json:"key"`
	Deleted bool              `json:"deleted,omitempty"`
	Blob    string            `json:"blob,omitempty"` // its file, relative to the store's disk
	Size    int64             `json:"size,omitempty"` // bytes
	ETag    string            `json:"etag,omitempty"` // without quotes
	Type    string            `json:"type,omitempty"`
	Meta    map[string]string `json:"meta,omitempty"` // by name without x-amz-meta-, in lower case
	At      time.Time         `json:"at"`             // wall clock of the store
}

// Read returns every version of every object on a store's disk, oldest first. A torn
// last line was never answered and is left out.
func Read(disk env.Disk) ([]Version, error) {
	f, err := disk.OpenFile(journalFile, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the store's journal: %w", err)
	}
	defer f.Close()
	var all []Version
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		var v Version
		if err == nil {
			err = json.Unmarshal(line, &v)
		}
		if err != nil {
			return nil, fmt.Errorf("read the store's journal: %w", err)
		}
		all = append(all, v)
	}
}

// Unfinished lists the uploads on a store's disk that were neither completed nor aborted.
func Unfinished(disk env.Disk) ([]string, error) {
	entries, err := disk.ReadDir(uploadDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the store's uploads: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if _, err := disk.Stat(path.Join(uploadDir, e.Name(), uploadFile)); err == nil {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// open reads what is on disk.
func (s *Store) open() error {
	for _, dir := range []string{blobDir, uploadDir} {
		if err := s.env.Disk.MkdirAll(dir); err != nil {
			return err
		}
	}
	if err := mend(s.env.Disk); err != nil {
		return err
	}
	versions, err := Read(s.env.Disk)
	if err != nil {
		return err
	}
	for _, v := range versions {
		s.show(v)
	}
	blobs, err := s.env.Disk.ReadDir(blobDir)
	if err != nil {
		return err
	}
	s.next = len(blobs)
	return s.openUploads()
}

// mend cuts a torn last line off the journal.
func mend(disk env.Disk) error {
	f, err := disk.OpenFile(journalFile, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if whole := bytes.LastIndexByte(data, '\n') + 1; whole < len(data) {
		return f.Truncate(int64(whole))
	}
	return nil
}

// show makes a version the one that is there.
func (s *Store) show(v Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.Deleted {
		delete(s.now, v.Key)
		return
	}
	s.now[v.Key] = v
}

func (s *Store) there(key string) (Version, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.now[key]
	return v, ok
}

// add makes a version the one that is there, durably. Who calls it holds the turn.
func (s *Store) add(v Version) error {
	v.At = s.env.Wall().UTC()
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := appendFile(s.env.Disk, journalFile, append(line, '\n')); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	s.show(v)
	return nil
}

// appendFile appends to a file, which it makes if need be, and returns once that is
// durable.
func appendFile(disk env.Disk, name string, data []byte) error {
	f, err := disk.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return disk.SyncDir(path.Dir(name))
}
