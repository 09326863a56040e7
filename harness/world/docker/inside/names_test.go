package inside

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// TestSystemsAskTheStage: what is asked in a network gets what the zone's server says to
// who stands there, over both transports.
func TestSystemsAskTheStage(t *testing.T) {
	one, two := netip.MustParseAddr("127.77.1.2"), netip.MustParseAddr("127.77.2.2")
	w, err := Open(Config{Stage: &Stage{Opening: Opening{Hosts: []Host{
		{Name: "dns"}, {Name: "dns/www"},
		{Name: "eu-west/a", Addr: netip.MustParseAddr("127.77.1.10"), Gate: one},
		{Name: "eu-west/b", Addr: netip.MustParseAddr("127.77.1.11"), Gate: one},
		{Name: "us-east/a", Addr: netip.MustParseAddr("127.77.2.10"), Gate: two},
	}}}})
	require.NoError(t, err)
	defer w.Close()
	server := func(host, says string) netip.AddrPort {
		t.Helper()
		packets, err := w.Env(host).ListenPacket(t.Context(), "udp", ":53")
		require.NoError(t, err)
		streams, err := w.Env(host).Listen(t.Context(), "tcp", ":53")
		require.NoError(t, err)
		tell := dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) { w.WriteMsg(tellSubnet(m, says)) })
		go (&dns.Server{PacketConn: packets, Handler: tell}).ActivateAndServe()
		go (&dns.Server{Listener: streams, Handler: tell}).ActivateAndServe()
		return netip.AddrPortFrom(w.Addr(host), 53)
	}
	servers := map[string]netip.AddrPort{"live.test": server("dns", "ingest"), "www.live.test.": server("dns/www", "www")}

	free, err := net.ListenPacket("udp4", one.String()+":0")
	require.NoError(t, err)
	port := free.LocalAddr().(*net.UDPAddr).Port
	require.NoError(t, free.Close())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.resolve(ctx, uint16(port), servers) }()

	ask := func(network string, at netip.Addr, m *dns.Msg) (said *dns.Msg) {
		t.Helper()
		c := dns.Client{Net: network, Timeout: time.Second}
		require.Eventually(t, func() bool {
			said, _, err = c.Exchange(m, netip.AddrPortFrom(at, uint16(port)).String())
			return err == nil
		}, patience, 10*time.Millisecond)
		return said
	}
	question := func(name string) *dns.Msg { return new(dns.Msg).SetQuestion(name, dns.TypeTXT) }
	for _, network := range []string{"udp", "tcp"} {
		require.Equal(t, []string{"ingest", "127.77.1.10/32"}, texts(ask(network, one, question("live.test."))), network)
		require.Equal(t, []string{"ingest", "127.77.2.10/32"}, texts(ask(network, two, question("LIVE.test."))), network)
		require.Equal(t, []string{"www", "127.77.2.10/32"}, texts(ask(network, two, question("www.live.test."))), network)
	}
	require.Equal(t, dns.RcodeRefused, ask("udp", one, question("example.org.")).Rcode)
	require.Equal(t, dns.RcodeFormatError, ask("udp", one, new(dns.Msg)).Rcode)

	plain := ask("udp", one, question("live.test."))
	require.Nil(t, plain.IsEdns0(), "who did not ask so is not answered so")
	knows := question("live.test.")
	knows.SetEdns0(1400, false)
	require.Empty(t, ask("udp", one, knows).IsEdns0().Option)
	elsewhere := located(question("live.test."), netip.MustParseAddr("192.0.2.7"))
	said := ask("udp", one, elsewhere)
	require.Equal(t, []string{"ingest", "192.0.2.7/32"}, texts(said), "who says where it is, is there")
	require.Len(t, said.IsEdns0().Option, 1)

	stop()
	require.NoError(t, <-ended)
}

// tellSubnet answers with a word and where the question is from.
func tellSubnet(m *dns.Msg, says string) *dns.Msg {
	said := new(dns.Msg).SetReply(m)
	from := m.IsEdns0().Option[0].(*dns.EDNS0_SUBNET)
	said.Answer = []dns.RR{&dns.TXT{
		Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET},
		Txt: []string{says, netip.PrefixFrom(netip.MustParseAddr(from.Address.String()), int(from.SourceNetmask)).String()},
	}}
	said.SetEdns0(1232, false)
	said.IsEdns0().Option = []dns.EDNS0{from}
	return said
}

func texts(m *dns.Msg) []string {
	if len(m.Answer) != 1 {
		return nil
	}
	return m.Answer[0].(*dns.TXT).Txt
}
