package mutant

import (
	"bytes"
	"context"
	"net"
	"slices"

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
	return Mutant{Name: "drain-ignored", Doc: "a recorder that an operator drained goes on taking shows",
		Recorder: func(_ *recorder.Config, e *env.Env, _ *recorder.Parts) {
			listen := e.Listen
			e.Listen = func(ctx context.Context, network, addr string) (net.Listener, error) {
				l, err := listen(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return deafListener{l}, nil
			}
		}}
}

type deafListener struct{ net.Listener }

func (d deafListener) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return deaf{c}, nil
}

// deaf is a connection whose first words, when they are an order to drain, become a question.
type deaf struct{ net.Conn }

func (d deaf) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	if rest, ok := bytes.CutPrefix(p[:n], []byte("POST /drain ")); ok {
		n = copy(p, append([]byte("GET /health "), rest...))
	}
	return n, err
}

// CloseWrite keeps half-close.
func (d deaf) CloseWrite() error {
	if c, ok := d.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return d.Conn.Close()
}
