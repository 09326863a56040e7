package audio

import "math/bits"

// vorbisBlocks is what tells how much a Vorbis packet plays: the sizes of blocks, and
// which of the two each mode has.
type vorbisBlocks struct {
	sizes [2]int64
	long  []bool // by mode
}

// vorbisBlocksOf reads a stream's first and third header. ok is false when they are not
// understood.
func vorbisBlocksOf(first, setup []byte) (b vorbisBlocks, ok bool) {
	b.sizes = [2]int64{1 << (first[28] & 15), 1 << (first[28] >> 4)}
	// The modes stand at the end of the setup, whose other parts have no lengths: it is
	// read backwards, from the bit that frames it.
	back := backwards{data: setup}
	for back.left() > 0 && back.read(1) == 0 {
	}
	var long []bool
	const modeBits, countBits = 41, 6
	for back.left() >= modeBits+countBits && len(long) < 64 {
		if mapping, transform, window := back.read(8), back.read(16), back.read(16); mapping > 63 || transform != 0 || window != 0 {
			break
		}
		long = append([]bool{back.read(1) == 1}, long...)
		if at := back; at.read(countBits)+1 == uint64(len(long)) {
			b.long, ok = long, true // the longest list that its count agrees with
		}
	}
	return b, ok
}

// size is how long a packet's block is; 0 when it holds no sound.
func (b vorbisBlocks) size(p []byte) int64 {
	if len(p) == 0 || p[0]&1 != 0 {
		return 0
	}
	mode := int(p[0]>>1) & (1<<bits.Len(uint(len(b.long)-1)) - 1)
	if mode >= len(b.long) {
		return 0
	}
	if b.long[mode] {
		return b.sizes[1]
	}
	return b.sizes[0]
}

// backwards reads bits from the end of what was written from the beginning, the least
// significant bit of each byte first.
type backwards struct {
	data []byte
	at   int // bits read
}

func (b *backwards) left() int { return 8*len(b.data) - b.at }

func (b *backwards) read(n int) (v uint64) {
	for range n {
		if b.left() == 0 {
			return 0
		}
		p := b.data[len(b.data)-1-b.at/8]
		v = v<<1 | uint64(p>>(7-b.at%8)&1)
		b.at++
	}
	return v
}
