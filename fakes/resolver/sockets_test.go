package resolver_test

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/fakes/resolver"
	"deadair/fakes/route53"
)

// TestAsksRoute53OverSockets runs both fakes on real sockets: a short answer
// over UDP, a long one over TCP, each by the client's subnet.
func TestAsksRoute53OverSockets(t *testing.T) {
	at := map[string]string{}
	host := env.System("route53", t.TempDir(), nil)
	ready := make(chan struct{})
	host.ListenPacket = func(ctx context.Context, _, _ string) (net.PacketConn, error) {
		l, err := new(net.ListenConfig).ListenPacket(ctx, "udp", "127.0.0.1:0")
		if err == nil {
			at["udp"] = l.LocalAddr().String()
		}
		return l, err
	}
	host.Listen = func(ctx context.Context, _, _ string) (net.Listener, error) {
		defer close(ready)
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err == nil {
			at["tcp"] = l.Addr().String()
		}
		return l, err
	}
	many := make([]route53.Record, 100)
	for i := range many {
		many[i] = route53.Record{Host: "many-" + strconv.Itoa(i), Addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}
	}
	few := []route53.Record{{Host: "few", Addr: netip.MustParseAddr("10.1.0.1")}}
	s, err := route53.New(route53.Config{
		Name: name, TTL: 10 * time.Second, Env: host,
		Regions: []route53.Region{{Name: "few", Place: "Here", Records: few}, {Name: "many", Place: "There", Records: many}},
		Latency: route53.Latency{
			Subnets: []route53.Subnet{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Place: "There"}},
			RTT:     map[string]map[string]time.Duration{"Here": {"few": 1, "many": 2}, "There": {"few": 2, "many": 1}},
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	<-ready

	for subnet, want := range map[string]int{"198.51.100.0/24": 1, "192.0.2.0/24": 100} {
		r, err := resolver.New(resolver.Config{
			Server: "route53",
			Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, at[network])
			},
			Rand: rand.New(rand.NewPCG(1, 2)), Subnet: netip.MustParsePrefix(subnet),
		})
		require.NoError(t, err)
		got, err := r.Lookup(t.Context(), name)
		require.NoError(t, err)
		require.Len(t, got, want)
	}
	cancel()
	require.NoError(t, <-ended)
}
