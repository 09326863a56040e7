package vnet

import "time"

// packet is how much travels as one piece where a rate spreads it over time.
const packet = 1448

// path is one way of a connection: all that one end sent and the other has not
// read, each piece with the instant of its arrival. Pieces never overtake.
type path struct {
	latency time.Duration // without faults, with the flow's own skew

	marks   []*mark // faults in force on this way, and their sum:
	delay   time.Duration
	rate    int // bytes per second; 0 is unlimited
	stalled bool
	hole    bool

	bytes ring
	segs  []segment // the pieces of bytes, in order; segs[:head] are read
	head  int
	lost  int           // bytes swallowed: never acknowledged, so they keep their place in the window
	left  time.Duration // when the last piece left, where there is a rate
	tail  time.Duration // when the last piece arrives

	fin     time.Duration // arrival of the stream's end; never if there is none under way
	finHeld bool          // there is one, withheld
	rst     time.Duration // arrival of a reset
	rstHeld bool
}

// segment is a piece of the stream.
type segment struct {
	n  int
	at time.Duration // of arrival; never while it is withheld
}

// room is how much more the sender may send.
func (p *path) room() int { return window - p.bytes.n - p.lost }

// push sends as much of b as the window lets through.
func (p *path) push(b []byte, now time.Duration) int {
	b = b[:max(0, min(len(b), p.room()))]
	if len(b) == 0 {
		return 0
	}
	p.touch(len(b))
	if p.hole {
		p.lost += len(b)
		return len(b)
	}
	p.bytes.push(b)
	for n := len(b); n > 0; {
		k := n
		if p.rate > 0 {
			k = min(k, packet)
		}
		p.add(segment{k, p.arrival(k, now)})
		n -= k
	}
	return len(b)
}

// end sends the end of the stream.
func (p *path) end(now time.Duration) {
	if len(p.marks) > 0 {
		p.touch(0)
	}
	switch {
	case p.hole:
	case p.stalled:
		p.finHeld = true
	default:
		p.fin = p.arrival(0, now)
	}
}

// reset sends a reset: what is sent at an instant and overtaken by nothing.
func (p *path) reset(at time.Duration) {
	if len(p.marks) > 0 {
		p.touch(0)
	}
	switch {
	case p.hole:
	case p.stalled:
		p.rstHeld = true
	default:
		p.rst = min(p.rst, at+p.latency+p.delay)
	}
}

// arrival is when n bytes sent now get there.
func (p *path) arrival(n int, now time.Duration) time.Duration {
	if p.stalled {
		return never
	}
	if p.rate > 0 && n > 0 {
		now = max(now, p.left) + time.Duration(n)*time.Second/time.Duration(p.rate)
		p.left = now
	}
	p.tail = max(p.tail, now+p.latency+p.delay)
	return p.tail
}

// add queues a piece behind the others.
func (p *path) add(s segment) {
	if last := len(p.segs) - 1; last >= p.head && p.segs[last].at == s.at {
		p.segs[last].n += s.n
		return
	}
	if p.head > 0 && len(p.segs) == cap(p.segs) {
		p.segs = append(p.segs[:0], p.segs[p.head:]...)
		p.head = 0
	}
	p.segs = append(p.segs, s)
}

// pop reads what has arrived.
func (p *path) pop(b []byte, now time.Duration) int {
	n := 0
	for n < len(b) && p.head < len(p.segs) && p.segs[p.head].at <= now {
		s := &p.segs[p.head]
		k := p.bytes.pop(b[n:min(len(b), n+s.n)])
		n += k
		if s.n -= k; s.n == 0 {
			p.head++
		}
	}
	if p.head == len(p.segs) {
		p.segs, p.head = p.segs[:0], 0
	}
	return n
}

// arrived is how much could be read now.
func (p *path) arrived(now time.Duration) (bytes, pieces int) {
	for _, s := range p.segs[p.head:] {
		if s.at > now {
			break
		}
		bytes += s.n
		pieces++
	}
	return bytes, pieces
}

// ended tells whether all was read, up to the end of the stream.
func (p *path) ended(now time.Duration) bool { return p.head == len(p.segs) && p.fin <= now }

// next is when the reader has news.
func (p *path) next() time.Duration {
	at := min(p.fin, p.rst)
	if p.head < len(p.segs) {
		at = min(at, p.segs[p.head].at)
	}
	return at
}

// drop loses all that has not arrived by an instant, and counts its bytes.
func (p *path) drop(by time.Duration) int {
	keep, pieces := p.arrived(by)
	lost := p.bytes.n - keep
	p.segs = p.segs[:p.head+pieces]
	p.bytes.cut(keep)
	if p.fin > by {
		p.fin = never
	}
	p.finHeld = false
	return lost
}
