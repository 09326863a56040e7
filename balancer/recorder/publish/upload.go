package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"deadair/balancer/audio"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
)

// publish puts an edition's tracks into the store, and its record. It may be called
// again after any of its steps.
func (s *sitting) publish(key, tag string, record Record, next Edition) outcome {
	if s.state.Plan != next.Plan {
		if out := s.note(manifest.Line{Type: manifest.Stitched, Plan: next.Plan}, outcome{}); out.err != nil {
			return out
		}
	}
	pieces, tracks, err := s.join(next.Parts, -1, nil)
	if err != nil {
		return outcome{err: err}
	}
	next.Tracks, next.Places = s.describe(next.Parts, pieces, tracks), places(pieces, tracks)
	if !slices.ContainsFunc(record.Underway, func(e Edition) bool { return e.Plan == next.Plan }) {
		record.Underway = append(record.Underway, next)
		record.Underway = record.Underway[max(0, len(record.Underway)-maxUnderway):]
		if tag, err = writeRecord(s.ctx, s.p.cfg.Store, key, tag, record); err != nil {
			return storeError(err)
		}
	}
	for i := range next.Tracks {
		if out := s.upload(record, &next, i, tracks[i].Head()); out.err != nil {
			return out
		}
	}
	if out := s.note(manifest.Line{Type: manifest.Published, Plan: next.Plan}, outcome{}); out.err != nil {
		return out
	}
	record.Edition, record.Underway = &next, nil
	if _, err := writeRecord(s.ctx, s.p.cfg.Store, key, tag, record); err != nil {
		return storeError(err)
	}
	s.p.cfg.Log.Info("session published", "session", s.mine.Session, "revision", next.Revision, "tracks", len(next.Tracks))
	return s.verify(next)
}

// describe is what the record says of the tracks.
func (s *sitting) describe(parts []Part, pieces []audio.Piece, tracks []audio.Track) []Track {
	all := make([]Track, len(tracks))
	for i := range tracks {
		t := &tracks[i]
		all[i] = Track{
			Key: trackKey(s.p.cfg.Prefix, s.mine.Session, i, t.Format.Ext()), Format: t.Format.Ext(),
			Bytes: t.Bytes + int64(len(t.Head())), Seconds: t.Duration.Seconds(), Gaps: []Gap{},
		}
	}
	for i, piece := range pieces {
		if piece.To < piece.From {
			continue
		}
		t := &all[piece.From]
		t.Repeated += piece.Repeated
		t.Silenced += piece.Silenced
		if i > 0 && !parts[i].continues(parts[i-1]) {
			t.Gaps = append(t.Gaps, gap(parts[i-1], parts[i], piece.Start))
		}
	}
	return all
}

// places tells where the parts lie.
func places(pieces []audio.Piece, tracks []audio.Track) []Place {
	all := make([]Place, len(pieces))
	for i, p := range pieces {
		all[i] = Place{Track: -1}
		if p.From == p.To {
			all[i] = Place{Track: p.From, At: int64(len(tracks[p.From].Head())) + p.At, Bytes: p.Bytes}
		}
	}
	return all
}

// gap is the time between two parts that do not go on from one another.
func gap(before, after Part, at time.Duration) Gap {
	g := Gap{At: at.Seconds(), Length: max(0, after.Began.Sub(before.Ended)).Seconds(), Began: before.Ended, Cause: before.Cause}
	if after.Epoch > before.Epoch+1 {
		g.Cause = Missing
	}
	return g
}

// join joins parts into tracks. What belongs to the track only goes to w; -1 is none.
func (s *sitting) join(parts []Part, only int, w io.Writer) ([]audio.Piece, []audio.Track, error) {
	j := audio.NewJoiner(&chosen{only: only, at: -1, w: w})
	pieces := make([]audio.Piece, len(parts))
	for i, p := range parts {
		j.Begin(p.format(), i > 0 && p.continues(parts[i-1]))
		if err := s.feed(j, p); err != nil {
			return nil, nil, fmt.Errorf("read %s of %s: %w", p.File, p.Recorder, err)
		}
		var err error
		if pieces[i], err = j.End(); err != nil {
			return nil, nil, err
		}
	}
	if err := j.Close(); err != nil {
		return nil, nil, err
	}
	return pieces, j.Tracks(), nil
}

// readSize is how much of a segment is read at once, in bytes.
const readSize = 128 << 10

