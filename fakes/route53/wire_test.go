package route53_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env"
	"deadair/fakes/route53"
)

// ask sends a query over a network and returns what came.
type ask func(network string, q *dns.Msg) (*dns.Msg, error)

// onSockets serves a zone on real sockets.
func onSockets(t *testing.T, change func(*route53.Config)) (*route53.Server, ask, map[string]string) {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	at := map[string]string{}
	cfg := zoneOf(newFabric(), 0)
	cfg.Env.Listen = func(ctx context.Context, _, _ string) (net.Listener, error) {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err == nil {
			at["tcp"] = l.Addr().String()
		}
		return l, err
	}
	cfg.Env.ListenPacket = func(ctx context.Context, _, _ string) (net.PacketConn, error) {
		l, err := new(net.ListenConfig).ListenPacket(ctx, "udp", "127.0.0.1:0")
		if err == nil {
			at["udp"] = l.LocalAddr().String()
		}
		return l, err
	}
	if change != nil {
		change(&cfg)
	}
	ready := make(chan struct{})
	listen := cfg.Env.Listen // the second of the two
	cfg.Env.Listen = func(ctx context.Context, network, addr string) (net.Listener, error) {
		defer close(ready)
		return listen(ctx, network, addr)
	}
	s, err := route53.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return s, func(network string, q *dns.Msg) (*dns.Msg, error) {
		c := &dns.Client{Net: network, Timeout: 5 * time.Second}
		m, _, err := c.ExchangeContext(t.Context(), q, at[network])
		return m, err
	}, at
}

func question(name string, qtype uint16) *dns.Msg {
	return new(dns.Msg).SetQuestion(name, qtype)
}

func withSubnet(q *dns.Msg, subnet string) *dns.Msg {
	p := netip.MustParsePrefix(subnet)
	family := uint16(1)
	if p.Addr().Is6() {
		family = 2
	}
	q.SetEdns0(1232, false)
	q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{
		Code: dns.EDNS0SUBNET, Family: family, SourceNetmask: uint8(p.Bits()), Address: p.Addr().AsSlice(),
	}}
	return q
}

func addresses(m *dns.Msg) []string {
	var got []string
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			got = append(got, a.A.String())
		}
	}
	return got
}

func TestAnswersOverUDPAndTCP(t *testing.T) {
	_, ask, _ := onSockets(t, nil)
	for _, network := range []string{"udp", "tcp"} {
		m, err := ask(network, question("InGest.deadair.TEST.", dns.TypeA))
		require.NoError(t, err)
		require.Equal(t, dns.RcodeSuccess, m.Rcode)
		require.True(t, m.Authoritative)
		require.False(t, m.RecursionAvailable)
		require.Equal(t, []string{oregon1}, addresses(m), "the resolver's address is nearest to Oregon")
		require.Equal(t, "InGest.deadair.TEST.", m.Answer[0].Header().Name)
		require.Equal(t, uint32(10), m.Answer[0].Header().Ttl)
	}
}

