package audio

import (
	"bytes"
	"time"
)

// answer is what can be said about some bytes while more may follow.
type answer uint8

const (
	no   answer = iota // nothing begins here
	more               // not decided before more bytes are there
	yes                // a whole unit is here
)

// header is what the beginning of a frame tells.
type header struct {
	length   int // bytes of the whole frame
	duration time.Duration
	key      uint32 // equal in all frames of one stream
}

// Splitter cuts one stream into units. It keeps no bytes: the caller holds what is
// not decided yet, at most MaxHeld. The zero Splitter finds out the format itself.
// Set Format to skip that, for a stream which is known to begin at a frame.
type Splitter struct {
	// Format is the stream's format. It changes once from Unknown, and becomes
	// Opaque after JunkLimit bytes in a row that were no frame.
	Format Format

	offset int64 // of the next unit
	looked int   // bytes in which no format begins; while Format is Unknown
	synced bool  // the last frame was followed by where we are
	key    uint32
	tag    int64 // bytes of a tag that are still to come
	junk   int   // bytes of junk since the last frame
	ogg    clock
}

// Next returns the unit that data begins with. Data is the stream from where the
// last unit ended; end says that nothing follows it. It returns false when data is
// empty or, before the end, when more bytes are needed to decide. The lengths of all
// units add up to the length of the stream.
func (s *Splitter) Next(data []byte, end bool) (Unit, bool) {
	if len(data) == 0 {
		return Unit{}, false
	}
	u := s.next(data, end)
	if u.Length == 0 {
		return Unit{}, false
	}
	u.Offset = s.offset
	s.offset += int64(u.Length)
	return u, true
}

func (s *Splitter) next(b []byte, end bool) Unit {
	if s.tag > 0 {
		return s.skipTag(b)
	}
	switch s.Format {
	case Unknown:
		return s.detect(b, end)
	case Opaque:
		return Unit{Length: min(len(b), BlockSize), Kind: Block}
	}
	return s.framed(b, end)
}

// framed returns the unit at the beginning of a stream whose format is known.
func (s *Splitter) framed(b []byte, end bool) Unit {
	if s.synced && s.Format != Ogg {
		n, a := tagLength(b)
		if a == yes {
			s.tag = n
			return s.skipTag(b)
		}
		if a == more && !end {
			return Unit{}
		}
	}
	h, a := s.trusted(s.Format, b, end)
	if a == no && s.synced {
		s.synced = false
		h, a = s.trusted(s.Format, b, end)
	}
	switch {
	case a == yes:
		return s.frame(b, h)
	case a == more && !end:
		return Unit{}
	case a == more && s.synced:
		return Unit{Length: len(b), Kind: Torn}
	}
	return s.drop(b)
}

// frame takes the trusted frame at the beginning of b.
func (s *Splitter) frame(b []byte, h header) Unit {
	s.synced, s.key, s.junk = true, h.key, 0
	if s.Format == Ogg {
		return Unit{Length: h.length, Duration: s.ogg.page(b[:h.length]), Kind: Page}
	}
	return Unit{Length: h.length, Duration: h.duration, Kind: Frame}
}

// trusted tells whether b begins with a whole frame that can be relied on. An MP3 or
// ADTS header is only twelve bits of pattern: it counts when it continues the frames
// before it, or when a second one like it follows, or when it is the stream's last.
func (s *Splitter) trusted(f Format, b []byte, end bool) (header, answer) {
	h, a := parse(f, b)
	if a != yes || f == Ogg {
		return h, a
	}
	if s.synced && h.key == s.key {
		if len(b) < h.length {
			return h, more
		}
		return h, yes
	}
	if len(b) < h.length {
		return h, more
	}
	following, a := parse(f, b[h.length:])
	switch {
	case a == more && end:
		return h, yes
	case a == yes && following.key != h.key:
		return h, no
	}
	return h, a
}

func parse(f Format, b []byte) (header, answer) {
	switch f {
	case MP3:
		return parseMP3(b)
	case ADTS:
		return parseADTS(b)
	}
	return parseOgg(b)
}

// drop returns what lies before the next place where a frame may begin.
func (s *Splitter) drop(b []byte) Unit {
	n, most := 1, min(len(b), JunkLimit-s.junk)
	for n < most && !s.maybe(b[n:]) {
		n++
	}
	s.junk += n
	if s.junk >= JunkLimit {
		s.Format = Opaque
	}
	return Unit{Length: n, Kind: Junk}
}

func (s *Splitter) maybe(b []byte) bool {
	if s.Format == Ogg {
		return bytes.HasPrefix(b, oggMagic) || bytes.HasPrefix(oggMagic, b)
	}
	return b[0] == 0xFF && (len(b) == 1 || b[1]&0xE0 == 0xE0)
}
