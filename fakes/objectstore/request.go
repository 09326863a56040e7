package objectstore

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// serve answers one request of a client.
func (s *Store) serve(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	err := s.admit(r, bucket)
	if err == nil {
		err = s.do(w, r, key)
	}
	var no *refusal
	switch {
	case err == nil:
	case errors.As(err, &no):
		no.answer(w)
	default:
		s.env.Log.Error("request failed", "method", r.Method, "key", key, "err", err)
		refuse(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.").answer(w)
	}
}

// admit tells why a request is not even looked at.
func (s *Store) admit(r *http.Request, bucket string) error {
	if s.sick.has(Slow) {
		timer := time.NewTimer(s.sick.state().Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	if s.sick.has(Unavailable) {
		return refuse(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	}
	if err := s.signed(r); err != nil {
		return err
	}
	if s.sick.has(NoBucket) || bucket != s.cfg.Bucket {
		return refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	return nil
}

// signed looks at who signed a request, and when.
func (s *Store) signed(r *http.Request) error {
	who := r.Header.Get("Authorization")
	if !strings.HasPrefix(who, "AWS4-HMAC-SHA256 ") {
		return refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	if !strings.Contains(who, "Credential="+s.cfg.Key+"/") {
		return refuse(http.StatusForbidden, "InvalidAccessKeyId", "The key that you provided does not exist in our records.")
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return refuse(http.StatusForbidden, "AccessDenied", "a request needs a valid Date or x-amz-date header")
	}
	off := s.env.Wall().Sub(at)
	if s.sick.has(ClockSkew) || off > maxSkew || off < -maxSkew {
		return refuse(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	}
	return nil
}

// do carries a request out.
func (s *Store) do(w http.ResponseWriter, r *http.Request, key string) error {
	q := r.URL.Query()
	switch {
	case key == "" && r.Method == http.MethodGet && q.Has("uploads"):
		return s.listUploads(w, q.Get("prefix"))
	case key == "" && r.Method == http.MethodGet:
		return s.list(w, q.Get("prefix"))
	case key == "" && r.Method == http.MethodHead:
		return nil
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return s.get(w, r, key)
	case r.Method == http.MethodPut && q.Has("uploadId"):
		return s.putPart(w, r, key)
	case r.Method == http.MethodPut:
		return s.put(w, r, key)
	case r.Method == http.MethodPost && q.Has("uploads"):
		return s.begin(w, r, key)
	case r.Method == http.MethodPost && q.Has("uploadId"):
		return s.complete(w, r, key)
	case r.Method == http.MethodDelete && q.Has("uploadId"):
		return s.abort(w, q.Get("uploadId"))
	case r.Method == http.MethodDelete:
		return s.remove(w, key)
	}
	return refuse(http.StatusNotImplemented, "NotImplemented", "A header or query you provided requested functionality that is not implemented.")
}
