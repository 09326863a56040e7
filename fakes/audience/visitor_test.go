package audience_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env/envtest"
	"deadair/fakes/audience"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	good    = "10.0.5.1"
	bad     = "10.0.5.2"
	absent  = "10.0.5.3"
	visitor = "10.0.9.1"
)

// street is a network with two servers.
type street struct {
	net   *envtest.Net
	mu    sync.Mutex
	hosts []string // of the name
	err   error    // of looking it up
	told  []audience.Request
}

func (s *street) resolve(context.Context, string) ([]netip.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []netip.Addr
	for _, h := range s.hosts {
		all = append(all, netip.MustParseAddr(h))
	}
	return all, s.err
}

func (s *street) observe(r audience.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, r)
}

// answers serves each connection at a host with the same words, and then ends it.
func (s *street) answers(t *testing.T, host, words string) {
	l, err := s.net.Env(host, host, nil).Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for said := ""; !strings.HasSuffix(said, "\r\n\r\n"); {
					b := make([]byte, 512)
					n, err := c.Read(b)
					if err != nil {
						return
					}
					said += string(b[:n])
				}
				if words == "" {
					io.Copy(io.Discard, c)
				}
				io.WriteString(c, words)
			}()
		}
	}()
}

// visit runs a visitor for a while and returns what it told.
func visit(t *testing.T, change func(*audience.VisitorConfig), prepare func(*testing.T, *street)) []audience.Request {
	t.Helper()
	s := &street{net: new(envtest.Net), hosts: []string{good}}
	synctest.Test(t, func(t *testing.T) {
		s.answers(t, good, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		s.answers(t, bad, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nsick")
		prepare(t, s)
		cfg := audience.VisitorConfig{
			Ways: audience.Ways{Resolve: s.resolve, Dial: s.net.Env("visitor", visitor, nil).DialContext},
			Asks: []audience.Ask{{Site: "www.deadair.test", Port: 80, Path: "/"}}, Every: 5 * time.Second, Duration: 59 * time.Second,
			Patience: 30 * time.Second, Observe: s.observe,
		}
		if change != nil {
			change(&cfg)
		}
		v, err := audience.NewVisitor(cfg)
		require.NoError(t, err)
		v.Run(t.Context())
	})
	return s.told
}

func nothing(*testing.T, *street) {}

func TestVisitorAsksAgainAndAgain(t *testing.T) {
	told := visit(t, nil, nothing)
	require.Len(t, told, 12)
	want := audience.Request{Ask: audience.Ask{Site: "www.deadair.test", Port: 80, Path: "/"}, Peer: netip.MustParseAddr(good), Class: audience.OK, Status: 200, Count: 1}
	for _, r := range told {
		require.Equal(t, want, r)
	}
	counted := visit(t, func(c *audience.VisitorConfig) { c.Quiet = 20 * time.Second }, nothing)
	var counts []int
	for _, r := range counted {
		counts = append(counts, r.Count)
	}
	require.Equal(t, []int{5, 4, 3}, counts)
}

func TestOutcomesOfRequests(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*testing.T, *street)
		class   audience.Class
		status  int
		took    time.Duration
		peer    string
	}{
		"503":               {func(_ *testing.T, s *street) { s.hosts = []string{bad} }, audience.Answered, 503, 0, bad},
		"the next address":  {func(_ *testing.T, s *street) { s.hosts = []string{absent, good} }, audience.OK, 200, 0, good},
		"nobody there":      {func(_ *testing.T, s *street) { s.hosts = []string{absent} }, audience.Refused, 0, 0, absent},
		"no such name":      {func(_ *testing.T, s *street) { s.hosts = nil }, audience.Unresolved, 0, 0, ""},
		"DNS fails":         {func(_ *testing.T, s *street) { s.err = errors.New("servfail") }, audience.Unresolved, 0, 0, ""},
		"DNS says nothing":  {func(_ *testing.T, s *street) { s.err = context.DeadlineExceeded }, audience.Timeout, 0, 0, ""},
		"the host is away":  {func(_ *testing.T, s *street) { s.net.Set(good, envtest.Silent) }, audience.Timeout, 0, 30 * time.Second, good},
		"no answer":         {func(t *testing.T, s *street) { s.own(t, "") }, audience.Timeout, 0, 30 * time.Second, absent},
		"half an answer":    {func(t *testing.T, s *street) { s.own(t, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello") }, audience.EOF, 200, 0, absent},
		"no answer in HTTP": {func(t *testing.T, s *street) { s.own(t, "220 mail.test ESMTP\r\n") }, audience.EOF, 0, 0, absent},
		"redirect":          {func(t *testing.T, s *street) { s.own(t, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n") }, audience.OK, 302, 0, absent},
	} {
		t.Run(name, func(t *testing.T) {
			told := visit(t, func(c *audience.VisitorConfig) { c.Duration = 31 * time.Second; c.Quiet = time.Minute }, c.prepare)
			require.NotEmpty(t, told)
			got := told[0]
			require.Equal(t, c.class, got.Class)
			require.Equal(t, c.status, got.Status)
			require.Equal(t, c.took, got.Took)
			if c.peer == "" {
				require.False(t, got.Peer.IsValid())
			} else {
				require.Equal(t, c.peer, got.Peer.String())
			}
			if c.class != audience.OK && c.took == 0 {
				require.Len(t, told, 7, "each failure is told")
			}
		})
	}
}

// own has the name lead to a server with words of its own.
func (s *street) own(t *testing.T, words string) {
	s.answers(t, absent, words)
	s.hosts = []string{absent}
}

func TestAPageIsWhatItIsMadeOf(t *testing.T) {
	parts := func(c *audience.VisitorConfig) {
		c.Asks = append(c.Asks, audience.Ask{Site: "cdn.test", Port: 80, Path: "/app.js"}, audience.Ask{Site: "never", Port: 80, Path: "/"})
		c.Duration = time.Second
	}
	told := visit(t, func(c *audience.VisitorConfig) {
		parts(c)
		resolve := c.Resolve
		c.Resolve = func(ctx context.Context, name string) ([]netip.Addr, error) {
			if name == "cdn.test" {
				return nil, errors.New("servfail")
			}
			return resolve(ctx, name)
		}
	}, nothing)
	require.Len(t, told, 2)
	require.Equal(t, [2]audience.Class{audience.Unresolved, audience.OK}, [2]audience.Class{told[0].Class, told[1].Class})
	require.Equal(t, "cdn.test", told[0].Site)
}

func TestVisitorEndsInTheMiddleOfARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &street{net: new(envtest.Net), hosts: []string{good}}
		s.answers(t, good, "")
		ctx, stop := context.WithCancel(t.Context())
		v, err := audience.NewVisitor(audience.VisitorConfig{
			Ways: audience.Ways{Resolve: s.resolve, Dial: s.net.Env("visitor", visitor, nil).DialContext},
			Asks: []audience.Ask{{Site: "x", Port: 80, Path: "/"}}, Every: time.Second, Duration: time.Hour, Patience: time.Hour, Observe: s.observe,
		})
		require.NoError(t, err)
		ended := make(chan struct{})
		go func() { v.Run(ctx); close(ended) }()
		synctest.Wait()
		stop()
		<-ended
		require.Empty(t, s.told, "it is not known what would have come of it")
	})
}

// TestNobodyElseTellsThatItEnds: a dialer that is given a deadline may say that it is over
// before the context does; that was no failure of the server's.
func TestNobodyElseTellsThatItEnds(t *testing.T) {
	told := visit(t, func(c *audience.VisitorConfig) {
		c.Duration, c.Patience = 10*time.Second, 20*time.Second
		c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			over, _ := ctx.Deadline()
			time.Sleep(time.Until(over) - time.Nanosecond)
			return nil, os.ErrDeadlineExceeded
		}
	}, nothing)
	require.Empty(t, told)
}

func TestVisitorConfigIsChecked(t *testing.T) {
	right := func() audience.VisitorConfig {
		return audience.VisitorConfig{
			Ways: audience.Ways{Resolve: new(street).resolve, Dial: (&net.Dialer{}).DialContext},
			Asks: []audience.Ask{{Site: "x"}}, Every: 1, Duration: 1, Patience: 1,
		}
	}
	_, err := audience.NewVisitor(right())
	require.NoError(t, err)
	for want, change := range map[string]func(*audience.VisitorConfig){
		"Resolve and Dial":     func(c *audience.VisitorConfig) { c.Dial = nil },
		"asks nothing":         func(c *audience.VisitorConfig) { c.Asks = nil },
		"must be positive":     func(c *audience.VisitorConfig) { c.Patience = 0 },
		"must not be negative": func(c *audience.VisitorConfig) { c.Quiet = -1 },
	} {
		cfg := right()
		change(&cfg)
		_, err := audience.NewVisitor(cfg)
		require.ErrorContains(t, err, want)
	}
}
