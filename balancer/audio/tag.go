package audio

import "bytes"

var (
	id3v1 = []byte("TAG")
	id3v2 = []byte("ID3")
)

// tagLength tells how long the ID3 tag is that b begins with.
func tagLength(b []byte) (int64, answer) {
	if len(b) < 3 {
		if bytes.HasPrefix(id3v1, b) || bytes.HasPrefix(id3v2, b) {
			return 0, more
		}
		return 0, no
	}
	if bytes.HasPrefix(b, id3v1) {
		return 128, yes
	}
	if !bytes.HasPrefix(b, id3v2) {
		return 0, no
	}
	if len(b) < 10 {
		return 0, more
	}
	size := int64(0)
	for _, c := range b[6:10] {
		if c >= 0x80 {
			return 0, no
		}
		size = size<<7 | int64(c)
	}
	size += 10
	if b[5]&0x10 != 0 {
		size += 10 // footer
	}
	return size, yes
}

// skipTag returns the piece of the tag that is there.
func (s *Splitter) skipTag(b []byte) Unit {
	n := min(int64(len(b)), s.tag)
	s.tag -= n
	return Unit{Length: int(n), Kind: Tag}
}
