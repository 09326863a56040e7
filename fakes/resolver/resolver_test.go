package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/fakes/resolver"
)

const name = "ingest.deadair.test."

// server is an authoritative server behind pipes.
type server struct {
	mu      sync.Mutex
	addrs   []string
	ttl     uint32
	rcode   int
	mute    bool // takes queries, says nothing
	refuse  bool // of dials
	hang    bool // of dials, until the dialler gives up
	cut     bool // truncates over UDP
	garble  bool // answers each datagram with another id and then with another question
	asked   []string
	subnets []string
	ids     []uint16
	wg      sync.WaitGroup
}

func (s *server) set(f func(*server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func (s *server) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	if s.hangs() {
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	s.wg.Go(func() { s.serve(network, far) })
	return near, nil
}

func (s *server) hangs() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hang
}

func (s *server) serve(network string, c net.Conn) {
	defer c.Close()
	var buf [4096]byte
	n, err := c.Read(buf[:])
	if err != nil {
		return
	}
	off := 0
	if network == "tcp" {
		off = 2
	}
	var q dns.Msg
	if q.Unpack(buf[off:n]) != nil {
		return
	}
	for _, m := range s.replies(network, &q) {
		wire, err := m.Pack()
		if err != nil {
			return
		}
		if network == "tcp" {
			wire = append([]byte{byte(len(wire) >> 8), byte(len(wire))}, wire...)
		}
		if _, err := c.Write(wire); err != nil {
			return
		}
	}
	io.Copy(io.Discard, c)
}

func (s *server) replies(network string, q *dns.Msg) []*dns.Msg {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, network)
	s.ids = append(s.ids, q.Id)
	for _, o := range q.IsEdns0().Option {
		s.subnets = append(s.subnets, o.String())
	}
	if s.mute {
		return nil
	}
	m := new(dns.Msg).SetRcode(q, s.rcode)
	if s.cut && network == "udp" {
		m.Truncated = true
		return []*dns.Msg{m}
	}
	if s.garble {
		stranger, other := m.Copy(), m.Copy()
		stranger.Id++
		other.Question[0].Name = "other.test."
		return []*dns.Msg{stranger, other}
	}
	if s.rcode == dns.RcodeSuccess && len(s.addrs) > 0 {
		for _, a := range s.addrs {
			m.Answer = append(m.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: s.ttl},
				A:   net.ParseIP(a),
			})
		}
		return []*dns.Msg{m}
	}
	m.Ns = []dns.RR{&dns.SOA{
		Hdr: dns.RR_Header{Name: "deadair.test.", Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 900}, Ns: ".", Mbox: ".", Minttl: 60,
	}}
	return []*dns.Msg{m}
}

// inBubble makes a server and a resolver in virtual time.
func inBubble(t *testing.T, cfg resolver.Config, f func(t *testing.T, s *server, lookup func() ([]string, error))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &server{addrs: []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, ttl: 10}
		cfg.Server, cfg.Dial = "10.0.0.53:53", s.dial
		cfg.Rand = rand.New(rand.NewPCG(1, 2))
		r, err := resolver.New(cfg)
		require.NoError(t, err)
		f(t, s, func() ([]string, error) { return texts(r.Lookup(t.Context(), name)) })
		s.wg.Wait()
	})
}

func texts(addrs []netip.Addr, err error) ([]string, error) {
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out, err
}

// first looks up and returns the first address, "" on an error.
func first(lookup func() ([]string, error)) string {
	addrs, err := lookup()
	if err != nil {
		return ""
	}
	return addrs[0]
}

func TestAnswersAreKeptForTheirTime(t *testing.T) {
	for what, test := range map[string]struct {
		cfg  resolver.Config
		life time.Duration // of the clock
	}{
		"honest":             {resolver.Config{}, 10 * time.Second},
		"honest, sped up":    {resolver.Config{Speed: 20}, 500 * time.Millisecond},
		"clamp":              {resolver.Config{Mode: resolver.Clamp, ClampTo: 300 * time.Second}, 300 * time.Second},
		"clamp, sped up":     {resolver.Config{Mode: resolver.Clamp, ClampTo: 300 * time.Second, Speed: 10}, 30 * time.Second},
		"clamp, lower":       {resolver.Config{Mode: resolver.Clamp, ClampTo: 5 * time.Second}, 10 * time.Second},
		"stale, server well": {resolver.Config{Mode: resolver.ServeStale}, 10 * time.Second},
	} {
		t.Run(what, func(t *testing.T) {
			inBubble(t, test.cfg, func(t *testing.T, s *server, lookup func() ([]string, error)) {
				require.Equal(t, "10.0.0.1", first(lookup))
				s.set(func(s *server) { s.addrs = []string{"10.9.9.9"} })
				time.Sleep(test.life - time.Nanosecond)
				require.NotEqual(t, "10.9.9.9", first(lookup))
				require.Equal(t, 1, s.count())
				time.Sleep(time.Nanosecond)
				require.Equal(t, "10.9.9.9", first(lookup))
				require.Equal(t, 2, s.count())
			})
		})
	}
}