func TestQuestionsAndTheirCodes(t *testing.T) {
	_, ask, _ := onSockets(t, nil)
	chaos := question("version.bind.", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	notify := question("deadair.test.", dns.TypeSOA)
	notify.Opcode = dns.OpcodeNotify
	update := question("deadair.test.", dns.TypeSOA)
	update.Opcode = dns.OpcodeUpdate
	two := question("ingest.deadair.test.", dns.TypeA)
	two.Question = append(two.Question, two.Question[0])
	version := question("ingest.deadair.test.", dns.TypeA).SetEdns0(1232, false)
	version.IsEdns0().SetVersion(1)
	twoOPT := question("ingest.deadair.test.", dns.TypeA).SetEdns0(1232, false)
	twoOPT.Extra = append(twoOPT.Extra, twoOPT.Extra[0])
	for name, test := range map[string]struct {
		q       *dns.Msg
		rcode   int
		answers int
		soa     bool // in the authority section
	}{
		"address":         {question("ingest.deadair.test.", dns.TypeA), dns.RcodeSuccess, 1, false},
		"anything":        {question("ingest.deadair.test.", dns.TypeANY), dns.RcodeSuccess, 1, false},
		"no IPv6":         {question("ingest.deadair.test.", dns.TypeAAAA), dns.RcodeSuccess, 0, true},
		"no TXT":          {question("ingest.deadair.test.", dns.TypeTXT), dns.RcodeSuccess, 0, true},
		"SOA":             {question("deadair.test.", dns.TypeSOA), dns.RcodeSuccess, 1, false},
		"NS":              {question("deadair.test.", dns.TypeNS), dns.RcodeSuccess, 2, false},
		"SOA of a name":   {question("ingest.deadair.test.", dns.TypeSOA), dns.RcodeSuccess, 0, true},
		"no such name":    {question("egress.deadair.test.", dns.TypeA), dns.RcodeNameError, 0, true},
		"below the name":  {question("a.ingest.deadair.test.", dns.TypeA), dns.RcodeNameError, 0, true},
		"outside":         {question("example.com.", dns.TypeA), dns.RcodeRefused, 0, false},
		"above":           {question("test.", dns.TypeSOA), dns.RcodeRefused, 0, false},
		"a lookalike":     {question("notdeadair.test.", dns.TypeA), dns.RcodeRefused, 0, false},
		"transfer":        {question("deadair.test.", dns.TypeAXFR), dns.RcodeRefused, 0, false},
		"another class":   {chaos, dns.RcodeRefused, 0, false},
		"notify":          {notify, dns.RcodeNotImplemented, 0, false},
		"update":          {update, dns.RcodeNotImplemented, 0, false},
		"two questions":   {two, dns.RcodeFormatError, 0, false},
		"EDNS version 1":  {version, dns.RcodeBadVers, 0, false},
		"two OPT records": {twoOPT, dns.RcodeFormatError, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ask("udp", test.q)
			require.NoError(t, err)
			require.Equal(t, dns.RcodeToString[test.rcode], dns.RcodeToString[m.Rcode])
			require.Len(t, m.Answer, test.answers)
			require.Equal(t, test.soa, len(m.Ns) == 1 && m.Ns[0].Header().Rrtype == dns.TypeSOA)
			require.Equal(t, test.answers > 0 || test.soa, m.Authoritative)
		})
	}
}

func TestNearestByClientSubnet(t *testing.T) {
	_, ask, _ := onSockets(t, func(cfg *route53.Config) { cfg.Latency.Elsewhere = "Virginia" })
	for subnet, want := range map[string]struct {
		addr  string
		scope uint8
	}{
		"192.0.2.0/24":   {dublin1, 24},
		"192.0.2.7/32":   {dublin1, 24},
		"192.0.2.128/25": {virginia1, 25},
		"192.0.2.0/23":   {virginia1, 0}, // wider than what is known of it
		"198.51.100.0/8": {virginia1, 0}, // elsewhere
		"2001:db8::/48":  {virginia1, 0},
		"0.0.0.0/0":      {oregon1, 0}, // rather not tell: the resolver's own address
	} {
		if p := netip.MustParsePrefix(subnet); p.Masked() != p {
			subnet = p.Masked().String()
		}
		m, err := ask("udp", withSubnet(question("ingest.deadair.test.", dns.TypeA), subnet))
		require.NoError(t, err)
		require.Contains(t, addresses(m), want.addr, subnet)
		echo, ok := m.IsEdns0().Option[0].(*dns.EDNS0_SUBNET)
		require.True(t, ok)
		require.Equal(t, want.scope, echo.SourceScope, subnet)
		require.Equal(t, subnet, netip.PrefixFrom(netip.MustParseAddr(echo.Address.String()), int(echo.SourceNetmask)).String())
	}
}

func TestMalformedClientSubnet(t *testing.T) {
	_, ask, _ := onSockets(t, nil)
	scoped := withSubnet(question("ingest.deadair.test.", dns.TypeA), "192.0.2.0/24")
	scoped.IsEdns0().Option[0].(*dns.EDNS0_SUBNET).SourceScope = 24
	m, err := ask("udp", scoped)
	require.NoError(t, err)
	require.Equal(t, dns.RcodeFormatError, m.Rcode)
}

