// Package frame makes playable MPEG audio frames that name themselves: each
// carries the broadcaster, its own number and a checksum behind its (silent)
// sound, where players do not look. It finds them again in any stretch of bytes.
//
// It owns the frames' form and nothing else: no clock, no I/O but a Reader. What
// a missing, doubled or foreign frame means is for others to say.
package frame

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"time"
)

// Kind is a form of frames. A stream holds one kind only.
type Kind uint8

const (
	// Light is MPEG-2.5 layer III, mono, 8 kHz, 8 kbit/s: 72 bytes for 72 ms.
	Light Kind = iota
	// Full is MPEG-1 layer III, mono, 48 kHz, 128 kbit/s: 384 bytes for 24 ms.
	Full
)

// MaxSize is the size in bytes of the largest kind.
const MaxSize = 384

// A frame is a header of 4 bytes, side information of zeros (no sound, no bits
// borrowed from earlier frames), the record, zeros, and the checksum of all that
// as its last field. Integers are written in groups of 7 bits, highest first: no
// byte but the header's first is 0xFF, so even a reader that only looks for a sync
// pattern falls into step at the next frame.
const (
	headerSize = 4
	magic      = "air!"
	idSize     = 5  // 32 bits
	numberSize = 10 // 64 bits
	sumSize    = 5  // 32 bits
)

// Headers of the kinds, as big-endian numbers.
const (
	lightHeader = 0xFFE318C0
	fullHeader  = 0xFFFB94C0
)

type form struct {
	name     string
	header   uint32
	sideInfo int // bytes
	size     int // bytes
	length   time.Duration
	bitrate  int // bit/s
	rate     int // samples per second
}

func (k Kind) form() form {
	if k == Full {
		return form{"full", fullHeader, 17, MaxSize, 24 * time.Millisecond, 128_000, 48_000}
	}
	return form{"light", lightHeader, 9, 72, 72 * time.Millisecond, 8_000, 8_000}
}

// OfBitrate returns the kind that has a bitrate in bit/s: 8000 or 128000.
func OfBitrate(bitrate int) (Kind, error) {
	for _, k := range []Kind{Light, Full} {
		if k.Bitrate() == bitrate {
			return k, nil
		}
	}
	return 0, fmt.Errorf("no frames of %d bit/s: use %d or %d", bitrate, Light.Bitrate(), Full.Bitrate())
}

// Duration is how long one frame plays.
func (k Kind) Duration() time.Duration { return k.form().length }

// Size is the length of one frame in bytes.
func (k Kind) Size() int { return k.form().size }

// Bitrate is in bit/s.
func (k Kind) Bitrate() int { return k.form().bitrate }

// SampleRate is in samples per second; both kinds have one channel.
func (k Kind) SampleRate() int { return k.form().rate }

// String is "light" or "full".
func (k Kind) String() string { return k.form().name }

// ID is the number by which frames name a broadcaster.
func ID(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name)) // never fails
	return h.Sum32()
}

// Append appends one frame to dst.
func Append(dst []byte, k Kind, broadcaster uint32, number uint64) []byte {
	f := k.form()
	start := len(dst)
	dst = append(dst, make([]byte, f.size)...)
	b := dst[start:]
	binary.BigEndian.PutUint32(b, f.header)
	record := b[headerSize+f.sideInfo:]
	copy(record, magic)
	put7(record[len(magic):][:idSize], uint64(broadcaster))
	put7(record[len(magic)+idSize:][:numberSize], number)
	sum := checksum(b[:f.size-sumSize])
	copy(b[f.size-sumSize:], sum[:])
	return dst
}

// checksum is the last field of a frame that begins with b.
func checksum(b []byte) (sum [sumSize]byte) {
	put7(sum[:], uint64(crc32.ChecksumIEEE(b)))
	return sum
}

// put7 writes v into b, 7 bits a byte.
func put7(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte(v & 0x7F)
		v >>= 7
	}
}

// get7 reads what put7 wrote; a byte over 0x7F garbles it.
func get7(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<7 | uint64(c)
	}
	return v
}

// kindAt tells which kind of frame may start at b, which must hold a header.
func kindAt(b []byte) (Kind, bool) {
	switch binary.BigEndian.Uint32(b) {
	case lightHeader:
		return Light, true
	case fullHeader:
		return Full, true
	}
	return 0, false
}
