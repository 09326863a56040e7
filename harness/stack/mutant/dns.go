package mutant

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/miekg/dns"

	"deadair/fakes/route53"
)

// dnsKeepsTheDead has DNS never look: every balancer counts as healthy.
func dnsKeepsTheDead() Mutant {
	return Mutant{Name: "dns-keeps-the-dead", Doc: "DNS checks nobody, so the dead stay in the answers",
		Zone: func(cfg *route53.Config) {
			for _, r := range cfg.Regions {
				for i := range r.Records {
					r.Records[i].HealthPort = 0
				}
			}
		}}
}

// dnsNeverReturns has each checker refuse to forgive: an address that failed once is never dialled again.
func dnsNeverReturns() Mutant {
	return Mutant{Name: "dns-never-returns", Doc: "a balancer that left the answers never comes back to them",
		Zone: func(cfg *route53.Config) {
			for i := range cfg.Checkers {
				e := &cfg.Checkers[i].Env
				g := &grudge{dial: e.DialContext, failed: map[string]bool{}}
				e.DialContext = g.dialContext
			}
		}}
}

// dnsOneAddress has each answer name one balancer, the first of those that it would
// name, so that a client has no other to turn to.
func dnsOneAddress() Mutant {
	return Mutant{Name: "dns-one-address", Doc: "DNS answers with one of the healthy balancers, not with all",
		Zone: func(cfg *route53.Config) {
			listen := cfg.Env.ListenPacket
			cfg.Env.ListenPacket = func(ctx context.Context, network, addr string) (net.PacketConn, error) {
				c, err := listen(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return terse{c}, nil
			}
		}}
}

// terse is a server's socket that leaves all but the first record out of an answer.
type terse struct{ net.PacketConn }

func (t terse) WriteTo(p []byte, to net.Addr) (int, error) { return answering(t.PacketConn, p, to, 1) }

// answering sends an answer with so many records of it at most.
func answering(c net.PacketConn, p []byte, to net.Addr, most int) (int, error) {
	var m dns.Msg
	if err := m.Unpack(p); err != nil {
		return 0, fmt.Errorf("shorten an answer: %w", err)
	}
	m.Answer = m.Answer[:min(most, len(m.Answer))]
	short, err := m.Pack()
	if err != nil {
		return 0, fmt.Errorf("shorten an answer: %w", err)
	}
	if _, err := c.WriteTo(short, to); err != nil {
		return 0, err
	}
	return len(p), nil
}

type grudge struct {
	dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	mu     sync.Mutex // guards failed
	failed map[string]bool
}

func (g *grudge) dialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	g.mu.Lock()
	failed := g.failed[addr]
	g.mu.Unlock()
	if failed {
		return nil, fmt.Errorf("dial %s: it failed once", addr)
	}
	c, err := g.dial(ctx, network, addr)
	if err != nil && ctx.Err() == nil {
		g.mu.Lock()
		g.failed[addr] = true
		g.mu.Unlock()
	}
	return c, err
}
