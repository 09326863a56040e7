package audio

import (
	"encoding/binary"
	"slices"
)

// Flags in a page's sixth byte, with oggFirst.
const (
	oggContinued = 1
	oggLast      = 4
)

// oggIn is a page that was read: what it holds of packets.
type oggIn struct {
	flags   byte
	granule int64
	serial  uint32
	number  uint32
	lacing  []byte
	body    []byte
}

// readOgg takes apart a page whose checksum is good.
func readOgg(p []byte) oggIn {
	n := oggHeader + int(p[26])
	return oggIn{
		flags: p[5], granule: int64(binary.LittleEndian.Uint64(p[6:])), serial: binary.LittleEndian.Uint32(p[14:]),
		number: binary.LittleEndian.Uint32(p[18:]), lacing: p[oggHeader:n], body: p[n:],
	}
}

// packets puts a stream's packets together.
type packets struct {
	open    []byte // of a packet that is not complete
	running bool   // open is the beginning of a packet
}

// add returns the packets that a page completes. What a page continues that was not
// begun here is left out.
func (q *packets) add(p oggIn) (whole [][]byte) {
	keep := true
	if p.flags&oggContinued == 0 {
		q.open, q.running = q.open[:0], false
	} else if !q.running {
		keep = false
	}
	body := p.body
	for _, n := range p.lacing {
		q.open = append(q.open, body[:n]...)
		body = body[n:]
		q.running = n == 255
		if q.running {
			continue
		}
		if keep {
			whole = append(whole, slices.Clone(q.open))
		}
		q.open, keep = q.open[:0], true
	}
	if !keep {
		q.open, q.running = q.open[:0], false
	}
	return whole
}

// oggOut writes the pages of one logical stream. It keeps the last one back, so that
// it can be marked as the last.
type oggOut struct {
	serial  uint32
	number  uint32
	pending []byte
}

// page makes a page of whole packets, or several when one does not hold them, and
// returns those that are complete. All but the last tell the granule before.
func (o *oggOut) page(packets [][]byte, flags byte, before, granule int64) (done [][]byte) {
	var lacing, body []byte
	for i, p := range packets {
		rest := p
		for {
			if len(lacing) == 255 {
				done = append(done, o.put(lacing, body, flags, before)...)
				flags, lacing, body = 0, nil, nil
				if len(rest) < len(p) {
					flags = oggContinued
				}
			}
			n := min(len(rest), 255)
			lacing, body = append(lacing, byte(n)), append(body, rest[:n]...)
			rest = rest[n:]
			if n < 255 {
				break
			}
		}
		if i == len(packets)-1 {
			done = append(done, o.put(lacing, body, flags, granule)...)
		}
	}
	return done
}

// put makes the next page and returns the one before it.
func (o *oggOut) put(lacing, body []byte, flags byte, granule int64) (before [][]byte) {
	if o.pending != nil {
		before = [][]byte{o.pending}
	}
	p := make([]byte, oggHeader, oggHeader+len(lacing)+len(body))
	copy(p, oggMagic)
	p[5] = flags
	binary.LittleEndian.PutUint64(p[6:], uint64(granule))
	binary.LittleEndian.PutUint32(p[14:], o.serial)
	binary.LittleEndian.PutUint32(p[18:], o.number)
	p[26] = byte(len(lacing))
	p = append(append(p, lacing...), body...)
	o.number++
	o.pending = p
	seal(p)
	return before
}

// last marks the page that was kept back as the last one, and returns it.
func (o *oggOut) last(granule int64) []byte {
	p := o.pending
	o.pending = nil
	if p == nil {
		return nil
	}
	p[5] |= oggLast
	binary.LittleEndian.PutUint64(p[6:], uint64(granule))
	seal(p)
	return p
}

// seal writes a page's checksum.
func seal(p []byte) { binary.LittleEndian.PutUint32(p[22:], oggSum(p)) }
