package objects

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// dirUpload describes an upload, in its directory.
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
		_, err := s.write(s.path(uploadDir, id, dirUploadFile), strings.NewReader(string(data)))
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
	tag, err := s.write(s.path(uploadDir, upload, strconv.Itoa(number)), strings.NewReader(string(body)))
	return tag, told("upload part of", key, err)
}

func (s *dirStore) Complete(_ context.Context, key, upload string, tags []string, c Condition) error {
	u, err := s.open(key, upload)
	if err != nil {
		return told("complete", key, err)
	}
	var parts []io.Reader
	for i := range tags {
		f, err := s.disk.OpenFile(s.path(uploadDir, upload, strconv.Itoa(i+1)), os.O_RDONLY)
		if err != nil {
			return told("complete", key, fmt.Errorf("%w: part %d: %w", ErrNoUpload, i+1, err))
		}
		defer f.Close()
		parts = append(parts, f)
	}
	if _, err := s.place(key, io.MultiReader(parts...), u.Meta, c); err != nil {
		return told("complete", key, err)
	}
	return told("complete", key, s.drop(upload))
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
