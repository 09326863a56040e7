package vnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"deadair/harness/world"
)

// DialContext connects to "ip:port". It takes one round trip. A request that
// nobody answers is repeated as a kernel does, and given up after 127 s.
func (p *Process) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	proto, to, err := p.resolve(network, addr)
	if err != nil {
		return nil, failure("dial", network, netip.AddrPort{}, netip.AddrPort{}, err)
	}
	if proto == "udp" {
		return p.dialPacket(to)
	}
	d := p.dialing(to)
	e, err := d.run(ctx)
	if err != nil {
		d.failed(err)
		return nil, failure("dial", network, netip.AddrPort{}, to, err)
	}
	return e, nil
}

// dialing is one attempt to connect.
type dialing struct {
	net     *Net
	proc    *Process
	to      netip.AddrPort
	server  *host // nil if nobody has the address
	from    netip.AddrPort
	there   time.Duration // latencies without faults, with the flow's skew
	back    time.Duration
	counted map[*Fault]bool // faults that this attempt was counted for
}

// repeats are the pauses after each request to connect: Linux with its six repeats.
func repeats() [7]time.Duration {
	const s = time.Second
	return [7]time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s}
}

// errUnanswered is a request to connect that got no answer yet.
var errUnanswered = errors.New("no answer")

func (p *Process) dialing(to netip.AddrPort) *dialing {
	n := p.net
	n.mu.Lock()
	defer n.mu.Unlock()
	d := &dialing{net: n, proc: p, to: to, server: n.byAddr[to.Addr()]}
	d.from = netip.AddrPortFrom(p.host.addr, p.host.ephemeral())
	if d.server != nil && d.server != p.host {
		f := flow{p.host.name, to}
		n.flows[f]++
		there, back := to.String(), p.host.name
		d.there = n.latency(p.host, d.server) + skew(back, there, n.flows[f])
		d.back = n.latency(d.server, p.host) + skew(there, back, n.flows[f])
	}
	return d
}

func (d *dialing) run(ctx context.Context) (*end, error) {
	for _, pause := range repeats() {
		if err := d.proc.await(ctx, d.awake); err != nil {
			return nil, timedOut(err)
		}
		trip, ok := d.request()
		if !ok {
			if err := d.sleep(ctx, pause); err != nil {
				return nil, err
			}
			continue
		}
		if err := d.sleep(ctx, trip); err != nil {
			return nil, err
		}
		e, err := d.answer()
		if !errors.Is(err, errUnanswered) {
			return e, err
		}
		if err := d.sleep(ctx, pause-trip); err != nil {
			return nil, err
		}
	}
	return nil, os.NewSyscallError("connect", syscall.ETIMEDOUT)
}

// awake tells whether the process can send a request.
func (d *dialing) awake() bool { return d.proc.paused == nil }

// request sends one request to connect and tells how long its answer takes, if there will be one.
func (d *dialing) request() (trip time.Duration, answered bool) {
	n := d.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if d.server == nil {
		return 0, false
	}
	trip, answered = d.there+d.back, true
	for _, f := range n.faults {
		if !f.joins(d.proc.host, d.server) {
			continue
		}
		trip += f.Delay * time.Duration(f.ways())
		if f.Kind == kindBlackhole {
			answered = false
			d.count(f)
		}
	}
	return trip, answered
}

// count counts this attempt among those that a fault hit, once.
func (d *dialing) count(f *Fault) {
	if d.counted[f] {
		return
	}
	if d.counted == nil {
		d.counted = map[*Fault]bool{}
	}
	d.counted[f] = true
	f.touched.Conns++
}

// answer is what the server's kernel makes of the request.
func (d *dialing) answer() (*end, error) {
	n := d.net
	n.mu.Lock()
	defer n.unlock()
	if d.proc.dead {
		return nil, net.ErrClosed
	}
	refused := false
	for _, f := range n.faults {
		if f.Kind == kindRefuse && f.joins(d.proc.host, d.server) {
			refused = true
			d.count(f)
		}
	}
	l := d.server.listeners[d.to.Port()]
	if refused || l == nil {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	if len(l.queue) >= backlog {
		return nil, errUnanswered
	}
	c := n.connect(d.proc, l.proc, d.from, d.to, d.there, d.back)
	class := d.join(c)
	l.queue = append(l.queue, &c.ends[1])
	l.waiter.wake(n)
	n.tell(world.Conn{From: d.proc.host.name, To: d.server.name, Port: int(d.to.Port()), Class: class})
	return &c.ends[0], nil
}

// join lays on a new connection the faults that hit new ones.
func (d *dialing) join(c *conn) (class string) {
	class = "ok"
	for _, f := range d.net.faults {
		if f.joins(d.proc.host, d.server) && f.lies() {
			f.layOn(c)
			if f.Kind == kindStall {
				class = "held"
			}
		}
	}
	for _, p := range []*Process{c.ends[0].proc, c.ends[1].proc} {
		if p.paused != nil {
			p.withhold(c)
		}
	}
	return class
}

// failed tells Watch of an attempt that failed. One that its caller gave up is no evidence.
func (d *dialing) failed(err error) {
	var class string
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		class = "refused"
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, os.ErrDeadlineExceeded):
		class = "timeout"
	}
	if class == "" || d.server == nil {
		return
	}
	d.net.mu.Lock()
	d.net.tell(world.Conn{From: d.proc.host.name, To: d.server.name, Port: int(d.to.Port()), Class: class})
	d.net.unlock()
}

// sleep waits, or returns why ctx or the process ended.
func (d *dialing) sleep(ctx context.Context, length time.Duration) error {
	if err := ctx.Err(); err != nil {
		return timedOut(err)
	}
	if length <= 0 {
		return nil
	}
	t := time.NewTimer(length)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-d.proc.gone:
		return net.ErrClosed
	case <-ctx.Done():
		return timedOut(ctx.Err())
	}
}

// timedOut makes of a context's deadline what a dialer makes of it.
func timedOut(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return dialTimeout{}
	}
	return err
}

// dialTimeout is both the context's error and the socket's, as different dialers have it.
type dialTimeout struct{}

func (dialTimeout) Error() string   { return "i/o timeout" }
func (dialTimeout) Timeout() bool   { return true }
func (dialTimeout) Temporary() bool { return true }
func (dialTimeout) Is(err error) bool {
	return err == context.DeadlineExceeded || err == os.ErrDeadlineExceeded
}
