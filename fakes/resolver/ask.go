package resolver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// maxUDP is the largest datagram that the resolver says it can take.
const maxUDP = 1232

// ask queries the server, again after a failure while tries are left.
func (r *Resolver) ask(ctx context.Context, name string) answer {
	var a answer
	for range r.cfg.Tries {
		a = r.try(ctx, name)
		if !a.failed() || ctx.Err() != nil {
			break
		}
	}
	return a
}

// try queries once over UDP, and over TCP when that answer was cut short.
func (r *Resolver) try(ctx context.Context, name string) answer {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	m, err := r.exchange(ctx, "udp", name)
	if err == nil && m.Truncated {
		m, err = r.exchange(ctx, "tcp", name)
	}
	if err != nil {
		return answer{err: classify(err)}
	}
	return read(m, name)
}

func (r *Resolver) exchange(ctx context.Context, network, name string) (*dns.Msg, error) {
	conn, err := r.cfg.Dial(ctx, network, r.server(name))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// Cancelling must end a read; a deadline alone is not enough.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	framed := &dns.Conn{Conn: conn, UDPSize: maxUDP}
	if network == "udp" {
		framed.Conn = datagrams{conn}
	}
	client := dns.Client{Timeout: r.cfg.Timeout}
	m, _, err := client.ExchangeWithConnContext(ctx, r.query(name), framed)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err == nil && (!m.Response || len(m.Question) != 1 || !strings.EqualFold(m.Question[0].Name, name)) {
		return nil, errors.New("the answer is to another question")
	}
	return m, err
}

// server is who answers for a name: of the zones that hold it the first.
func (r *Resolver) server(name string) string {
	for _, z := range r.cfg.Zones {
		if dns.IsSubDomain(z.Name, name) {
			return z.Server
		}
	}
	return r.cfg.Server
}

// query makes a question with an id of its own: the library's ids come from a
// global generator.
func (r *Resolver) query(name string) *dns.Msg {
	q := new(dns.Msg)
	q.Question = []dns.Question{{Name: name, Qtype: dns.TypeA, Qclass: dns.ClassINET}}
	r.mu.Lock()
	q.Id = uint16(r.rand.Uint32())
	r.mu.Unlock()
	q.SetEdns0(maxUDP, false)
	if sub := r.cfg.Subnet; sub.IsValid() {
		q.IsEdns0().Option = []dns.EDNS0{clientSubnet(sub)}
	}
	return q
}

func clientSubnet(sub netip.Prefix) *dns.EDNS0_SUBNET {
	family := uint16(1)
	if sub.Addr().Is6() {
		family = 2
	}
	return &dns.EDNS0_SUBNET{
		Code: dns.EDNS0SUBNET, Family: family,
		SourceNetmask: uint8(sub.Bits()), Address: sub.Addr().AsSlice(),
	}
}

// read takes the addresses out of a reply.
func read(m *dns.Msg, name string) answer {
	switch m.Rcode {
	case dns.RcodeSuccess:
	case dns.RcodeNameError:
		return answer{err: ErrNXDomain, ttl: negativeTTL(m)}
	default:
		return answer{err: fmt.Errorf("%w: %s", ErrServfail, dns.RcodeToString[m.Rcode])}
	}
	a := answer{ttl: maxTTL}
	for _, rr := range m.Answer {
		rec, ok := rr.(*dns.A)
		if !ok || !strings.EqualFold(rec.Hdr.Name, name) {
			continue
		}
		if addr, ok := netip.AddrFromSlice(rec.A.To4()); ok {
			a.addrs = append(a.addrs, addr)
			a.ttl = min(a.ttl, time.Duration(rec.Hdr.Ttl)*time.Second)
		}
	}
	if len(a.addrs) == 0 {
		return answer{err: ErrNXDomain, ttl: negativeTTL(m)}
	}
	return a
}

// negativeTTL is how long a denial holds, by RFC 2308.
func negativeTTL(m *dns.Msg) time.Duration {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return time.Duration(min(soa.Hdr.Ttl, soa.Minttl)) * time.Second
		}
	}
	return 0
}

// classify gives a failed exchange one of the package's errors.
func classify(err error) error {
	var timeout net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		(errors.As(err, &timeout) && timeout.Timeout()) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return fmt.Errorf("%w: %w", ErrServfail, err)
}

// datagrams tells the library that a connection keeps datagrams apart, whatever
// its type; the library would frame them as a stream otherwise.
type datagrams struct{ net.Conn }

func (d datagrams) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := d.Read(p)
	return n, d.RemoteAddr(), err
}

func (d datagrams) WriteTo(p []byte, _ net.Addr) (int, error) { return d.Write(p) }
