package audio

import "bytes"

// Streams that begin like this hold no frames that we know.
var opaqueMagics = [...][]byte{
	{0x1A, 0x45, 0xDF, 0xA3}, // EBML: WebM, Matroska
	[]byte("fLaC"),
	[]byte("RIFF"),
}

// detect finds out the format. A stream may begin in the middle of a frame, because
// an encoder went on while its connection was away.
func (s *Splitter) detect(b []byte, end bool) Unit {
	if n, a := tagLength(b); a == yes && s.looked == 0 {
		s.tag = n
		return s.skipTag(b)
	} else if a == more && s.looked == 0 && !end {
		return Unit{}
	}
	for _, magic := range opaqueMagics {
		if bytes.HasPrefix(b, magic) {
			return s.opaque(b)
		}
	}
	for ; s.looked < min(len(b), DetectLimit); s.looked++ {
		f, a := s.begins(b[s.looked:], end)
		if a == yes {
			return s.found(f, b, end)
		}
		if a == more && !end {
			return Unit{}
		}
	}
	if len(b) >= DetectLimit {
		return s.opaque(b)
	}
	if !end {
		return Unit{}
	}
	if _, a := s.begins(b, false); a == more {
		return Unit{Length: len(b), Kind: Torn}
	}
	return s.opaque(b)
}

// begins tells which format, if any, has a trusted unit at the beginning of b.
func (s *Splitter) begins(b []byte, end bool) (Format, answer) {
	undecided := false
	for _, f := range [...]Format{Ogg, MP3, ADTS} {
		// A lone frame is enough for a whole stream, not for the rest of one.
		h, a := s.trusted(f, b, end && s.looked == 0)
		if a == yes && h.length <= len(b) {
			return f, yes
		}
		undecided = undecided || a == more
	}
	if undecided {
		return Unknown, more
	}
	return Unknown, no
}

func (s *Splitter) found(f Format, b []byte, end bool) Unit {
	n := s.looked
	s.Format, s.looked = f, 0
	if n == 0 {
		return s.framed(b, end)
	}
	return Unit{Length: n, Kind: Junk}
}

func (s *Splitter) opaque(b []byte) Unit {
	s.Format = Opaque
	return Unit{Length: min(len(b), BlockSize), Kind: Block}
}
