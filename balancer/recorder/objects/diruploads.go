package objects

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"

	"deadair/balancer/env"
)

// dirUpload describes an upload, in its directory. None of it is durable before it is
// complete: what a power cut took is noticed then, and the upload is begun anew.
type dirUpload struct {
	Key  string            `json:"key"`
	Meta map[string]string `json:"meta"`
}

const dirUploadFile = "upload.json"

func (s *dirStore) Begin(_ context.Context, key, _ string, meta map[string]string) (string, error) {
	data, err := json.Marshal(dirUpload{key, meta})
	if err != nil {
		return "", told("begin", key, err)
	}
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	for {
		s.next++
		id := strconv.Itoa(s.next)
		if _, err := s.disk.Stat(s.path(uploadDir, id)); err == nil {
			continue
		}
		_, err := s.draft(s.path(uploadDir, id, dirUploadFile), bytes.NewReader(data))
		return id, told("begin", key, err)
	}
}

// errNone is a directory that is no upload: it was not begun, or is dropped, but for a kill.
var errNone = fmt.Errorf("%w: nothing tells of it", ErrNoUpload)

// open reads what an upload is.
func (s *dirStore) open(key, upload string) (u dirUpload, err error) {
	data, err := s.read(s.path(uploadDir, path.Base(upload), dirUploadFile))
	if errors.Is(err, fs.ErrNotExist) {
		return u, errNone
	}
	if err != nil {
		return u, err
	}
	if json.Unmarshal(data, &u) != nil { // it is whole before anybody is told of the upload
		return u, errNone
	}
	if u.Key != key {
		return u, ErrNoUpload
	}
	return u, nil
}

func (s *dirStore) Part(_ context.Context, key, upload string, number int, body []byte) (string, error) {
	if _, err := s.open(key, upload); err != nil {
		return "", told("upload part of", key, err)
	}
	tag, err := s.draft(s.partPath(upload, number), bytes.NewReader(body))
	return tag, told("upload part of", key, err)
}

func (s *dirStore) Complete(_ context.Context, key, upload string, tags []string, c Condition) error {
	u, err := s.open(key, upload)
	if err != nil {
		return told("complete", key, err)
	}
	var parts []env.File
	defer func() {
		for _, f := range parts {
			f.Close()
		}
	}()
	for i := range tags {
		f, err := s.disk.OpenFile(s.partPath(upload, i+1), os.O_RDONLY)
		if err != nil {
			return told("complete", key, fmt.Errorf("%w: part %d: %w", ErrNoUpload, i+1, err))
		}
		parts = append(parts, f)
	}
	join := func(name string) (string, error) { return s.join(name, upload, parts, tags) }
	if _, err := s.place(key, join, u.Meta, c); err != nil {
		return told("complete", key, err)
	}
	return told("complete", key, s.drop(upload))
}

func (s *dirStore) partPath(upload string, number int) string {
	return s.path(uploadDir, upload, strconv.Itoa(number))
}

// join makes one file of an upload's parts, if they still are what was uploaded: a power cut
// may have taken some of them. The only part, which most shows have, becomes that file and
// is not copied.
func (s *dirStore) join(name, upload string, parts []env.File, tags []string) (tag string, err error) {
	sums := make([]hash.Hash64, len(parts))
	read := make([]io.Reader, len(parts))
	for i, f := range parts {
		sums[i] = newSum()
		read[i] = io.TeeReader(f, sums[i])
	}
	if len(parts) == 1 {
		_, err = io.Copy(io.Discard, read[0])
	} else {
		tag, err = s.write(name, io.MultiReader(read...))
	}
	if err != nil {
		return "", err
	}
	for i, sum := range sums {
		if tagOf(sum) != tags[i] {
			return "", fmt.Errorf("%w: part %d is not what was uploaded", ErrNoUpload, i+1)
		}
	}
	if len(parts) > 1 {
		return tag, nil
	}
	if err := parts[0].Sync(); err != nil {
		return "", err
	}
	if err := s.disk.Rename(s.partPath(upload, 1), name); err != nil {
		return "", err
	}
	return tags[0], s.syncDirs(path.Dir(name))
}

func (s *dirStore) Abort(_ context.Context, key, upload string) error {
	_, err := s.open(key, upload)
	if errors.Is(err, errNone) { // what a kill left of it goes
		if err := s.sweep(path.Base(upload)); err != nil {
			return told("abort", key, err)
		}
	}
	if err != nil {
		return told("abort", key, err)
	}
	return told("abort", key, s.drop(upload))
}

// sweep removes what is left of an upload, if anything is.
func (s *dirStore) sweep(upload string) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if err := s.clear(upload); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// drop removes an upload, what makes it one first.
func (s *dirStore) drop(upload string) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if err := s.disk.Remove(s.path(uploadDir, upload, dirUploadFile)); err != nil {
		return err
	}
	return s.clear(upload)
}

// clear removes what is left of an upload. Who calls it has the turn.
func (s *dirStore) clear(upload string) error {
	dir := s.path(uploadDir, upload)
	entries, err := s.disk.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := s.disk.Remove(path.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	if err := s.disk.Remove(dir); err != nil {
		return err
	}
	return s.disk.SyncDir(s.path(uploadDir))
}

func (s *dirStore) Uploads(_ context.Context, key string) ([]string, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	entries, err := s.disk.ReadDir(s.path(uploadDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, told("list uploads of", key, err)
	}
	var ids []string
	for _, e := range entries {
		_, err := s.open(key, e.Name())
		switch {
		case err == nil:
			ids = append(ids, e.Name())
		case e.IsDir() && errors.Is(err, errNone):
			if err := s.clear(e.Name()); err != nil {
				return nil, told("list uploads of", key, err)
			}
		}
	}
	slices.Sort(ids)
	return ids, nil
}