func TestNextBestDependsOnThePlace(t *testing.T) {
	s, ask, _ := onSockets(t, func(cfg *route53.Config) {
		cfg.StartUnhealthy = true
		cfg.Checkers = zoneOf(newFabric(), 1).Checkers
		cfg.Interval = time.Hour
		cfg.Regions[1].Records[0].HealthPort = 0 // so America is up,
		cfg.Regions[2].Records[0].HealthPort = 0 // and Ireland is not
	})
	require.Equal(t, []string{"us-east/balancer-1"}, s.Answers()[0].Hosts)
	m, err := ask("udp", withSubnet(question("ingest.deadair.test.", dns.TypeA), "192.0.2.0/25"))
	require.NoError(t, err)
	require.Equal(t, []string{oregon1}, addresses(m), "from Rome the west coast is nearer, in this table")
}

func TestAnswersRotate(t *testing.T) {
	_, ask, _ := onSockets(t, nil)
	for i := range 4 {
		m, err := ask("udp", withSubnet(question("ingest.deadair.test.", dns.TypeA), "192.0.2.0/25"))
		require.NoError(t, err)
		want := [][]string{{dublin1, dublin2}, {dublin2, dublin1}}[i%2]
		require.Equal(t, want, addresses(m))
	}
}

func TestTooBigAnswersAreTruncated(t *testing.T) {
	_, ask, _ := onSockets(t, func(cfg *route53.Config) {
		for i := range 100 {
			r := route53.Record{Host: "extra-" + strconv.Itoa(i), Addr: netip.AddrFrom4([4]byte{10, 9, 0, byte(i)})}
			cfg.Regions[2].Records = append(cfg.Regions[2].Records, r)
		}
	})
	wire := func(network string, q *dns.Msg) *dns.Msg {
		m, err := ask(network, q)
		require.NoError(t, err)
		m.Compress = true // so that Len is that of the wire
		return m
	}
	plain := wire("udp", question("ingest.deadair.test.", dns.TypeA))
	require.True(t, plain.Truncated)
	require.LessOrEqual(t, plain.Len(), 512)
	roomy := wire("udp", question("ingest.deadair.test.", dns.TypeA).SetEdns0(65000, false))
	require.True(t, roomy.Truncated)
	require.Greater(t, len(roomy.Answer), len(plain.Answer))
	require.LessOrEqual(t, roomy.Len(), 1232)
	whole := wire("tcp", question("ingest.deadair.test.", dns.TypeA))
	require.False(t, whole.Truncated)
	require.Len(t, whole.Answer, 101)
}

func TestFaultModes(t *testing.T) {
	s, ask, _ := onSockets(t, nil)
	q := func() *dns.Msg { return question("ingest.deadair.test.", dns.TypeA) }
	require.NoError(t, s.Answer(route53.ModeServfail, 1))
	m, err := ask("udp", q())
	require.NoError(t, err)
	require.Equal(t, dns.RcodeServerFailure, m.Rcode)
	require.Equal(t, 1, s.Spoilt())

	require.NoError(t, s.Answer(route53.ModeNXDomain, 1))
	m, err = ask("tcp", q())
	require.NoError(t, err)
	require.Equal(t, dns.RcodeNameError, m.Rcode)
	require.Equal(t, uint32(900), m.Ns[0].Header().Ttl)
	m, err = ask("udp", question("example.com.", dns.TypeA))
	require.NoError(t, err)
	require.Equal(t, dns.RcodeRefused, m.Rcode, "other zones stay none of its business")

	require.NoError(t, s.Answer(route53.ModeServfail, 0.25))
	bad := 0
	for range 400 {
		m, err = ask("udp", q())
		require.NoError(t, err)
		if m.Rcode == dns.RcodeServerFailure {
			bad++
		}
	}
	require.InDelta(t, 100, bad, 40)
	require.Equal(t, bad, s.Spoilt())

	require.NoError(t, s.Answer(route53.ModeOK, 1))
	m, err = ask("udp", q())
	require.NoError(t, err)
	require.Equal(t, []string{oregon1}, addresses(m))
	require.Zero(t, s.Spoilt())

	require.Error(t, s.Answer("sulk", 1))
	require.Error(t, s.Answer(route53.ModeOK, 1.1))
	require.Error(t, s.Answer(route53.ModeOK, -0.1))
}

