package publish

import (
	"context"
	"fmt"
	"io"
	"slices"

	"deadair/balancer/audio"
	"deadair/balancer/recorder/objects"
)

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
