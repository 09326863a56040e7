package audio

import (
	"bytes"
	"encoding/binary"
)

// maxReservoir is how far back a frame can lean, in bytes.
const maxReservoir = 511

// side is what a layer III frame tells about where its data lies.
type side struct {
	at, size int // of the side information
	begin    int // how many bytes before the frame its data begins
	room     int // bytes of the frame that hold data: its own, or later frames'
}

// sideOf reads a frame whose header is good.
func sideOf(p []byte) side {
	s := side{at: 4}
	if p[1]&1 == 0 { // protected
		s.at = 6
	}
	first, mono := p[1]&0x08 != 0, p[3]>>6 == 3
	switch {
	case first && mono:
		s.size = 17
	case first:
		s.size = 32
	case mono:
		s.size = 9
	default:
		s.size = 17
	}
	s.room = max(0, len(p)-s.at-s.size)
	switch {
	case len(p) < s.at+s.size:
		s.size = max(0, len(p)-s.at)
	case first:
		s.begin = int(p[s.at])<<1 | int(p[s.at+1]>>7)
	default:
		s.begin = int(p[s.at])
	}
	return s
}

// silenced is a frame that plays nothing. The bytes that hold data stay.
func silenced(p []byte) []byte {
	p = bytes.Clone(p)
	s := sideOf(p)
	clear(p[s.at : s.at+s.size])
	if s.at == 6 {
		binary.BigEndian.PutUint16(p[4:], frameSum(p[2:4], p[6:6+s.size]))
	}
	return p
}

// frameSum is the checksum of a protected frame: CRC-16, polynomial 0x8005, over the
// second half of its header and its side information.
func frameSum(parts ...[]byte) uint16 {
	sum := uint16(0xFFFF)
	for _, p := range parts {
		for _, b := range p {
			sum ^= uint16(b) << 8
			for range 8 {
				if sum&0x8000 != 0 {
					sum = sum<<1 ^ 0x8005
				} else {
					sum <<= 1
				}
			}
		}
	}
	return sum
}

// isInfo tells a frame that describes its stream, as encoders write before it.
func isInfo(p []byte) bool {
	s := sideOf(p)
	if data := p[min(len(p), s.at+s.size):]; bytes.HasPrefix(data, []byte("Xing")) || bytes.HasPrefix(data, []byte("Info")) {
		return true
	}
	const vbri = 4 + 32 // wherever the side information ends
	return len(p) > vbri && bytes.HasPrefix(p[vbri:], []byte("VBRI"))
}

// seekEntries is how many places a track remembers at most, and at least half of them
// once it is long.
const seekEntries = 512

// mp3Track is what the head of an MP3 track is made of.
type mp3Track struct {
	key    uint32 // of ADTS tracks, too
	header [4]byte
	varies bool // the bit rate
	frames int64
	stride int64   // frames between two places
	places []int64 // where every stride-th frame begins, without the head
}

// add takes note of a frame at an offset.
func (t *mp3Track) add(p []byte, at int64) {
	if t.frames == 0 {
		copy(t.header[:], p)
		t.stride = 1
	}
	t.varies = t.varies || p[2]&0xF0 != t.header[2]&0xF0
	if t.frames%t.stride == 0 {
		t.places = append(t.places, at)
	}
	t.frames++
	if len(t.places) < seekEntries {
		return
	}
	for i := range seekEntries / 2 {
		t.places[i] = t.places[2*i]
	}
	t.places, t.stride = t.places[:seekEntries/2], 2*t.stride
}

// Head is what belongs before the track's bytes: of MP3 a frame that tells how long the
// track is and where to seek in it; nothing for other formats.
func (t *Track) Head() []byte {
	if t.Format != MP3 || t.mp3.frames == 0 {
		return nil
	}
	const body = 4 + 4 + 4 + 4 + 100 // word, flags, frames, bytes, places
	h := t.mp3.header
	h[1] |= 1 // not protected
	var p []byte
	for rate := byte(1); rate < 15 && p == nil; rate++ {
		h[2] = rate<<4 | t.mp3.header[2]&0x0C
		f, a := parseMP3(h[:])
		if a != yes {
			continue
		}
		if frame := append(h[:], make([]byte, f.length-4)...); sideOf(frame).room >= body {
			p = frame
		}
	}
	if p == nil {
		return nil
	}
	s := sideOf(p)
	at := p[s.at+s.size:]
	copy(at, "Info")
	if t.mp3.varies {
		copy(at, "Xing")
	}
	whole := t.Bytes + int64(len(p))
	binary.BigEndian.PutUint32(at[4:], 7) // frames, bytes and places follow
	binary.BigEndian.PutUint32(at[8:], uint32(min(t.mp3.frames, 1<<32-1)))
	binary.BigEndian.PutUint32(at[12:], uint32(min(whole, 1<<32-1)))
	for i := range 100 {
		place := t.mp3.places[min(int64(i)*t.mp3.frames/100/t.mp3.stride, int64(len(t.mp3.places)-1))]
		at[16+i] = byte(min(255, (place+int64(len(p)))*256/whole))
	}
	return p
}