func TestStaleModeKeepsTheOldAnswers(t *testing.T) {
	net := newFabric()
	changed := make(chan route53.Answer, 3)
	s, ask, _ := onSockets(t, func(cfg *route53.Config) {
		small := zoneOf(net, 1)
		cfg.Checkers, cfg.Regions = small.Checkers, small.Regions
		cfg.Interval, cfg.VoteEvery, cfg.Propagation = 5*time.Millisecond, time.Millisecond, 0
		cfg.Observe.Answer = func(a route53.Answer) { changed <- a }
	})
	get := func() []string {
		m, err := ask("udp", question("ingest.deadair.test.", dns.TypeA))
		require.NoError(t, err)
		return addresses(m)
	}
	require.NoError(t, s.Answer(route53.ModeStale, 1))
	net.set(oregon1, refused)
	require.Equal(t, route53.Answer{Region: "us-west", Hosts: []string{"us-east/balancer-1"}}, <-changed)
	require.Equal(t, []string{oregon1}, get())
	require.NoError(t, s.Answer(route53.ModeOK, 0))
	require.Equal(t, []string{virginia1}, get())
}

func TestTimeoutModeSaysNothing(t *testing.T) {
	s, _, at := onSockets(t, nil)
	require.NoError(t, s.Answer(route53.ModeTimeout, 1))
	for network, addr := range at {
		c := &dns.Client{Net: network, Timeout: 50 * time.Millisecond}
		_, _, err := c.ExchangeContext(t.Context(), question("ingest.deadair.test.", dns.TypeA), addr)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout(), network)
	}
	require.Equal(t, 2, s.Spoilt())
}

func TestProbesOnRealSockets(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer web.Close()
	port := netip.MustParseAddrPort(web.Listener.Addr().String()).Port()
	opinions := make(chan route53.Opinion, 10)
	onSockets(t, func(cfg *route53.Config) {
		system := env.System("checker-01", t.TempDir(), nil)
		cfg.Checkers = []route53.Checker{{Name: "checker-01", Env: system}}
		cfg.Regions = cfg.Regions[:1]
		cfg.Regions[0].Records = []route53.Record{
			{Host: "up", Addr: netip.MustParseAddr("127.0.0.1"), HealthPort: int(port)},
			{Host: "wrong", Addr: netip.MustParseAddr("127.0.0.1"), HealthPort: int(port), HealthPath: "/nothing"},
			{Host: "down", Addr: netip.MustParseAddr("127.0.0.1"), HealthPort: 1},
		}
		cfg.Interval = 20 * time.Millisecond
		cfg.Observe.Checker = func(o route53.Opinion) { opinions <- o }
	})
	got := map[string]route53.Opinion{}
	for range 2 {
		o := <-opinions
		got[o.Host] = o
	}
	web.Close()
	o := <-opinions
	got[o.Host] = o
	require.Equal(t, map[string]route53.Opinion{
		"wrong": {Checker: "checker-01", Host: "wrong", Class: route53.ClassStatus},
		"down":  {Checker: "checker-01", Host: "down", Class: route53.ClassRefused},
		"up":    {Checker: "checker-01", Host: "up", Class: route53.ClassRefused},
	}, got)
}

func TestDig(t *testing.T) {
	dig, err := exec.LookPath("dig")
	if err != nil {
		t.Skip("dig is not installed: install bind9-dnsutils to run this test")
	}
	_, _, at := onSockets(t, nil)
	run := func(network string, args ...string) string {
		_, port, err := net.SplitHostPort(at[network])
		require.NoError(t, err)
		args = append([]string{"@127.0.0.1", "-p", port, "+time=2", "+tries=1"}, args...)
		if network == "tcp" {
			args = append(args, "+tcp")
		}
		out, err := exec.CommandContext(t.Context(), dig, args...).CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	for _, network := range []string{"udp", "tcp"} {
		require.Equal(t, oregon1, strings.TrimSpace(run(network, "ingest.deadair.test", "+short")))
		out := run(network, "ingest.deadair.test", "+subnet=192.0.2.9/32")
		require.Contains(t, out, "status: NOERROR")
		require.Contains(t, out, "flags: qr aa rd;")
		require.Contains(t, out, "CLIENT-SUBNET: 192.0.2.9/32/24")
		require.Contains(t, out, dublin1)
		require.NotContains(t, out, "WARNING: Message parser reports malformed")
	}
	require.Contains(t, run("udp", "example.com"), "status: REFUSED")
	require.Contains(t, run("tcp", "deadair.test", "AXFR"), "Transfer failed")
}
