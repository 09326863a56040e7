package audio

import (
	"bytes"
	"time"
)

// maxHeads is how much a stream's headers may take before it is taken as it comes, in
// bytes.
const maxHeads = 512 << 10

// codec is what an Ogg stream holds.
type codec uint8

const (
	asItComes codec = iota // pages are copied
	opus
	vorbis
)

// heads is how many packets a codec's headers are.
func (c codec) heads() int { return [...]int{0, 2, 3}[c] }

// codecOf knows a codec by its first packet.
func codecOf(first []byte) codec {
	switch {
	case bytes.HasPrefix(first, []byte("OpusHead")) && len(first) >= 19:
		return opus
	case bytes.HasPrefix(first, []byte("\x01vorbis")) && len(first) >= 30:
		return vorbis
	}
	return asItComes
}

// oggTrack joins Ogg streams into the last track.
type oggTrack struct {
	// Of the track.
	codec   codec
	rate    int64 // granules per second
	heads   [][]byte
	blocks  vorbisBlocks
	block   int64 // size of the last one; 0 at the beginning
	out     oggOut
	granule int64 // of all that was put into the track
	trim    int64 // granules that the last page has too many, if it stays the last

	link link
}

// link is the logical stream that is being read.
type link struct {
	serial  uint32
	known   bool // serial is the one of its pages
	raw     bool // pages are copied as they come
	number  uint32
	codec   codec
	heads   [][]byte // as far as they have come
	pages   [][]byte // that heads were in
	size    int      // bytes of pages
	ready   bool     // its headers are those of the track
	counted bool     // granule is where the last page ended
	granule int64
	packets packets
}

// newStream begins another connection's stream. It may go on with the logical stream
// of the one before.
func (o *oggTrack) newStream() {
	o.link.packets = packets{}
	o.link.counted = false
	if o.link.raw || !o.link.ready {
		o.link = link{}
	}
}

// page takes a page of the stream.
func (j *Joiner) page(p []byte) error {
	o := &j.ogg
	in := readOgg(p)
	switch {
	case in.flags&oggFirst != 0 && o.link.known && !o.link.ready && !o.link.raw:
		return j.raw(p) // several streams at once
	case in.flags&oggFirst != 0 && !o.link.raw:
		o.link = link{serial: in.serial, known: true}
	case o.link.raw:
		return j.raw(p)
	case !o.link.known || in.serial != o.link.serial:
		return j.raw(p) // its headers are not there
	case o.link.ready && in.number <= o.link.number:
		j.stream.piece.Repeated++
		return nil
	case o.link.ready && in.number != o.link.number+1:
		o.link.packets, o.link.counted = packets{}, false
	}
	o.link.number = in.number
	whole := o.link.packets.add(in)
	if !o.link.ready {
		return j.head(p, in, whole)
	}
	return j.sound(in, whole)
}

// raw copies a page, and all that follow.
func (j *Joiner) raw(p []byte) error {
	l := &j.ogg.link
	if !l.raw {
		pages := l.pages
		*l = link{raw: true}
		if err := j.begin(Ogg); err != nil {
			return err
		}
		j.ogg.codec = asItComes
		for _, before := range pages {
			if err := j.add(before, 0, 1); err != nil {
				return err
			}
		}
	}
	return j.add(p, j.stream.length, 1)
}

// head collects the headers of a logical stream. Once they are whole it goes into the
// track, if that is of the same kind, or begins one.
func (j *Joiner) head(p []byte, in oggIn, whole [][]byte) error {
	o := &j.ogg
	l := &o.link
	if len(l.heads) == 0 && len(whole) > 0 {
		l.codec = codecOf(whole[0])
	}
	l.heads = append(l.heads, whole...)
	l.pages, l.size = append(l.pages, bytes.Clone(p)), l.size+len(p)
	if len(l.heads) > 0 && l.codec == asItComes || l.size > maxHeads || len(l.heads) > l.codec.heads() {
		l.pages = l.pages[:len(l.pages)-1]
		return j.raw(p)
	}
	if len(l.heads) < max(1, l.codec.heads()) {
		return nil
	}
	blocks, ok := vorbisBlocks{}, true
	if l.codec == vorbis {
		blocks, ok = vorbisBlocksOf(l.heads[0], l.heads[2])
	}
	if !ok {
		l.pages = l.pages[:len(l.pages)-1]
		return j.raw(p)
	}
	same := j.track() != nil && j.track().Format == Ogg && o.codec == l.codec && sameHeads(l.codec, o.heads, l.heads)
	if !same {
		if err := j.beginOgg(in.serial); err != nil {
			return err
		}
		o.blocks = blocks
	}
	l.ready, l.counted, l.granule, l.pages, l.size = true, true, 0, nil, 0
	j.claim()
	return nil
}

