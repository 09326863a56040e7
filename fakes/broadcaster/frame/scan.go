package frame

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Found is one frame met by Scan.
type Found struct {
	Offset      int64 // of its first byte in the stream
	Kind        Kind
	Broadcaster uint32
	Number      uint64
	OK          bool // the checksum is right; if not, Broadcaster and Number are not to be trusted
}

// Tally is what Scan saw in all.
type Tally struct {
	Bytes   int64 // of the whole stream
	Frames  int64 // whole frames with the right checksum
	Bad     int64 // whole frames with a wrong checksum
	Foreign int64 // bytes in neither: other formats, tags, holes, and pieces of frames that were cut
}

// scanBuffer holds many frames, so that the reader is asked seldom.
const scanBuffer = 64 << 10

// Scan reads r to its end and calls f for each whole frame, right or bad, in
// order. It may start and end in the middle of a frame, and it falls into step
// again after anything that is not a frame. The error is the reader's.
func Scan(r io.Reader, f func(Found)) (Tally, error) {
	s := scanner{buf: bufio.NewReaderSize(r, scanBuffer), found: f}
	for {
		more, err := s.step()
		if err != nil {
			return s.tally, fmt.Errorf("scan frames: %w", err)
		}
		if !more {
			return s.tally, nil
		}
	}
}

type scanner struct {
	buf   *bufio.Reader
	found func(Found)
	tally Tally
}

// step deals with one frame or one run of foreign bytes.
func (s *scanner) step() (more bool, err error) {
	head, err := s.peek(headerSize)
	if err != nil || len(head) == 0 {
		return false, err
	}
	if len(head) < headerSize {
		return true, s.foreign(len(head))
	}
	k, ok := kindAt(head)
	if !ok {
		return true, s.toNextSync()
	}
	b, err := s.peek(k.Size() + headerSize)
	if err != nil {
		return false, err
	}
	return true, s.candidate(k, b)
}

// candidate judges the bytes b behind a header: the frame and up to a header more.
func (s *scanner) candidate(k Kind, b []byte) error {
	size := k.Size()
	record := headerSize + k.form().sideInfo
	if len(b) < record+len(magic) || string(b[record:][:len(magic)]) != magic {
		return s.foreign(1)
	}
	if len(b) < size {
		return s.foreign(cut(b))
	}
	got := Found{
		Offset:      s.tally.Bytes,
		Kind:        k,
		Broadcaster: uint32(get7(b[record+len(magic):][:idSize])),
		Number:      get7(b[record+len(magic)+idSize:][:numberSize]),
		OK:          [sumSize]byte(b[size-sumSize:size]) == checksum(b[:size-sumSize]),
	}
	if got.OK {
		s.tally.Frames++
		s.found(got)
		return s.skip(size)
	}
	if at := cut(b); at < size {
		return s.foreign(at)
	}
	s.tally.Bad++
	s.found(got)
	return s.skip(size)
}

// cut returns where the next header begins in b, behind b's own, or len(b). A
// header's beginning at the very end counts: frames hold no 0xFF elsewhere.
func cut(b []byte) int {
	for at := 1; ; at++ {
		i := bytes.IndexByte(b[at:], 0xFF)
		if i < 0 {
			return len(b)
		}
		at += i
		if len(b)-at < headerSize {
			return at
		}
		if _, ok := kindAt(b[at:]); ok {
			return at
		}
	}
}

// toNextSync passes over the bytes before the next possible header.
func (s *scanner) toNextSync() error {
	b, err := s.peek(s.buf.Buffered())
	if err != nil {
		return err
	}
	if i := bytes.IndexByte(b[1:], 0xFF); i >= 0 {
		return s.foreign(1 + i)
	}
	return s.foreign(len(b))
}

// peek returns up to n bytes, fewer only at the stream's end.
func (s *scanner) peek(n int) ([]byte, error) {
	b, err := s.buf.Peek(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b, err
}

func (s *scanner) foreign(n int) error {
	s.tally.Foreign += int64(n)
	return s.skip(n)
}

func (s *scanner) skip(n int) error {
	s.tally.Bytes += int64(n)
	_, err := s.buf.Discard(n)
	return err
}
