package objectstore

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// uploadFile describes an upload, in its folder.
const uploadFile = "upload.json"

// maxParts is the highest number of a part.
const maxParts = 10_000

// upload is an object that is put in parts.
type upload struct {
	ID      string       `json:"id"`
	Version Version      `json:"version"`
	Began   time.Time    `json:"began"`
	Parts   map[int]part `json:"-"`
}

// part is one part, of which the last that was put counts.
type part struct {
	file string
	size int64
	tag  []byte
}

func (u *upload) path(name string) string { return path.Join(uploadDir, u.ID, name) }

// openUploads reads what uploads there are. Their parts are forgotten: whoever wants
// to go on puts them anew.
func (s *Store) openUploads() error {
	entries, err := s.env.Disk.ReadDir(uploadDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		s.next = max(s.next, n)
		f, err := s.env.Disk.OpenFile(path.Join(uploadDir, e.Name(), uploadFile), os.O_RDONLY)
		if err != nil {
			continue // it was not answered, or has ended
		}
		u := &upload{Parts: map[int]part{}}
		err = json.NewDecoder(f).Decode(u)
		f.Close()
		if err != nil {
			return fmt.Errorf("read upload %s: %w", e.Name(), err)
		}
		s.uploads[u.ID] = u
	}
	return nil
}

type beginning struct {
	XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
	Bucket   string   `xml:"Bucket"`
	Key      string   `xml:"Key"`
	UploadID string   `xml:"UploadId"`
}

func (s *Store) begin(w http.ResponseWriter, r *http.Request, key string) error {
	s.mu.Lock()
	s.next++
	u := &upload{ID: strconv.Itoa(s.next), Version: versionOf(r, key), Began: s.env.Wall().UTC(), Parts: map[int]part{}}
	s.mu.Unlock()
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	if err := s.env.Disk.MkdirAll(path.Join(uploadDir, u.ID)); err != nil {
		return err
	}
	if err := errors.Join(appendFile(s.env.Disk, u.path(uploadFile), data), s.env.Disk.SyncDir(uploadDir)); err != nil {
		return err
	}
	s.mu.Lock()
	s.uploads[u.ID] = u
	s.mu.Unlock()
	answerXML(w, beginning{Bucket: s.cfg.Bucket, Key: key, UploadID: u.ID})
	return nil
}

