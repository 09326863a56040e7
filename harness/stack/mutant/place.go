package mutant

import (
	"bytes"
	"context"
	"net"
	"slices"
	"sync"

	"deadair/balancer"
	"deadair/balancer/env"
	"deadair/balancer/fleet"
	"deadair/balancer/recorder"
)

// capacityIgnored has the recorder have as many places as there are shows.
func capacityIgnored() Mutant {
	return Mutant{Name: "capacity-ignored", Doc: "a recorder takes more shows than it has places for",
		Recorder: func(cfg *recorder.Config, _ *env.Env, _ *recorder.Parts) { cfg.Capacity *= 10 }}
}

// homeOnly has the balancer know no recorders but those of its own datacenter.
func homeOnly() Mutant {
	return Mutant{Name: "home-only", Doc: "sources are sent to recorders of the balancer's own datacenter and to no others",
		Balancer: func(cfg balancer.Config, _ *env.Env, p *balancer.Parts) error {
			p.Choose = func(c balancer.Choice) []fleet.Recorder {
				return slices.DeleteFunc(balancer.Choose(c), func(r fleet.Recorder) bool { return r.Datacenter != cfg.Datacenter })
			}
			return nil
		}}
}

// drainIgnored has the recorder take a drain for a question about its health.
func drainIgnored() Mutant {
	return onDrain("drain-ignored", "a recorder that an operator drained goes on taking shows", func(*operated, net.Conn) []byte {
		return []byte("GET /health ")
	})
}

// drainCuts has the recorder end what it has when it is drained.
func drainCuts() Mutant {
	return onDrain("drain-cuts", "a recorder that an operator drains ends its live shows", func(o *operated, c net.Conn) []byte {
		o.cutAllBut(c)
		return []byte(drainOrder)
	})
}

// drainOrder is how an operator's order to drain begins.
const drainOrder = "POST /drain "

// onDrain is a mutant of what a recorder does with an order to drain: heard is told of
// it and says what the recorder reads instead.
func onDrain(name, doc string, heard func(*operated, net.Conn) []byte) Mutant {
	return Mutant{Name: name, Doc: doc, Recorder: func(_ *recorder.Config, e *env.Env, _ *recorder.Parts) {
		(&operated{order: drainOrder, heard: heard}).hear(e)
	}}
}

// operated is a server's connections, with an ear on each.
type operated struct {
	order string // of an operator
	heard func(*operated, net.Conn) []byte

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

// hear has a server listen with the ear.
func (o *operated) hear(e *env.Env) {
	listen := e.Listen
	e.Listen = func(ctx context.Context, network, addr string) (net.Listener, error) {
		l, err := listen(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return listener{l, o}, nil
	}
}

func (o *operated) cutAllBut(c net.Conn) {
	o.mu.Lock()
	all := slices.Clone(o.conns)
	o.mu.Unlock()
	for _, other := range all {
		if other != c {
			other.Close()
		}
	}
}

type listener struct {
	net.Listener
	of *operated
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	l.of.conns = append(l.of.conns, c)
	return ear{c, l.of}, nil
}

// ear is a connection that hears an order.
type ear struct {
	net.Conn
	of *operated
}

func (e ear) Read(p []byte) (int, error) {
	n, err := e.Conn.Read(p)
	if rest, ok := bytes.CutPrefix(p[:n], []byte(e.of.order)); ok {
		n = copy(p, slices.Concat(e.of.heard(e.of, e.Conn), rest))
	}
	return n, err
}

func (e ear) Close() error {
	e.of.mu.Lock()
	e.of.conns = slices.DeleteFunc(e.of.conns, func(c net.Conn) bool { return c == e.Conn })
	e.of.mu.Unlock()
	return e.Conn.Close()
}

// CloseWrite keeps half-close.
func (e ear) CloseWrite() error {
	if c, ok := e.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return e.Close()
}
