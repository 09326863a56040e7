package mutant

import (
	"context"
	"net"
	"slices"
	"sync/atomic"

	"github.com/miekg/dns"

	"deadair/fakes/route53"
)

// dnsIgnoresLatency has every region be as near as any other, but to those who are in one.
func dnsIgnoresLatency() Mutant {
	return Mutant{Name: "dns-ignores-latency", Doc: "DNS sends everybody to the region that comes first",
		Zone: func(cfg *route53.Config) {
			for place, to := range cfg.Latency.RTT {
				if slices.ContainsFunc(cfg.Regions, func(r route53.Region) bool { return r.Place == place }) {
					continue // the system must be well before the first fault
				}
				for region := range to {
					to[region] = 0
				}
			}
		}}
}

// dnsIgnoresSubnet has DNS believe that each client is where its resolver is.
func dnsIgnoresSubnet() Mutant {
	return Mutant{Name: "dns-ignores-subnet", Doc: "DNS does not look at the client's subnet that a resolver sends",
		Zone: func(cfg *route53.Config) {
			listen := cfg.Env.ListenPacket
			cfg.Env.ListenPacket = func(ctx context.Context, network, addr string) (net.PacketConn, error) {
				c, err := listen(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return incurious{c}, nil
			}
		}}
}

// incurious is a server's socket that leaves the client's subnet out of questions.
type incurious struct{ net.PacketConn }

func (i incurious) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := i.PacketConn.ReadFrom(p)
	var m dns.Msg
	if err != nil || m.Unpack(p[:n]) != nil || m.IsEdns0() == nil {
		return n, from, err
	}
	opt := m.IsEdns0()
	opt.Option = slices.DeleteFunc(opt.Option, func(o dns.EDNS0) bool { return o.Option() == dns.EDNS0SUBNET })
	short, err := m.Pack()
	if err != nil {
		return n, from, nil //nolint:nilerr // what cannot be shortened is handed on as it came
	}
	return copy(p, short), from, nil
}

// dnsFailsClosed has DNS name nobody when nobody is healthy.
func dnsFailsClosed() Mutant {
	return Mutant{Name: "dns-fails-closed", Doc: "DNS has no answer when no balancer is healthy, instead of naming all",
		Zone: func(cfg *route53.Config) {
			closed := new(atomic.Bool)
			told, listen := cfg.Observe.Answer, cfg.Env.ListenPacket
			cfg.Observe.Answer = func(a route53.Answer) {
				closed.Store(a.FailOpen)
				told(a)
			}
			cfg.Env.ListenPacket = func(ctx context.Context, network, addr string) (net.PacketConn, error) {
				c, err := listen(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return mute{c, closed}, nil
			}
		}}
}

// mute is a server's socket whose answers are empty while it is closed.
type mute struct {
	net.PacketConn
	closed *atomic.Bool
}

func (m mute) WriteTo(p []byte, to net.Addr) (int, error) {
	if !m.closed.Load() {
		return m.PacketConn.WriteTo(p, to)
	}
	return answering(m.PacketConn, p, to, 0)
}