// feed gives a part's bytes to the joiner, from wherever they are.
func (s *sitting) feed(j *audio.Joiner, p Part) error {
	var r io.ReadCloser
	var err error
	switch {
	case slices.ContainsFunc(s.mine.Parts, p.same):
		r, err = s.p.cfg.Library.Open(s.mine.Session, p.File)
	case slices.ContainsFunc(s.others, func(h Holding) bool { return slices.ContainsFunc(h.Parts, p.same) }):
		r, err = s.p.cfg.Peers.Open(s.ctx, p.Recorder, s.mine.Session, p.File)
	default:
		return s.takeOut(j, p)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{until{s.ctx, j}}, io.LimitReader(r, p.Bytes), make([]byte, readSize))
	if err == nil && n < p.Bytes {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// takeOut gives the joiner what the store has of a part: frames of its track, which may
// be of an edition that was published but for its record.
func (s *sitting) takeOut(j *audio.Joiner, p Part) error {
	for _, e := range s.known {
		i := slices.IndexFunc(e.Parts, p.same)
		if i < 0 || len(e.Places) != len(e.Parts) || e.Places[i].Track < 0 {
			continue
		}
		at := e.Places[i]
		track := e.Tracks[at.Track]
		info, err := s.object(track.Key)
		if err != nil {
			return err
		}
		if info.Meta[planMeta] != e.Plan {
			continue
		}
		if track.Format == audio.Ogg.Ext() { // its headers lie before the first part
			first := slices.IndexFunc(e.Places, func(o Place) bool { return o.Track == at.Track })
			if err := s.copyRange(j, track.Key, info.Tag, 0, e.Places[first].At); err != nil {
				return err
			}
		}
		return s.copyRange(j, track.Key, info.Tag, at.At, at.Bytes)
	}
	return objects.ErrChanged
}

// object describes a track in the store.
func (s *sitting) object(key string) (objects.Info, error) {
	if info, ok := s.objects[key]; ok {
		return info, nil
	}
	info, err := s.p.cfg.Store.Head(s.ctx, key)
	if err != nil {
		return info, err
	}
	if s.objects == nil {
		s.objects = map[string]objects.Info{}
	}
	s.objects[key] = info
	return info, nil
}

// rangeSize is how much of a track is read at once, in bytes.
const rangeSize = 1 << 20

func (s *sitting) copyRange(j *audio.Joiner, key, tag string, from, n int64) error {
	for n > 0 {
		data, err := s.p.cfg.Store.Range(s.ctx, key, tag, from, min(n, rangeSize))
		if err == nil && len(data) == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if _, err := j.Write(data); err != nil {
			return err
		}
		from, n = from+int64(len(data)), n-int64(len(data))
	}
	return nil
}

// until is a writer that stops when a context is done.
type until struct {
	ctx context.Context
	w   io.Writer
}

func (u until) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.w.Write(p)
}

// chosen is a sink that hands on one track.
type chosen struct {
	only, at int
	w        io.Writer
}

func (c *chosen) Track(audio.Format) error {
	c.at++
	return nil
}

func (c *chosen) Write(p []byte) (int, error) {
	if c.at != c.only {
		return len(p), nil
	}
	return c.w.Write(p)
}

// upload puts one track into the store, unless it is there.
func (s *sitting) upload(record Record, next *Edition, i int, head []byte) outcome {
	t := &next.Tracks[i]
	there, err := s.p.cfg.Store.Head(s.ctx, t.Key)
	absent := errors.Is(err, objects.ErrNotFound)
	if err != nil && !absent {
		return storeError(err)
	}
	if !absent && there.Meta[planMeta] == next.Plan && there.Size == t.Bytes {
		return outcome{}
	}
	if !absent && !record.knows(there.Meta[planMeta]) {
		return outcome{err: fmt.Errorf("%s is in the store, and not of this session's making: it is left alone", t.Key)}
	}
	u := &uploading{s: s, plan: next.Plan, key: t.Key, format: t.Format, condition: objects.Condition{Absent: absent, Tag: there.Tag}}
	if out := u.begin(); out.err != nil {
		return out
	}
	if _, err := u.Write(head); err != nil {
		return storeError(err)
	}
	if _, _, err := s.join(next.Parts, i, u); err != nil {
		if u.err != nil {
			return storeError(u.err)
		}
		return outcome{err: err}
	}
	return u.complete()
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

// uploading is a track on its way.
type uploading struct {
	s         *sitting
	plan, key string
	format    string
	condition objects.Condition
	id        string
	known     []string // tags of parts that an earlier try has put there
	tags      []string
	buf       []byte
	err       error
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
		if noted.Plan == u.plan && noted.Key == u.key && noted.Upload == id {
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
	return u.s.note(manifest.Line{Type: stage, Plan: u.plan, Key: u.key, Upload: u.id, Parts: u.tags}, outcome{})
}

// Write collects parts and uploads them.
func (u *uploading) Write(p []byte) (int, error) {
	if u.buf == nil {
		u.buf = make([]byte, 0, u.s.p.cfg.PartBytes)
	}
	for rest := p; len(rest) > 0; {
		n := min(len(rest), cap(u.buf)-len(u.buf))
		u.buf = append(u.buf, rest[:n]...)
		rest = rest[n:]
		if len(u.buf) == cap(u.buf) {
			if u.err = u.part(); u.err != nil {
				return 0, u.err
			}
		}
	}
	return len(p), nil
}

// part uploads what was collected, unless an earlier try has.
func (u *uploading) part() error {
	n := len(u.tags)
	if n < len(u.known) {
		u.tags, u.buf = append(u.tags, u.known[n]), u.buf[:0]
		return nil
	}
	tag, err := u.s.p.cfg.Store.Part(u.s.ctx, u.key, u.id, n+1, u.buf)
	if err != nil {
		return err
	}
	u.tags, u.buf = append(u.tags, tag), u.buf[:0]
	if out := u.note(manifest.Uploading); out.err != nil {
		return out.err
	}
	return nil
}

// complete makes the object of its parts. An upload that does not exist any more is
// begun anew by the next try, unless it turns out that the object is there.
func (u *uploading) complete() outcome {
	if len(u.buf) > 0 || len(u.tags) == 0 {
		if err := u.part(); err != nil {
			return storeError(err)
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
