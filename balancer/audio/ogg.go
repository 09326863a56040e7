package audio

import (
	"bytes"
	"encoding/binary"
	"time"
)

const oggHeader = 27 // bytes before the segment table

var (
	oggMagic = []byte("OggS")
	oggTable = crcTable()
)

// parseOgg answers yes for a whole page with a good checksum.
func parseOgg(b []byte) (header, answer) {
	if !bytes.HasPrefix(b, oggMagic) {
		if bytes.HasPrefix(oggMagic, b) {
			return header{}, more
		}
		return header{}, no
	}
	if len(b) > 4 && b[4] != 0 { // the only version there is
		return header{}, no
	}
	if len(b) < oggHeader || len(b) < oggHeader+int(b[26]) {
		return header{}, more
	}
	length := oggHeader + int(b[26])
	for _, n := range b[oggHeader:length] {
		length += int(n)
	}
	if len(b) < length {
		return header{}, more
	}
	if oggSum(b[:length]) != binary.LittleEndian.Uint32(b[22:]) {
		return header{}, no
	}
	return header{length: length}, yes
}

// oggSum is the checksum of a page, taken with its own four bytes as zero.
func oggSum(page []byte) uint32 {
	sum := oggUpdate(0, page[:22])
	sum = oggUpdate(sum, make([]byte, 4))
	return oggUpdate(sum, page[26:])
}

func oggUpdate(sum uint32, b []byte) uint32 {
	for _, c := range b {
		sum = sum<<8 ^ oggTable[byte(sum>>24)^c]
	}
	return sum
}

// crcTable is for CRC-32 with polynomial 0x04C11DB7, not reflected, which package
// hash/crc32 does not have.
func crcTable() (t [256]uint32) {
	for i := range t {
		r := uint32(i) << 24
		for range 8 {
			if r&(1<<31) != 0 {
				r = r<<1 ^ 0x04C11DB7
			} else {
				r <<= 1
			}
		}
		t[i] = r
	}
	return t
}

// clock turns granule positions into durations. It follows one logical stream.
type clock struct {
	serial  uint32
	rate    int64 // granules per second; 0 while the codec is unknown
	granule int64
}

// Flags in a page's sixth byte.
const oggFirst = 2

// OggPage is what the header of an Ogg page tells.
type OggPage struct {
	Length  int   // bytes of the whole page
	First   bool  // a logical stream begins with it
	Granule int64 // ≤ 0 on pages that hold a codec's headers only
}

// OggPageOf reads the header of the page that b begins with. It is for what a Splitter
// took for a Page: it does not look at the checksum. ok is false when b begins with no
// header.
func OggPageOf(b []byte) (p OggPage, ok bool) {
	if len(b) < oggHeader || !bytes.HasPrefix(b, oggMagic) || len(b) < oggHeader+int(b[26]) {
		return OggPage{}, false
	}
	p = OggPage{
		Length: oggHeader + int(b[26]), First: b[5]&oggFirst != 0,
		Granule: int64(binary.LittleEndian.Uint64(b[6:])),
	}
	for _, n := range b[oggHeader:p.Length] {
		p.Length += int(n)
	}
	return p, true
}

// longest is the most audio that one page can hold; a larger step is a hole.
const longest = time.Minute

// page returns how much audio a page completes.
func (c *clock) page(p []byte) time.Duration {
	serial := binary.LittleEndian.Uint32(p[14:])
	granule := int64(binary.LittleEndian.Uint64(p[6:]))
	if p[5]&oggFirst != 0 {
		*c = clock{serial: serial, rate: oggRate(p[oggHeader+int(p[26]):])}
		return 0
	}
	if serial != c.serial || c.rate == 0 || granule <= c.granule {
		return 0
	}
	step := granule - c.granule
	c.granule = granule
	if step > int64(longest/time.Second)*c.rate {
		return 0
	}
	return time.Duration(step) * time.Second / time.Duration(c.rate)
}

// oggRate reads how many granules make a second from a codec's first packet.
func oggRate(b []byte) int64 {
	switch {
	case bytes.HasPrefix(b, []byte("OpusHead")):
		return 48000
	case bytes.HasPrefix(b, []byte("\x01vorbis")) && len(b) >= 16:
		return int64(binary.LittleEndian.Uint32(b[12:]))
	case bytes.HasPrefix(b, []byte("\x7fFLAC")) && len(b) >= 30:
		return int64(b[27])<<12 | int64(b[28])<<4 | int64(b[29])>>4
	}
	return 0
}
