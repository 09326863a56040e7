package inside

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"
)

// The systems of nodes' containers ask the engine's resolver, which passes on what it does
// not know to the stage's address in their network.
const (
	askedPort   = 53
	maxQuestion = 256             // at once in each network; more are dropped, as a busy server does
	askLimit    = 2 * time.Second // of a question to a server; the engine's resolver waits longer
)

// Resolve implements world.Systems.
func (w *World) Resolve(ctx context.Context, servers map[string]netip.AddrPort) error {
	return w.resolve(ctx, askedPort, servers)
}

func (w *World) resolve(ctx context.Context, port uint16, servers map[string]netip.AddrPort) error {
	serving, ctx := errgroup.WithContext(ctx)
	seen := map[netip.Addr]bool{}
	for _, h := range w.stage.Hosts {
		if !h.Addr.IsValid() || seen[h.Gate] {
			continue
		}
		seen[h.Gate] = true
		n := &names{world: w, servers: servers, of: h.Addr, room: make(chan struct{}, maxQuestion)}
		serving.Go(func() error { return n.serve(ctx, netip.AddrPortFrom(h.Gate, port).String()) })
	}
	return serving.Wait()
}

// names answers what is asked in one network.
type names struct {
	world   *World
	servers map[string]netip.AddrPort // by the name of the zone
	of      netip.Addr                // a host of the network: who asks there is where it is
	room    chan struct{}
}

// serve answers at an address until ctx ends, and returns when all is answered.
func (n *names) serve(ctx context.Context, at string) error {
	var lc net.ListenConfig
	packets, err := lc.ListenPacket(ctx, "udp4", at)
	if err != nil {
		return fmt.Errorf("listen for what systems ask: %w", err)
	}
	streams, err := lc.Listen(ctx, "tcp4", at)
	if err != nil {
		return errors.Join(fmt.Errorf("listen for what systems ask: %w", err), packets.Close())
	}
	defer context.AfterFunc(ctx, func() { packets.Close(); streams.Close() })()
	answer := dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) { n.answer(ctx, w, m) })
	var both errgroup.Group
	both.Go((&dns.Server{PacketConn: packets, Handler: answer, ReadTimeout: time.Hour}).ActivateAndServe)
	idle := func() time.Duration { return askLimit } // else an idle client would hold up the end
	both.Go((&dns.Server{Listener: streams, Handler: answer, IdleTimeout: idle}).ActivateAndServe)
	if err := both.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("answer what systems ask: %w", err)
	}
	return nil
}

// answer passes one question on. What the server does not answer is not answered here either.
func (n *names) answer(ctx context.Context, w dns.ResponseWriter, question *dns.Msg) {
	select {
	case n.room <- struct{}{}:
		defer func() { <-n.room }()
	default:
		return
	}
	if len(question.Question) != 1 {
		w.WriteMsg(new(dns.Msg).SetRcode(question, dns.RcodeFormatError)) //nolint:errcheck // who asks has gone, or asks again
		return
	}
	network := w.RemoteAddr().Network()
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	said, err := n.ask(ctx, network, located(question, n.of))
	if err != nil {
		n.world.log.Debug("pass on a question", "name", question.Question[0].Name, "error", err)
		return
	}
	said.Truncate(unlocate(question, said, network))
	w.WriteMsg(said) //nolint:errcheck // who asks has gone, or asks again
}

// ask asks the server of the question's name, as a program on its own host would.
func (n *names) ask(ctx context.Context, network string, m *dns.Msg) (*dns.Msg, error) {
	at, ok := n.server(m.Question[0].Name)
	if !ok {
		return new(dns.Msg).SetRcode(m, dns.RcodeRefused), nil
	}
	conn, err := n.world.Env(n.world.HostAt(at.Addr())).DialContext(ctx, network, at.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	said, _, err := new(dns.Client).ExchangeWithConnContext(ctx, m, &dns.Conn{Conn: conn})
	return said, err
}

// server is that of the longest zone which a name is in.
func (n *names) server(name string) (at netip.AddrPort, ok bool) {
	longest := -1
	for zone, server := range n.servers {
		zone = dns.CanonicalName(zone)
		if dns.IsSubDomain(zone, name) && len(zone) > longest {
			at, ok, longest = server, true, len(zone)
		}
	}
	return at, ok
}

// located is a question that tells from where it is asked, unless it does so itself.
func located(question *dns.Msg, of netip.Addr) *dns.Msg {
	m := question.Copy()
	opt := m.IsEdns0()
	if opt == nil {
		m.SetEdns0(dns.MinMsgSize, false)
		opt = m.IsEdns0()
	}
	if slices.ContainsFunc(opt.Option, isSubnet) {
		return m
	}
	opt.Option = append(opt.Option, &dns.EDNS0_SUBNET{
		Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: uint8(of.BitLen()), Address: of.AsSlice(),
	})
	return m
}

func isSubnet(o dns.EDNS0) bool { return o.Option() == dns.EDNS0SUBNET }

// unlocate removes what an answer says to located alone, and tells how long it may be.
func unlocate(question, said *dns.Msg, network string) (size int) {
	size = dns.MinMsgSize
	if network == "tcp" {
		size = dns.MaxMsgSize
	}
	asked := question.IsEdns0()
	if asked == nil {
		said.Extra = slices.DeleteFunc(said.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT })
		return size
	}
	if opt := said.IsEdns0(); opt != nil && !slices.ContainsFunc(asked.Option, isSubnet) {
		opt.Option = slices.DeleteFunc(opt.Option, isSubnet)
	}
	return max(size, int(asked.UDPSize()))
}
