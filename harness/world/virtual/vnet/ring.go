package vnet

// ring is a queue of bytes that reuses its memory. Its length is bounded by who
// fills it.
type ring struct {
	buf   []byte // its length is a power of two, or zero
	start int
	n     int
}

const (
	minRing  = 256
	keepRing = 16 << 10 // an empty ring larger than this lets go of its memory
)

func (r *ring) push(b []byte) {
	if r.n+len(b) > len(r.buf) {
		r.grow(r.n + len(b))
	}
	at := (r.start + r.n) & (len(r.buf) - 1)
	k := copy(r.buf[at:], b)
	copy(r.buf, b[k:])
	r.n += len(b)
}

// pop moves up to len(b) bytes out; never more than there are.
func (r *ring) pop(b []byte) int {
	b = b[:min(len(b), r.n)]
	k := copy(b, r.buf[r.start:])
	copy(b[k:], r.buf)
	r.skip(len(b))
	return len(b)
}

func (r *ring) skip(n int) {
	r.n -= n
	if r.n > 0 {
		r.start = (r.start + n) & (len(r.buf) - 1)
		return
	}
	r.start = 0
	if len(r.buf) > keepRing {
		r.buf = nil
	}
}

// cut keeps only the first n bytes.
func (r *ring) cut(n int) {
	r.n = n
	r.skip(0)
}

func (r *ring) grow(need int) {
	size := max(minRing, len(r.buf))
	for size < need {
		size *= 2
	}
	buf := make([]byte, size)
	k := copy(buf[:r.n], r.buf[min(r.start, len(r.buf)):])
	copy(buf[k:r.n], r.buf)
	r.buf, r.start = buf, 0
}