func TestPinnedNeverAsksAgain(t *testing.T) {
	inBubble(t, resolver.Config{Mode: resolver.Pinned}, func(t *testing.T, s *server, lookup func() ([]string, error)) {
		s.set(func(s *server) { s.rcode = dns.RcodeServerFailure })
		require.Empty(t, first(lookup), "a failure is not pinned")
		s.set(func(s *server) { s.rcode = dns.RcodeSuccess })
		time.Sleep(time.Minute)
		asked := s.count()
		for range 4 {
			require.Equal(t, "10.0.0.1", first(lookup), "nor does it rotate")
			time.Sleep(5000 * time.Hour)
		}
		require.Equal(t, asked+1, s.count())
	})
}

func TestCachedAnswersRotate(t *testing.T) {
	inBubble(t, resolver.Config{}, func(t *testing.T, s *server, lookup func() ([]string, error)) {
		for _, want := range [][]string{
			{"10.0.0.1", "10.0.0.2", "10.0.0.3"},
			{"10.0.0.2", "10.0.0.3", "10.0.0.1"},
			{"10.0.0.3", "10.0.0.1", "10.0.0.2"},
			{"10.0.0.1", "10.0.0.2", "10.0.0.3"},
		} {
			got, err := lookup()
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		require.Equal(t, 1, s.count())
	})
}

func TestFailures(t *testing.T) {
	for what, test := range map[string]struct {
		harm  func(*server)
		want  error
		asked int           // queries, both tries
		took  time.Duration // of the lookup
		kept  time.Duration // how long the failure is remembered
	}{
		"servfail":         {func(s *server) { s.rcode = dns.RcodeServerFailure }, resolver.ErrServfail, 2, 0, 5 * time.Second},
		"refused by DNS":   {func(s *server) { s.rcode = dns.RcodeRefused }, resolver.ErrServfail, 2, 0, 5 * time.Second},
		"refused dial":     {func(s *server) { s.refuse = true }, resolver.ErrServfail, 0, 0, 5 * time.Second},
		"hanging dial":     {func(s *server) { s.hang = true }, resolver.ErrTimeout, 0, 4 * time.Second, 5 * time.Second},
		"mute":             {func(s *server) { s.mute = true }, resolver.ErrTimeout, 2, 4 * time.Second, 5 * time.Second},
		"another question": {func(s *server) { s.garble = true }, resolver.ErrServfail, 2, 0, 5 * time.Second},
		"no such name":     {func(s *server) { s.rcode = dns.RcodeNameError }, resolver.ErrNXDomain, 1, 0, 60 * time.Second},
		"no address":       {func(s *server) { s.addrs = nil }, resolver.ErrNXDomain, 1, 0, 60 * time.Second},
	} {
		t.Run(what, func(t *testing.T) {
			inBubble(t, resolver.Config{}, func(t *testing.T, s *server, lookup func() ([]string, error)) {
				s.set(test.harm)
				began := time.Now()
				_, err := lookup()
				require.ErrorIs(t, err, test.want)
				require.Equal(t, test.took, time.Since(began))
				require.Equal(t, test.asked, s.count())

				s.set(func(s *server) {
					s.rcode, s.addrs = dns.RcodeSuccess, []string{"10.0.0.1"}
					s.mute, s.refuse, s.garble, s.hang = false, false, false, false
				})
				time.Sleep(test.kept - time.Nanosecond)
				_, err = lookup()
				require.ErrorIs(t, err, test.want, "a failure is remembered")
				require.Equal(t, test.asked, s.count())
				time.Sleep(time.Nanosecond)
				require.Equal(t, "10.0.0.1", first(lookup))
			})
		})
	}
}

func TestSecondTryMayHelp(t *testing.T) {
	inBubble(t, resolver.Config{}, func(t *testing.T, s *server, lookup func() ([]string, error)) {
		s.set(func(s *server) { s.mute = true })
		time.AfterFunc(time.Second, func() { s.set(func(s *server) { s.mute = false }) })
		began := time.Now()
		require.Equal(t, "10.0.0.1", first(lookup))
		require.Equal(t, 2*time.Second, time.Since(began))
		require.Equal(t, []string{"udp", "udp"}, s.asked)
		require.NotEqual(t, s.ids[0], s.ids[1])
	})
}

func TestServeStale(t *testing.T) {
	cfg := resolver.Config{Mode: resolver.ServeStale, StaleFor: time.Hour}
	for what, harm := range map[string]func(*server){
		"servfail": func(s *server) { s.rcode = dns.RcodeServerFailure },
		"mute":     func(s *server) { s.mute = true },
	} {
		t.Run(what, func(t *testing.T) {
			inBubble(t, cfg, func(t *testing.T, s *server, lookup func() ([]string, error)) {
				require.Equal(t, "10.0.0.1", first(lookup))
				s.set(harm)
				time.Sleep(11 * time.Second)
				began := time.Now()
				require.Equal(t, "10.0.0.2", first(lookup))
				require.LessOrEqual(t, time.Since(began), 1800*time.Millisecond)
				asked := s.count()
				require.Greater(t, asked, 1)
				time.Sleep(29 * time.Second)
				require.Equal(t, "10.0.0.3", first(lookup))
				require.Equal(t, asked, s.count(), "a failed refresh is not repeated at once")
				time.Sleep(time.Second)
				require.NotEmpty(t, first(lookup))
				require.Greater(t, s.count(), asked)
				time.Sleep(time.Hour)
				require.Empty(t, first(lookup), "too old")
			})
		})
	}
	inBubble(t, cfg, func(t *testing.T, s *server, lookup func() ([]string, error)) {
		require.Equal(t, "10.0.0.1", first(lookup))
		s.set(func(s *server) { s.rcode = dns.RcodeNameError })
		time.Sleep(11 * time.Second)
		_, err := lookup()
		require.ErrorIs(t, err, resolver.ErrNXDomain, "a denial is an answer")
	})
}

func TestTruncatedAnswersAreAskedAgainOverTCP(t *testing.T) {
	inBubble(t, resolver.Config{}, func(t *testing.T, s *server, lookup func() ([]string, error)) {
		s.set(func(s *server) { s.cut = true })
		require.Equal(t, "10.0.0.1", first(lookup))
		require.Equal(t, []string{"udp", "tcp"}, s.asked)
	})
}

func TestSubnetIsSent(t *testing.T) {
	for subnet, want := range map[string]string{"192.0.2.77/24": "192.0.2.0/24/0", "2001:db8::1/56": "[2001:db8::]/56/0"} {
		inBubble(t, resolver.Config{Subnet: netip.MustParsePrefix(subnet)}, func(t *testing.T, s *server, lookup func() ([]string, error)) {
			require.NotEmpty(t, first(lookup))
			require.Equal(t, []string{want}, s.subnets)
		})
	}
	inBubble(t, resolver.Config{}, func(t *testing.T, s *server, lookup func() ([]string, error)) {
		require.NotEmpty(t, first(lookup))
		require.Empty(t, s.subnets)
	})
}

func TestCancelEndsALookupAndIsNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{addrs: []string{"10.0.0.1"}, ttl: 10, mute: true}
		r, err := resolver.New(resolver.Config{Server: "10.0.0.53:53", Dial: s.dial, Rand: rand.New(rand.NewPCG(1, 2))})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		_, err = r.Lookup(ctx, name)
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, errors.Is(err, resolver.ErrTimeout) || errors.Is(err, resolver.ErrServfail))
		require.Equal(t, time.Second, time.Since(began))
		s.set(func(s *server) { s.mute = false })
		_, err = r.Lookup(t.Context(), name)
		require.NoError(t, err)
		s.wg.Wait()
	})
}

func TestCacheHasALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{addrs: []string{"10.0.0.1"}, ttl: 3600}
		r, err := resolver.New(resolver.Config{Server: "x", Dial: s.dial, Rand: rand.New(rand.NewPCG(1, 2)), MaxEntries: 3})
		require.NoError(t, err)
		look := func(i int) {
			_, err := r.Lookup(t.Context(), fmt.Sprintf("n%d.deadair.test", i))
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		for i := range 4 {
			look(i)
		}
		require.Equal(t, 4, s.count())
		for _, i := range []int{1, 2, 3} {
			look(i)
		}
		require.Equal(t, 4, s.count(), "the three youngest are kept")
		look(0)
		require.Equal(t, 5, s.count(), "the oldest had to go")
		s.wg.Wait()
	})
}

func TestNamesAreOneWhateverTheirCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{addrs: []string{"10.0.0.1"}, ttl: 3600}
		r, err := resolver.New(resolver.Config{Server: "x", Dial: s.dial, Rand: rand.New(rand.NewPCG(1, 2))})
		require.NoError(t, err)
		for _, n := range []string{name, "INGEST.deadair.test", "ingest.deadair.test"} {
			_, err := r.Lookup(t.Context(), n)
			require.NoError(t, err)
		}
		require.Equal(t, 1, s.count())
		s.wg.Wait()
	})
}

func TestEachZoneHasItsServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		servers := map[string]*server{}
		for addr, answer := range map[string]string{"main": "10.0.0.1", "cdn": "10.0.0.2"} {
			servers[addr] = &server{addrs: []string{answer}, ttl: 10}
		}
		r, err := resolver.New(resolver.Config{
			Server: "main", Zones: []resolver.Zone{{Name: "CDN.test", Server: "cdn"}}, Rand: rand.New(rand.NewPCG(1, 2)),
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return servers[addr].dial(ctx, network, addr)
			},
		})
		require.NoError(t, err)
		for n, want := range map[string]string{"ingest.deadair.test": "10.0.0.1", "cdn.test": "10.0.0.2", "Live.cdn.test.": "10.0.0.2", "xcdn.test": "10.0.0.1"} {
			addrs, err := texts(r.Lookup(t.Context(), n))
			require.NoError(t, err)
			require.Equal(t, []string{want}, addrs, n)
		}
		for _, s := range servers {
			s.wg.Wait()
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	good := func() resolver.Config {
		return resolver.Config{Server: "x", Dial: new(server).dial, Rand: rand.New(rand.NewPCG(1, 2))}
	}
	_, err := resolver.New(good())
	require.NoError(t, err)
	for want, change := range map[string]func(*resolver.Config){
		"are required":          func(c *resolver.Config) { c.Rand = nil },
		"a zone needs":          func(c *resolver.Config) { c.Zones = []resolver.Zone{{Name: "cdn.test"}} },
		"unknown mode":          func(c *resolver.Config) { c.Mode = "lazy" },
		"does not go with mode": func(c *resolver.Config) { c.ClampTo = time.Second },
		"clamp of 0s":           func(c *resolver.Config) { c.Mode = resolver.Clamp },
		"is not positive":       func(c *resolver.Config) { c.Speed = -1 },
		"tries":                 func(c *resolver.Config) { c.Tries = 11 },
		"is negative":           func(c *resolver.Config) { c.Timeout = -1 },
		"cache of":              func(c *resolver.Config) { c.MaxEntries = -1 },
	} {
		cfg := good()
		change(&cfg)
		_, err := resolver.New(cfg)
		require.ErrorContains(t, err, want)
	}
}

func TestParseMode(t *testing.T) {
	for text, want := range map[string]resolver.Config{
		"honest":     {Mode: resolver.Honest},
		"stale":      {Mode: resolver.ServeStale},
		"pinned":     {Mode: resolver.Pinned},
		"clamp:300s": {Mode: resolver.Clamp, ClampTo: 5 * time.Minute},
	} {
		mode, clamp, err := resolver.ParseMode(text)
		require.NoError(t, err)
		require.Equal(t, want, resolver.Config{Mode: mode, ClampTo: clamp})
	}
	for _, text := range []string{"", "clamp", "clamp:", "clamp:0s", "clamp:-1s", "clamp:5", "honest:5s", "Honest", "lazy"} {
		_, _, err := resolver.ParseMode(text)
		require.Error(t, err, text)
	}
}

func FuzzParseMode(f *testing.F) {
	for _, s := range []string{"honest", "clamp:30s", "clamp:", "pinned:1s", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		mode, clamp, err := resolver.ParseMode(s)
		if err != nil {
			return
		}
		_, err = resolver.New(resolver.Config{
			Server: "x", Dial: new(server).dial, Rand: rand.New(rand.NewPCG(1, 2)), Mode: mode, ClampTo: clamp,
		})
		require.NoError(t, err, "what is parsed can be used")
	})
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
