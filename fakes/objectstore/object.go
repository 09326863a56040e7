package objectstore

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"deadair/balancer/env"
)

// maxObject bounds one object or part, in bytes.
const maxObject = 5 << 30

// put stores an object from one request.
func (s *Store) put(w http.ResponseWriter, r *http.Request, key string) error {
	name := s.blob()
	size, tag, err := s.receive(r, name)
	if err != nil {
		return err
	}
	v := versionOf(r, key)
	v.Blob, v.Size, v.ETag = name, size, hex.EncodeToString(tag)
	if err := s.publish(v, r.Header); err != nil {
		return err
	}
	if s.sick.has(ReplyLost) {
		lose(w)
	}
	w.Header().Set("ETag", quoted(v.ETag))
	return nil
}

// blob is a new file's name.
func (s *Store) blob() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return path.Join(blobDir, strconv.Itoa(s.next))
}

// receive writes a request's body to a file, durably, and checks that it is what the
// client signed.
func (s *Store) receive(r *http.Request, name string) (size int64, tag []byte, err error) {
	signed := r.Header.Get("X-Amz-Content-Sha256")
	if strings.HasPrefix(signed, "STREAMING-") {
		return 0, nil, refuse(http.StatusNotImplemented, "NotImplemented", "bodies in chunks are not known here")
	}
	f, err := s.env.Disk.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	sum, md := sha256.New(), md5.New()
	size, err = io.Copy(io.MultiWriter(f, sum, md), http.MaxBytesReader(nil, r.Body, maxObject))
	if err != nil {
		return 0, nil, refuse(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
	}
	if signed != "UNSIGNED-PAYLOAD" && signed != hex.EncodeToString(sum.Sum(nil)) {
		return 0, nil, refuse(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	if err := f.Sync(); err != nil {
		return 0, nil, err
	}
	return size, md.Sum(nil), s.env.Disk.SyncDir(path.Dir(name))
}

// versionOf is what a request says of the object that it makes.
func versionOf(r *http.Request, key string) Version {
	v := Version{Key: key, Type: r.Header.Get("Content-Type"), Meta: map[string]string{}}
	for name := range r.Header {
		if rest, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-"); ok {
			v.Meta[rest] = r.Header.Get(name)
		}
	}
	return v
}

// publish makes a version the one that is there, if the request's conditions hold.
func (s *Store) publish(v Version, h http.Header) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	old, there := s.there(v.Key)
	if h.Get("If-None-Match") == "*" && there {
		return refuse(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	if want := h.Get("If-Match"); want != "" {
		if !there {
			return refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		}
		if unquoted(want) != old.ETag {
			return refuse(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		}
	}
	return s.add(v)
}

// get answers with an object, or a range of it.
func (s *Store) get(w http.ResponseWriter, r *http.Request, key string) error {
	v, ok := s.there(key)
	if !ok {
		return refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	}
	f, err := s.env.Disk.OpenFile(v.Blob, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	h := w.Header()
	h.Set("ETag", quoted(v.ETag))
	h.Set("Content-Type", v.Type)
	for name, value := range v.Meta {
		h.Set("X-Amz-Meta-"+name, value)
	}
	http.ServeContent(w, r, "", v.At, io.NewSectionReader(f, 0, v.Size))
	return nil
}

func (s *Store) remove(w http.ResponseWriter, key string) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if _, ok := s.there(key); ok {
		if err := s.add(Version{Key: key, Deleted: true}); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// listing is the answer to a list of objects.
type listing struct {
	XMLName     xml.Name `xml:"ListBucketResult"`
	IsTruncated bool     `xml:"IsTruncated"`
	KeyCount    int      `xml:"KeyCount"`
	Contents    []listed `xml:"Contents"`
}

type listed struct {
	Key  string `xml:"Key"`
	ETag string `xml:"ETag"`
	Size int64  `xml:"Size"`
}

// list answers with all objects of a prefix, however many.
func (s *Store) list(w http.ResponseWriter, prefix string) error {
	s.mu.Lock()
	var all listing
	for _, k := range slices.Sorted(maps.Keys(s.now)) {
		if v := s.now[k]; strings.HasPrefix(k, prefix) {
			all.Contents = append(all.Contents, listed{k, quoted(v.ETag), v.Size})
		}
	}
	s.mu.Unlock()
	all.KeyCount = len(all.Contents)
	answerXML(w, all)
	return nil
}

func quoted(tag string) string   { return `"` + tag + `"` }
func unquoted(tag string) string { return strings.Trim(tag, `"`) }

// copyInto appends a file to another one and to a hash.
func copyInto(disk env.Disk, to io.Writer, name string, sum hash.Hash) (int64, error) {
	f, err := disk.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := io.Copy(io.MultiWriter(to, sum), f)
	if err != nil {
		return n, errors.Join(fmt.Errorf("copy %s", name), err)
	}
	return n, nil
}
