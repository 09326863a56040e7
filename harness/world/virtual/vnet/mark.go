package vnet

import "time"

// mark is a fault that lies on a connection, on one of its ways or on both.
type mark struct {
	fault *Fault
	hit   bool // something of this connection was touched
	lost  bool // … and swallowed: it can never carry again
}

// touch counts bytes that a fault got hold of. An end of stream or a reset
// counts as none, but the connection is hit.
func (m *mark) touch(bytes int) {
	m.fault.touched.Bytes += int64(bytes)
	if !m.hit {
		m.hit = true
		m.fault.touched.Conns++
	}
	m.lost = m.lost || m.fault.Kind == kindBlackhole
}

func (p *path) touch(bytes int) {
	for _, m := range p.marks {
		m.touch(bytes)
	}
}

// mark lays a fault on this way. What is under way is withheld by a stall and
// swallowed by a black hole; a delay and a rate count for what is sent from now on.
func (p *path) mark(m *mark, now time.Duration) {
	p.marks = append(p.marks, m)
	p.sum()
	switch m.fault.Kind {
	case kindStall:
		p.hold(m, now)
	case kindBlackhole:
		p.swallow(m, now)
	}
}

// unmark takes a fault away and sends on their way what only it held back.
func (p *path) unmark(m *mark, now time.Duration) {
	for i, other := range p.marks {
		if other == m {
			p.marks = append(p.marks[:i:i], p.marks[i+1:]...)
			break
		}
	}
	p.sum()
	if !p.stalled {
		p.replan(now)
	}
}

// sum works out what the faults in force come to.
func (p *path) sum() {
	p.delay, p.rate, p.stalled, p.hole = 0, 0, false, false
	for _, m := range p.marks {
		f := m.fault
		p.delay += f.Delay
		if f.Rate > 0 && (p.rate == 0 || f.Rate < p.rate) {
			p.rate = f.Rate
		}
		p.stalled = p.stalled || f.Kind == kindStall
		p.hole = p.hole || f.Kind == kindBlackhole
	}
}

// hold withholds what has not arrived.
func (p *path) hold(m *mark, now time.Duration) {
	_, pieces := p.arrived(now)
	held := 0
	for i := p.head + pieces; i < len(p.segs); i++ {
		held += p.segs[i].n
		p.segs[i].at = never
	}
	if p.fin > now && p.fin != never {
		p.fin, p.finHeld = never, true
	}
	if held > 0 || p.finHeld {
		m.touch(held)
	}
}

// swallow loses what has not arrived.
func (p *path) swallow(m *mark, now time.Duration) {
	ending := p.finHeld || p.fin > now && p.fin != never
	lost := p.drop(now)
	p.lost += lost
	if lost > 0 || ending {
		m.touch(lost)
	}
}

// replan gives all that has not arrived the instant at which it would arrive if
// it were sent now, unless that is later than it was.
func (p *path) replan(now time.Duration) {
	_, pieces := p.arrived(now)
	late := append([]segment(nil), p.segs[p.head+pieces:]...)
	p.segs = p.segs[:p.head+pieces]
	p.left, p.tail = now, now
	for _, s := range late {
		p.tail = min(s.at, p.arrival(s.n, now))
		p.add(segment{s.n, p.tail})
	}
	if p.finHeld || p.fin > now && p.fin != never {
		p.fin, p.finHeld = min(p.fin, p.arrival(0, now)), false
	}
	if p.rstHeld {
		p.rst, p.rstHeld = now+p.latency+p.delay, false
	}
}