// sameHeads tells whether two streams can be one: all that a decoder is set up with is
// equal. How much an Opus stream skips at its beginning does not matter.
func sameHeads(c codec, a, b [][]byte) bool {
	if c == opus {
		return bytes.Equal(a[0][:10], b[0][:10]) && bytes.Equal(a[0][12:], b[0][12:])
	}
	return bytes.Equal(a[0], b[0]) && bytes.Equal(a[2], b[2])
}

// beginOgg begins a track with the headers of the link.
func (j *Joiner) beginOgg(serial uint32) error {
	if err := j.begin(Ogg); err != nil {
		return err
	}
	o := &j.ogg
	l := &o.link
	o.codec, o.heads, o.out, o.granule, o.trim = l.codec, l.heads, oggOut{serial: serial}, 0, 0
	o.rate, o.block = oggRate(l.heads[0]), 0
	done := o.out.page(l.heads[:1], oggFirst, 0, 0)
	done = append(done, o.out.page(l.heads[1:], 0, 0, 0)...)
	return j.writeAll(done)
}

func (j *Joiner) writeAll(pages [][]byte) error {
	for _, p := range pages {
		if err := j.write(p); err != nil {
			return err
		}
	}
	return nil
}

// sound puts whole packets into the track.
func (j *Joiner) sound(in oggIn, whole [][]byte) error {
	o := &j.ogg
	if len(whole) == 0 {
		return nil
	}
	length := o.length(whole)
	o.trim = 0
	if in.flags&oggLast != 0 && o.link.counted {
		o.trim = max(0, length-max(0, in.granule-o.link.granule))
	}
	o.link.granule, o.link.counted = in.granule, true
	before := o.granule
	o.granule += length
	j.claim()
	t, piece := j.track(), &j.stream.piece
	d := time.Duration(float64(length) / float64(max(1, o.rate)) * float64(time.Second))
	t.Frames, t.Duration = t.Frames+1, t.Duration+d
	piece.Frames, piece.Duration = piece.Frames+1, piece.Duration+d
	return j.writeAll(o.out.page(whole, 0, before, o.granule))
}

// length is how much packets add to what the track plays.
func (o *oggTrack) length(packets [][]byte) (sum int64) {
	if o.codec == opus {
		return opusLength(packets)
	}
	for _, p := range packets {
		size := o.blocks.size(p)
		if size > 0 && o.block > 0 {
			sum += (o.block + size) / 4
		}
		if size > 0 {
			o.block = size
		}
	}
	return sum
}

// flush ends the track's logical stream.
func (o *oggTrack) flush(j *Joiner) error {
	if o.codec == asItComes {
		return nil
	}
	p := o.out.last(o.granule - o.trim)
	o.codec = asItComes
	if p == nil {
		return nil
	}
	return j.write(p)
}

// opusLength is how much packets of Opus play, in samples of 48 kHz.
func opusLength(packets [][]byte) int64 {
	sum := int64(0)
	for _, p := range packets {
		if len(p) == 0 {
			continue
		}
		frames := [...]int64{1, 2, 2, 0}[p[0]&3]
		if p[0]&3 == 3 && len(p) > 1 {
			frames = int64(p[1] & 0x3F)
		}
		sum += frames * opusFrame(p[0]>>3)
	}
	return sum
}

// opusFrame is the length of a frame by its configuration, in samples of 48 kHz.
func opusFrame(config byte) int64 {
	switch {
	case config < 12:
		return [...]int64{480, 960, 1920, 2880}[config&3]
	case config < 16:
		return [...]int64{480, 960}[config&1]
	}
	return [...]int64{120, 240, 480, 960}[config&3]
}
