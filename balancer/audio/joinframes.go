package audio

import "github.com/cespare/xxhash/v2"

// frame takes an MP3 or ADTS frame of the stream. At a stream's beginning it may have
// to wait until it is known whether the track has it already.
func (j *Joiner) frame(u Unit, p []byte) error {
	s := j.stream
	if s.join && s.split.Format == MP3 && len(s.match.held) == 0 && isInfo(p) {
		return nil
	}
	t := j.track()
	if s.match.tail != nil && (t == nil || t.Format != s.split.Format || t.mp3.key != s.split.key) {
		s.match = overlap{} // another track has nothing to repeat
	}
	if s.match.add(u, p) {
		return nil
	}
	if err := j.decide(s.match.end()); err != nil {
		return err
	}
	return j.keep(u, p)
}

// decide writes what was held, but for what the track has already.
func (j *Joiner) decide(held []frame, repeated int) error {
	s := j.stream
	for i, f := range held {
		if i < repeated {
			s.piece.Repeated++
			s.flow += room(s.split.Format, f.data) // its bytes are those of the track's end
			continue
		}
		if err := j.keep(f.unit, f.data); err != nil {
			return err
		}
	}
	return nil
}

func room(f Format, p []byte) int {
	if f != MP3 {
		return 0
	}
	return sideOf(p).room
}

// keep adds a frame to the track that it belongs in.
func (j *Joiner) keep(u Unit, p []byte) error {
	s := j.stream
	t := j.track()
	if t == nil || t.Format != s.split.Format || t.mp3.key != s.split.key {
		if err := j.begin(s.split.Format); err != nil {
			return err
		}
		t = j.track()
		t.mp3.key = s.split.key
		if !s.join {
			s.flow = 0 // the stream has changed: what came before is in another track
		}
	}
	hash := xxhash.Sum64(p)
	if t.Format == MP3 {
		side := sideOf(p)
		if side.begin > s.flow {
			p = silenced(p)
			s.piece.Silenced++
		}
		s.flow = min(s.flow+side.room, maxReservoir)
		t.mp3.add(p, t.Bytes)
	}
	j.tail.add(hash)
	return j.add(p, u.Duration, 1)
}
