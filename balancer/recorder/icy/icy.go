// Package icy puts the titles of a show between the bytes of its stream, as SHOUTcast
// does and players ask for with "Icy-MetaData: 1": after every Interval bytes comes a
// byte that counts 16-byte blocks, and these blocks. Bytes in, bytes out.
package icy

import "strings"

// Interval is how many bytes of the stream lie between two titles, as with Icecast.
const Interval = 16000

// maxText is the longest text of one title's blocks, in bytes.
const maxText = 255 * 16

const (
	before = "StreamTitle='"
	after  = "';"
)

// Block is what tells a title, its first byte included.
func Block(title string) []byte {
	title = escape(title)
	title = title[:min(len(title), maxText-len(before)-len(after))]
	text := before + strings.ToValidUTF8(title, "") + after
	n := (len(text) + 15) / 16
	block := make([]byte, 1+16*n)
	block[0] = byte(n)
	copy(block[1:], text)
	return block
}

// escape makes a title one that ends where it should. There is no way to quote: players
// read up to the first "';".
func escape(title string) string {
	title = strings.ToValidUTF8(title, "\uFFFD")
	title = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, title)
	return strings.ReplaceAll(title, after, "' ;")
}

// Writer interleaves one listener's stream. It has to be made by New.
type Writer struct {
	title func() string
	left  int    // bytes until the next title
	sent  string // the title that the listener knows
	none  [1]byte
}

// New returns a Writer at the beginning of a stream. Title is asked for whenever one is
// due; one that has not changed is not sent again.
func New(title func() string) *Writer { return &Writer{title: title, left: Interval} }

// Append appends what follows in the stream, in pieces, titles included. The pieces are
// parts of p, not copies.
func (w *Writer) Append(pieces [][]byte, p []byte) [][]byte {
	for len(p) >= w.left {
		pieces = append(pieces, p[:w.left], w.due())
		p, w.left = p[w.left:], Interval
	}
	if len(p) > 0 {
		pieces = append(pieces, p)
		w.left -= len(p)
	}
	return pieces
}

func (w *Writer) due() []byte {
	title := w.title()
	if title == w.sent {
		return w.none[:]
	}
	w.sent = title
	return Block(title)
}
