package publish

import (
	"errors"
	"fmt"
	"slices"

	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
)

// upload puts one track into the store, unless it is there.
func (s *sitting) upload(record Record, next *Edition, i int, head []byte) outcome {
	t := &next.Tracks[i]
	there, err := s.p.cfg.Store.Head(s.ctx, t.Key)
	absent := errors.Is(err, objects.ErrNotFound)
	if err != nil && !absent {
		return storeError(err)
	}
	if !absent && there.Meta[planMeta] == next.Plan && there.Size == t.Bytes {
		return s.leave(t.Key)
	}
	if !absent && !record.knows(there.Meta[planMeta]) {
		return outcome{err: fmt.Errorf("%s is in the store, and not of this session's making: it is left alone", t.Key)}
	}
	u := &uploading{
		s: s, plan: next.Plan, key: t.Key, format: t.Format, condition: objects.Condition{Absent: absent, Tag: there.Tag},
		size: partSize(s.p.cfg.PartBytes, t.Bytes),
	}
	if out := u.begin(); out.err != nil {
		return out
	}
	_, err = u.Write(head)
	if err == nil {
		_, _, err = s.join(next.Parts, i, u)
	}
	switch {
	case u.failed.err != nil:
		return u.failed
	case err != nil:
		return outcome{err: err}
	}
	return u.complete()
}

// leave gives up the upload that made a track, should the store have died between the
// two.
func (s *sitting) leave(key string) outcome {
	u := s.state.Upload
	if u.Key != key || u.Upload == "" {
		return outcome{}
	}
	if err := s.p.cfg.Store.Abort(s.ctx, key, u.Upload); err != nil && !errors.Is(err, objects.ErrNoUpload) {
		return storeError(err)
	}
	return outcome{}
}

// knows tells whether an object with a plan was put there by this session's editions.
func (r *Record) knows(plan string) bool {
	return r.Edition != nil && r.Edition.Plan == plan || slices.ContainsFunc(r.Underway, func(e Edition) bool { return e.Plan == plan })
}

// contentTypes are by the formats' extensions.
func contentType(format string) string {
	switch format {
	case "mp3":
		return "audio/mpeg"
	case "aac":
		return "audio/aac"
	case "ogg":
		return "audio/ogg"
	}
	return "application/octet-stream"
}

// maxParts is how many parts a track has at most: the manifest names all of them in one line.
const maxParts = 500

// partSize is how large the parts of a track are, in bytes.
func partSize(least, track int64) int64 { return max(least, (track+maxParts-1)/maxParts) }

// uploading is a track on its way.
type uploading struct {
	s         *sitting
	plan, key string
	format    string
	condition objects.Condition
	size      int64 // of a part, in bytes
	id        string
	known     []string // tags of parts that an earlier try has put there
	tags      []string
	buf       []byte
	failed    outcome // of the part that could not be uploaded
}

// begin begins an upload, or goes on with the one that the manifest tells of. Others of
// the key are leftovers of tries of which nothing was noted.
func (u *uploading) begin() outcome {
	store, ctx := u.s.p.cfg.Store, u.s.ctx
	all, err := store.Uploads(ctx, u.key)
	if err != nil {
		return storeError(err)
	}
	noted := u.s.state.Upload
	for _, id := range all {
		if noted.Plan == u.plan && noted.Key == u.key && noted.Upload == id && noted.Bytes == u.size {
			u.id, u.known = id, noted.Parts
			continue
		}
		if err := store.Abort(ctx, u.key, id); err != nil && !errors.Is(err, objects.ErrNoUpload) {
			return storeError(err)
		}
	}
	if u.id != "" {
		return outcome{}
	}
	if out := u.note(manifest.Uploading); out.err != nil {
		return out
	}
	if u.id, err = store.Begin(ctx, u.key, contentType(u.format), map[string]string{planMeta: u.plan}); err != nil {
		return storeError(err)
	}
	return u.note(manifest.Uploading)
}

// note writes down how far the upload is, before it goes on.
func (u *uploading) note(stage manifest.Type) outcome {
	return u.s.note(manifest.Line{Type: stage, Plan: u.plan, Key: u.key, Upload: u.id, Bytes: u.size, Parts: u.tags}, outcome{})
}

// Write collects parts and uploads them.
func (u *uploading) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), int(u.size)-len(u.buf))
		u.buf = append(u.buf, rest[:n]...)
		rest = rest[n:]
		if len(u.buf) == int(u.size) {
			if u.failed = u.part(); u.failed.err != nil {
				return 0, u.failed.err
			}
		}
	}
	return len(p), nil
}

// part uploads what was collected, unless an earlier try has.
func (u *uploading) part() outcome {
	n := len(u.tags)
	if n < len(u.known) {
		u.tags, u.buf = append(u.tags, u.known[n]), u.buf[:0]
		return outcome{}
	}
	tag, err := u.s.p.cfg.Store.Part(u.s.ctx, u.key, u.id, n+1, u.buf)
	if err != nil {
		return storeError(err)
	}
	u.tags, u.buf = append(u.tags, tag), u.buf[:0]
	return u.note(manifest.Uploading)
}

// complete makes the object of its parts. An upload that does not exist any more is
// begun anew by the next try, unless it turns out that the object is there.
func (u *uploading) complete() outcome {
	if len(u.buf) > 0 || len(u.tags) == 0 {
		if out := u.part(); out.err != nil {
			return out
		}
	}
	if out := u.note(manifest.Completing); out.err != nil {
		return out
	}
	err := u.s.p.cfg.Store.Complete(u.s.ctx, u.key, u.id, u.tags, u.condition)
	if errors.Is(err, objects.ErrNoUpload) {
		_ = u.s.p.cfg.Store.Abort(u.s.ctx, u.key, u.id) // it may know the upload, and lack a part
		u.id, u.tags = "", nil
		u.note(manifest.Uploading)
	}
	if err != nil {
		return storeError(err)
	}
	return outcome{}
}
