package link

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"deadair/harness/world"
)

// Kinds of world.LinkFault.
const (
	cut       = "cut"
	refuse    = "refuse"
	stall     = "stall"
	blackhole = "blackhole"
	delay     = "delay"
	throttle  = "throttle"
)

// Values of world.LinkFault.Conns; empty means all.
const (
	existing = "existing"
	fresh    = "new"
	all      = "all"
)

// Values of world.LinkFault.Direction; empty means both. Forth is from the dialler to its target.
const (
	both  = "both"
	forth = "forth"
	back  = "back"
)

// minRate is the slowest throttle, bytes per second: toxiproxy counts whole kilobytes.
const minRate = 1000

// Fault is a world.LinkFault in force. It implements world.Broken.
type Fault struct {
	spec  world.LinkFault
	set   *Set
	name  string
	toxic string // toxiproxy's JSON, for delay and throttle

	conns, bytes atomic.Int64
}

// Break puts a fault into force.
//
// Cut counts connections it reset, refuse the refused dials that diallers told
// of. The others count a connection when its first byte or its end is hit, or when it is
// opened in the dark, and bytes as the link reads them: a stalled direction reads
// at most 256 KiB. Connections that a blackhole finds and that stay silent lose
// nothing and live on. A new connection into a blackhole of any direction never
// reaches its target. A delay is rounded up to
// milliseconds, a throttle to whole kilobytes (1000 bytes) per second and applies to each connection.
func (s *Set) Break(spec world.LinkFault) (*Fault, error) {
	f := &Fault{spec: spec, set: s}
	if err := f.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	s.serial++
	f.arm(s.serial)
	var hit []*conn
	for k, l := range s.links {
		if f.covers(k) && f.spec.Conns != fresh && f.spec.Kind != refuse {
			hit = slices.AppendSeq(hit, maps.Keys(l.conns))
		}
	}
	var err error
	if spec.Kind != cut {
		s.faults = append(s.faults, f)
		err = s.shape(f.covers)
	}
	s.mu.Unlock()

	for _, c := range hit {
		if spec.Kind != cut {
			err = firstOf(err, c.attach(f, false))
		} else if c.reset() {
			f.conns.Add(1)
		}
	}
	if err != nil {
		f.Heal()
		return nil, fmt.Errorf("break links (%s): %w", spec.Kind, err)
	}
	return f, nil
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (f *Fault) check() error {
	s := f.spec
	switch {
	case !slices.Contains([]string{cut, refuse, stall, blackhole, delay, throttle}, s.Kind):
		return fmt.Errorf("break links: no fault %q", s.Kind)
	case !slices.Contains([]string{"", existing, fresh, all}, s.Conns):
		return fmt.Errorf("break links (%s): no connections %q: choose existing, new or all", s.Kind, s.Conns)
	case !slices.Contains([]string{"", both, forth, back}, s.Direction):
		return fmt.Errorf("break links (%s): no direction %q: choose both, forth or back", s.Kind, s.Direction)
	case s.Kind == cut && s.Conns == fresh:
		return errors.New("break links: cut hits existing connections only: choose refuse for new ones")
	case s.Kind == refuse && s.Conns == existing:
		return errors.New("break links: refuse hits new connections only: choose cut for existing ones")
	case (s.Kind == cut || s.Kind == refuse) && s.Direction != "" && s.Direction != both:
		return fmt.Errorf("break links: %s has no direction", s.Kind)
	case s.Kind == delay && s.Delay <= 0:
		return errors.New("break links: delay needs a length above 0")
	case s.Kind == throttle && s.Rate <= 0:
		return errors.New("break links: throttle needs a rate above 0 bytes/s: choose stall to withhold all")
	}
	return nil
}

// arm names the fault and writes its toxic.
func (f *Fault) arm(serial int) {
	f.name = fmt.Sprintf("fault-%d", serial)
	const form = `{"name":%q,"type":%q,"stream":"upstream","toxicity":1,"attributes":{%q:%d}}`
	switch f.spec.Kind {
	case delay:
		ms := (f.spec.Delay + time.Millisecond - 1) / time.Millisecond
		f.toxic = fmt.Sprintf(form, f.name, "latency", "latency", ms)
	case throttle:
		f.toxic = fmt.Sprintf(form, f.name, "bandwidth", "rate", (f.spec.Rate+minRate-1)/minRate)
	}
}

// covers tells whether a link is among those broken. No names stand for every
// name; a host has no link to itself that could break.
func (f *Fault) covers(k Key) bool {
	s := f.spec
	return k.From != k.To && (len(s.From) == 0 || slices.Contains(s.From, k.From)) && (len(s.To) == 0 || slices.Contains(s.To, k.To))
}

// does is what the fault makes of bytes.
func (f *Fault) does() verdict {
	switch f.spec.Kind {
	case stall:
		return withhold
	case blackhole:
		return swallow
	}
	return pass
}

// holds tells whether a dial during the fault is accepted by the link alone: the
// request to connect, or the answer to it, would not arrive.
func (f *Fault) holds() bool {
	if f.spec.Conns == existing {
		return false
	}
	return f.spec.Kind == blackhole || f.spec.Kind == stall && f.spec.Direction != back
}

// ways are the directions of a connection that the fault hits.
func (f *Fault) ways(c *conn, isNew bool) []*way {
	switch {
	case f.spec.Kind == blackhole && isNew:
		return []*way{c.forth, c.back}
	case f.spec.Direction == forth:
		return []*way{c.forth}
	case f.spec.Direction == back:
		return []*way{c.back}
	}
	return []*way{c.forth, c.back}
}

// attach puts a fault on a connection; isNew tells that it is a new one.
func (c *conn) attach(f *Fault, isNew bool) error {
	var chains []*chain
	c.mu.Lock()
	for _, w := range f.ways(c, isNew) {
		w.faults = append(w.faults, f)
		if f.toxic != "" && w.chain != nil {
			chains = append(chains, w.chain)
		}
		w.rouse()
	}
	c.mu.Unlock()
	for _, ch := range chains {
		if err := ch.add(f); err != nil {
			return err
		}
	}
	return nil
}

// detach takes a fault off a connection. One that lost bytes is reset.
func (c *conn) detach(f *Fault) {
	var chains []*chain
	lost := false
	c.mu.Lock()
	for _, w := range []*way{c.forth, c.back} {
		had := len(w.faults)
		w.faults = slices.DeleteFunc(w.faults, func(g *Fault) bool { return g == f })
		if len(w.faults) == had {
			continue
		}
		lost = lost || w.lost && w.verdict() != swallow
		if f.toxic != "" && w.chain != nil {
			chains = append(chains, w.chain)
		}
		w.rouse()
	}
	delete(c.touched, f)
	if lost {
		c.condemn() // before a pump finds its direction open again
	}
	c.mu.Unlock()
	if lost {
		c.reset()
		return
	}
	for _, ch := range chains {
		if err := ch.remove(f); err != nil {
			c.link.set.cfg.Log.Error("remove toxic", "fault", f.spec.Kind, "error", err)
		}
	}
}

// Touched is what the fault really hit so far.
func (f *Fault) Touched() world.Touched {
	return world.Touched{Conns: int(f.conns.Load()), Bytes: f.bytes.Load()}
}

// Heal ends the fault. Healing twice does nothing.
func (f *Fault) Heal() {
	s := f.set
	s.mu.Lock()
	i := slices.Index(s.faults, f)
	if i < 0 {
		s.mu.Unlock()
		return
	}
	s.faults = slices.Delete(s.faults, i, i+1)
	if err := s.shape(f.covers); err != nil {
		s.cfg.Log.Error("heal links", "fault", f.spec.Kind, "error", err)
	}
	var all []*conn
	for k, l := range s.links {
		if f.covers(k) {
			all = slices.AppendSeq(all, maps.Keys(l.conns))
		}
	}
	s.mu.Unlock()
	for _, c := range all {
		c.detach(f)
	}
}

// HealAll ends all faults, the last one first.
func (s *Set) HealAll() {
	for {
		s.mu.Lock()
		n := len(s.faults)
		var f *Fault
		if n > 0 {
			f = s.faults[n-1]
		}
		s.mu.Unlock()
		if f == nil {
			return
		}
		f.Heal()
	}
}