func (s *Store) upload(id string) (*upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.uploads[id]; u != nil {
		return u, nil
	}
	return nil, refuse(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

func (s *Store) putPart(w http.ResponseWriter, r *http.Request, _ string) error {
	if s.sick.has(PartRejected) {
		return refuse(http.StatusBadRequest, "BadDigest", "The Content-MD5 or checksum value that you specified did not match what the server received.")
	}
	u, err := s.upload(r.URL.Query().Get("uploadId"))
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(r.URL.Query().Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return refuse(http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	s.mu.Lock()
	s.next++
	file := u.path(fmt.Sprintf("%d-%d", n, s.next))
	s.mu.Unlock()
	size, tag, err := s.receive(r, file)
	if err != nil {
		return err
	}
	s.mu.Lock()
	u.Parts[n] = part{file, size, tag}
	s.mu.Unlock()
	w.Header().Set("ETag", quoted(hex.EncodeToString(tag)))
	return nil
}

// completion is what a client names of its parts.
type completion struct {
	Parts []struct {
		Number int    `xml:"PartNumber"`
		ETag   string `xml:"ETag"`
	} `xml:"Part"`
}

type completed struct {
	XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
	Bucket  string   `xml:"Bucket"`
	Key     string   `xml:"Key"`
	ETag    string   `xml:"ETag"`
}

func (s *Store) complete(w http.ResponseWriter, r *http.Request, key string) error {
	if s.sick.has(ErrorIn200) {
		w.Header().Set("Content-Type", "application/xml")
		_, _ = w.Write(refuse(0, "InternalError", "We encountered an internal error. Please try again.").body())
		return nil
	}
	u, err := s.upload(r.URL.Query().Get("uploadId"))
	if err != nil {
		return err
	}
	var named completion
	if err := xml.NewDecoder(io.LimitReader(r.Body, 4<<20)).Decode(&named); err != nil {
		return refuse(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	parts, err := s.chosen(u, named)
	if err != nil {
		return err
	}
	v, err := s.join(u, parts)
	if err != nil {
		return err
	}
	if err := s.publish(v, r.Header); err != nil {
		return err
	}
	if err := s.drop(u); err != nil {
		return err
	}
	if s.sick.has(ReplyLost) {
		lose(w)
	}
	answerXML(w, completed{Bucket: s.cfg.Bucket, Key: key, ETag: quoted(v.ETag)})
	return nil
}

// chosen finds the parts that a client names.
func (s *Store) chosen(u *upload, named completion) ([]part, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []part
	last := 0
	for i, p := range named.Parts {
		have, ok := u.Parts[p.Number]
		switch {
		case !ok || hex.EncodeToString(have.tag) != unquoted(p.ETag):
			return nil, refuse(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found.")
		case p.Number <= last:
			return nil, refuse(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order.")
		case have.size < s.cfg.MinPart && i < len(named.Parts)-1:
			return nil, refuse(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		last = p.Number
		parts = append(parts, have)
	}
	if len(parts) == 0 {
		return nil, refuse(http.StatusBadRequest, "MalformedXML", "You must specify at least one part")
	}
	return parts, nil
}

// join makes one file of parts.
func (s *Store) join(u *upload, parts []part) (Version, error) {
	v := u.Version
	v.Blob = s.blob()
	f, err := s.env.Disk.OpenFile(v.Blob, os.O_CREATE|os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return v, err
	}
	defer f.Close()
	tags := md5.New()
	for _, p := range parts {
		n, err := copyInto(s.env.Disk, f, p.file, md5.New())
		if err != nil {
			return v, err
		}
		v.Size += n
		tags.Write(p.tag)
	}
	v.ETag = fmt.Sprintf("%x-%d", tags.Sum(nil), len(parts))
	if err := f.Sync(); err != nil {
		return v, err
	}
	return v, s.env.Disk.SyncDir(blobDir)
}

func (s *Store) abort(w http.ResponseWriter, id string) error {
	u, err := s.upload(id)
	if err != nil {
		return err
	}
	if err := s.drop(u); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// drop ends an upload.
func (s *Store) drop(u *upload) error {
	s.mu.Lock()
	delete(s.uploads, u.ID)
	s.mu.Unlock()
	entries, err := s.env.Disk.ReadDir(path.Join(uploadDir, u.ID))
	if err != nil {
		return err
	}
	if err := s.env.Disk.Remove(u.path(uploadFile)); err != nil { // first: without it there is no upload
		return err
	}
	for _, e := range entries {
		if e.Name() == uploadFile {
			continue
		}
		if err := s.env.Disk.Remove(u.path(e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// uploadListing is the answer to a list of uploads.
type uploadListing struct {
	XMLName     xml.Name       `xml:"ListMultipartUploadsResult"`
	IsTruncated bool           `xml:"IsTruncated"`
	Uploads     []listedUpload `xml:"Upload"`
}

type listedUpload struct {
	Key       string    `xml:"Key"`
	UploadID  string    `xml:"UploadId"`
	Initiated time.Time `xml:"Initiated"`
}

func (s *Store) listUploads(w http.ResponseWriter, prefix string) error {
	s.mu.Lock()
	var all uploadListing
	for _, u := range slices.SortedFunc(maps.Values(s.uploads), func(a, b *upload) int { return cmp.Compare(a.ID, b.ID) }) {
		if strings.HasPrefix(u.Version.Key, prefix) {
			all.Uploads = append(all.Uploads, listedUpload{u.Version.Key, u.ID, u.Began})
		}
	}
	s.mu.Unlock()
	answerXML(w, all)
	return nil
}
