//go:build linux

package realclient_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// fault is what happens to a show.
type fault struct {
	name   string
	strike func(*cell) // takes the connection away; nil: it stays, and a title comes by another balancer
	moves  bool        // the show goes on at another recorder

	deadFirst bool // the first address that the client tries then is dead
}

func faults() []fault {
	return []fault{
		{name: "connection-dropped", strike: (*cell).drop},
		{name: "balancer-killed", strike: (*cell).killBalancer, deadFirst: true},
		{name: "recorder-killed", strike: (*cell).killRecorder, moves: true},
		{name: "title-elsewhere"},
	}
}

// drop resets the client's connection on both sides, as a middlebox does that has
// forgotten it.
func (c *cell) drop() {
	_, err := c.world.servers.run("", "ss", "-K", "dst", home, "sport", "=", fmt.Sprintf(":%d", c.source.service))
	require.NoError(c.t, err)
}

// killBalancer kills the balancer that carries the show. DNS knows nothing yet, and
// its next answer has the dead one where the client looks.
func (c *cell) killBalancer() {
	addrs := balancerAddrs()
	own := slices.Index(addrs, c.source.to.String())
	before := (own + len(addrs) - 1) % len(addrs) // an answer begins where the one before had its second
	if c.client.last {
		before = own
	}
	for c.lookup()[0].String() != addrs[before] {
	}
	c.world.kill(balancerName(own))
}

func (c *cell) killRecorder() { c.world.kill(c.recorded.recorder) }

// lookup asks for the ingest's addresses.
func (c *cell) lookup() (addrs []netip.Addr) {
	conn, err := c.world.client.env("resolver", c.world.dir).DialContext(c.t.Context(), "udp", net.JoinHostPort(gateway, strconv.Itoa(dnsPort)))
	require.NoError(c.t, err)
	defer conn.Close()
	question := new(dns.Msg).SetQuestion(dns.Fqdn(ingest), dns.TypeA)
	answer, _, err := new(dns.Client).ExchangeWithConnContext(c.t.Context(), question, &dns.Conn{Conn: conn})
	require.NoError(c.t, err)
	for _, rr := range answer.Answer {
		addr, _ := netip.AddrFromSlice(rr.(*dns.A).A.To4())
		addrs = append(addrs, addr)
	}
	require.NotEmpty(c.t, addrs)
	return addrs
}
