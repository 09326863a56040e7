package vnet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"deadair/harness/world"
)

const (
	kindCut       = "cut"
	kindRefuse    = "refuse"
	kindStall     = "stall"
	kindBlackhole = "blackhole"
	kindDelay     = "delay"
	kindThrottle  = "throttle"
)

// Fault is a link fault in force. A throttle's rate is each connection's own. A
// datagram counts as new: faults of existing connections do not hit it.
type Fault struct {
	world.LinkFault
	net      *Net
	from, to map[string]bool
	// Guarded by net.mu:
	touched world.Touched
	marks   map[uint64]*mark         // on connections, by their ids
	sockets map[*packetConn]struct{} // of clients whose datagrams it hit
}

var _ world.Broken = (*Fault)(nil)

func newFault(n *Net, kind string) *Fault {
	return &Fault{LinkFault: world.LinkFault{Kind: kind}, net: n, marks: map[uint64]*mark{}, sockets: map[*packetConn]struct{}{}}
}

// Break puts a fault into force. Empty Conns and Direction mean all and both. A
// cut goes from connection to connection a nanosecond apart, so that what they
// wake stays in order.
func (n *Net) Break(lf world.LinkFault) (world.Broken, error) {
	f, err := n.newLinkFault(lf)
	if err != nil {
		return nil, fmt.Errorf("break %s: %w", lf.Kind, err)
	}
	n.mu.Lock()
	n.faults = append(n.faults, f)
	var hit []*conn
	if f.Conns != "new" {
		hit = slices.DeleteFunc(n.sorted(), func(c *conn) bool { return c.over || !f.matches(c.ends[0].proc.host, c.ends[1].proc.host) })
	}
	if f.lies() {
		for _, c := range hit {
			f.layOn(c)
		}
	}
	n.unlock()
	if f.Kind == kindCut {
		cut := n.cut(hit)
		n.mu.Lock()
		f.touched = cut
		n.mu.Unlock()
	}
	return f, nil
}

func (n *Net) newLinkFault(lf world.LinkFault) (*Fault, error) {
	if lf.Conns == "" {
		lf.Conns = "all"
	}
	if lf.Direction == "" {
		lf.Direction = "both"
	}
	if err := check(lf); err != nil {
		return nil, err
	}
	f := newFault(n, lf.Kind)
	f.LinkFault, f.from, f.to = lf, map[string]bool{}, map[string]bool{}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, side := range []struct {
		names []string
		set   map[string]bool
	}{{lf.From, f.from}, {lf.To, f.to}} {
		if len(side.names) == 0 {
			return nil, errors.New("want hosts on both sides")
		}
		for _, name := range side.names {
			if n.hosts[name] == nil {
				return nil, fmt.Errorf("no host %q", name)
			}
			side.set[name] = true
		}
	}
	return f, nil
}

// check tells what is wrong with a fault as it was asked for.
func check(lf world.LinkFault) error {
	switch {
	case !slices.Contains([]string{kindCut, kindRefuse, kindStall, kindBlackhole, kindDelay, kindThrottle}, lf.Kind):
		return errors.New("no such fault")
	case !slices.Contains([]string{"existing", "new", "all"}, lf.Conns):
		return fmt.Errorf("connections %q: want existing, new or all", lf.Conns)
	case !slices.Contains([]string{"both", "forth", "back"}, lf.Direction):
		return fmt.Errorf("direction %q: want both, forth or back", lf.Direction)
	case lf.Kind == kindCut && lf.Conns == "new":
		return errors.New("it hits existing connections only")
	case lf.Kind == kindRefuse && lf.Conns == "existing":
		return errors.New("it hits new connections only")
	case (lf.Kind == kindCut || lf.Kind == kindRefuse) && lf.Direction != "both":
		return errors.New("it has no direction")
	case (lf.Kind == kindDelay) != (lf.Delay > 0) || lf.Delay < 0:
		return errors.New("a delay, and nothing else, needs Delay above 0")
	case (lf.Kind == kindThrottle) != (lf.Rate > 0) || lf.Rate < 0:
		return errors.New("a throttle, and nothing else, needs Rate above 0")
	}
	return nil
}

// matches tells whether a link is among the fault's. A host has no link to itself.
func (f *Fault) matches(client, server *host) bool {
	return client != server && f.from[client.name] && f.to[server.name]
}

// joins tells whether the fault hits new connections of a link.
func (f *Fault) joins(client, server *host) bool {
	return f.Conns != "existing" && f.matches(client, server)
}

// lies tells whether the fault is a state of connections.
func (f *Fault) lies() bool { return f.Kind != kindCut && f.Kind != kindRefuse }

// ways is how many directions it hits.
func (f *Fault) ways() int {
	if f.Direction == "both" {
		return 2
	}
	return 1
}

// layOn puts the fault on a connection, on the ways that it names.
func (f *Fault) layOn(c *conn) {
	if f.Direction != "back" {
		f.lay(c, &c.ends[1].in)
	}
	if f.Direction != "forth" {
		f.lay(c, &c.ends[0].in)
	}
}

func (f *Fault) lay(c *conn, p *path) {
	m := f.marks[c.id]
	if m == nil {
		m = &mark{fault: f}
		f.marks[c.id] = m
		c.marks = append(c.marks, m)
	}
	p.mark(m, f.net.now())
}

// cut resets connections, a nanosecond apart, and returns what that hit.
func (n *Net) cut(conns []*conn) (hit world.Touched) {
	for _, c := range conns {
		if hit.Conns > 0 {
			time.Sleep(time.Nanosecond)
		}
		n.mu.Lock()
		if !c.over {
			hit.Conns++
			hit.Bytes += int64(c.cut(n.now()))
		}
		n.unlock()
	}
	return hit
}

// Touched tells what the fault hit so far.
func (f *Fault) Touched() world.Touched {
	f.net.mu.Lock()
	defer f.net.mu.Unlock()
	return f.touched
}

// Heal ends the fault. Healing twice does nothing.
func (f *Fault) Heal() {
	n := f.net
	n.mu.Lock()
	n.faults = slices.DeleteFunc(n.faults, func(other *Fault) bool { return other == f })
	doomed := f.lift()
	n.unlock()
	n.cut(doomed)
}

// lift takes the fault off all connections and returns those that lost bytes to it.
func (f *Fault) lift() (doomed []*conn) {
	n, now := f.net, f.net.now()
	for _, id := range slices.Sorted(maps.Keys(f.marks)) {
		c, m := n.conns[id], f.marks[id]
		c.marks = slices.DeleteFunc(c.marks, func(other *mark) bool { return other == m })
		delete(f.marks, id)
		for i := range c.ends {
			c.ends[i].unmark(m, now)
		}
		if m.lost {
			doomed = append(doomed, c)
		}
		c.finish()
	}
	return doomed
}

// unmark takes a fault off the way to this end and wakes whom that concerns.
func (e *end) unmark(m *mark, now time.Duration) {
	if !slices.Contains(e.in.marks, m) {
		return
	}
	e.in.unmark(m, now)
	if e.closed {
		e.bounce(now)
		return
	}
	e.reader.wakeAt(e.net, e.in.next())
	e.writer.wakeAt(e.net, addNano(e.in.rst))
}
