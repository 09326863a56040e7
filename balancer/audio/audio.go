// Package audio cuts a stream of encoded audio into its smallest whole parts: MP3
// frames, ADTS frames, Ogg pages. What it does not know it cuts into opaque blocks. And
// it joins what several connections brought of one show into tracks that play from
// their beginning to their end.
//
// It looks at bytes only: no content type, no decoding, no I/O, no clock.
package audio

import "time"

// Limits of what a [Splitter] asks its caller to hold, in bytes.
const (
	// MaxUnit is the longest frame or page: an Ogg page with 255 full segments.
	MaxUnit = 27 + 255 + 255*255
	// DetectLimit is how far into a stream its format is looked for.
	DetectLimit = 16 << 10
	// MaxHeld is the most that Next can leave undecided at once.
	MaxHeld = DetectLimit + MaxUnit
	// JunkLimit is how much in a row may be thrown away as junk. After that the
	// stream is taken for opaque, so that a wrong guess cannot lose a show.
	JunkLimit = 64 << 10
	// BlockSize is the longest opaque block.
	BlockSize = 64 << 10
)

// Format is how a stream is framed.
type Format uint8

// The formats. Unknown is a stream that was not looked at yet.
const (
	Unknown Format = iota
	MP3            // MPEG 1, 2 and 2.5 layer III
	ADTS           // AAC with ADTS headers
	Ogg            // Opus, Vorbis, FLAC and others in Ogg pages
	Opaque         // anything else
)

// Ext is the file name extension of a format, without a dot. It is "bin" for
// Opaque and Unknown.
func (f Format) Ext() string {
	switch f {
	case MP3:
		return "mp3"
	case ADTS:
		return "aac"
	case Ogg:
		return "ogg"
	}
	return "bin"
}

// FormatOf is the format with a file name extension. Extensions that Ext does not
// give are Opaque.
func FormatOf(ext string) Format {
	for _, f := range []Format{MP3, ADTS, Ogg} {
		if f.Ext() == ext {
			return f
		}
	}
	return Opaque
}

// Kind is what a unit is.
type Kind uint8

// The kinds. Frame, Page and Block carry audio.
const (
	Frame Kind = iota + 1 // a whole MP3 or ADTS frame
	Page                  // a whole Ogg page with a good checksum
	Block                 // a piece of an opaque stream
	Tag                   // a piece of an ID3v1 or ID3v2 tag
	Junk                  // bytes between frames that are no frame
	Torn                  // the beginning of a frame that the stream's end cut off
)

// Unit is one part of a stream.
type Unit struct {
	Offset   int64         // of its first byte, from the stream's beginning
	Length   int           // bytes
	Duration time.Duration // of its audio; 0 when unknown
	Kind     Kind
}

// Audio tells whether a unit carries audio: whether a recording keeps it.
func (u Unit) Audio() bool { return u.Kind == Frame || u.Kind == Page || u.Kind == Block }
