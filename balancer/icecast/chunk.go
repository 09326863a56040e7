package icecast

import (
	"errors"
	"fmt"
	"io"
)

// ErrBodyMalformed is a body that says it is chunked and is not.
var ErrBodyMalformed = errors.New("chunked body malformed")

// maxChunkLine limits the line before a chunk, in bytes: size and extensions.
const maxChunkLine = 256

// Dechunker takes the framing out of a chunked body, piece by piece, in place. The
// zero value is at the beginning of a body.
//
// It is not httputil's chunked reader because that one buffers, and so keeps a
// buffer for as long as it waits.
type Dechunker struct {
	part chunkPart
	left int64 // data bytes to come in this chunk; while reading its line, the size so far
	line int   // bytes of the line so far
	over error // set once nothing more can come
}

// chunkPart is what the next byte belongs to.
type chunkPart int

const (
	chunkSize      chunkPart = iota // hexadecimal digits
	chunkExtension                  // the rest of the line
	chunkData
	chunkEnd // the line end behind the data
)

// Strip moves the data of the body's next piece to the piece's front and returns
// how much it is. The error is io.EOF after the last chunk (what follows, trailers,
// is dropped), or ErrBodyMalformed; there may be data with it, and it comes again
// with every further call.
func (d *Dechunker) Strip(raw []byte) (int, error) {
	n := 0
	for i := 0; i < len(raw) && d.over == nil; {
		if d.part != chunkData {
			d.over = d.frame(raw[i])
			i++
			continue
		}
		m := copy(raw[n:], raw[i:i+int(min(d.left, int64(len(raw)-i)))])
		n, i, d.left = n+m, i+m, d.left-int64(m)
		if d.left == 0 {
			d.part = chunkEnd
		}
	}
	return n, d.over
}

// frame takes a byte that is not data.
func (d *Dechunker) frame(c byte) error {
	if d.line++; d.line > maxChunkLine {
		return fmt.Errorf("%w: a chunk's line is longer than %d bytes", ErrBodyMalformed, maxChunkLine)
	}
	switch {
	case d.part == chunkEnd && c == '\n':
		d.part, d.line = chunkSize, 0
	case d.part == chunkEnd && c == '\r':
	case d.part == chunkEnd:
		return fmt.Errorf("%w: a chunk is longer than its size", ErrBodyMalformed)
	case c == '\n':
		return d.begin()
	case d.part == chunkExtension:
	default:
		return d.digit(c)
	}
	return nil
}

// digit takes a byte of a chunk's size.
func (d *Dechunker) digit(c byte) error {
	v, ok := hexDigit(c)
	switch {
	case ok && d.left>>55 != 0:
		return fmt.Errorf("%w: a chunk's size is out of range", ErrBodyMalformed)
	case ok:
		d.left = d.left<<4 | v
	case d.line > 1 && (c == ';' || c == ' ' || c == '\t' || c == '\r'):
		d.part = chunkExtension
	default:
		return fmt.Errorf("%w: a chunk has no size", ErrBodyMalformed)
	}
	return nil
}

// begin starts a chunk's data at the end of its line.
func (d *Dechunker) begin() error {
	if d.line == 1 {
		return fmt.Errorf("%w: a chunk has no size", ErrBodyMalformed)
	}
	if d.left == 0 {
		return io.EOF
	}
	d.part, d.line = chunkData, 0
	return nil
}

func hexDigit(c byte) (int64, bool) {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0'), true
	case 'a' <= c && c <= 'f':
		return int64(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return int64(c-'A') + 10, true
	}
	return 0, false
}
