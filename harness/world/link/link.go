// Package link carries the traffic between two hosts over a listener of its own,
// so that one pair of hosts can be broken alone.
//
// A link is named by who dials whom. Its listener is open while its target
// listens; without a fault bytes are copied as they come, with half-close and
// reset kept. Delay and throttle are toxiproxy's toxics, put into a direction of
// a connection while the fault lasts; stall, blackhole, cut and refuse are made here, for
// toxiproxy's own proxy cannot hit existing connections only, keep a half-closed
// connection open or heal a stall. Every fault counts what it touched.
//
// The package does not know what a node is, and carries no datagrams. It turns
// off zerolog's global level, for a toxic logs to standard error otherwise.
package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"deadair/harness/world"
)

// Key names a link: who dials whom, and where.
type Key struct {
	From, To string // host names
	Port     int    // logical port of To
}

// Config is what a Set needs.
type Config struct {
	// DialTimeout bounds a connection to a link's target; default 5 s. A target
	// whose kernel answers connects at once, so it only matters on a machine in trouble.
	DialTimeout time.Duration
	// Address gives the address of a new link's listener. It must stay free while the link is closed.
	Address func(k Key) (netip.AddrPort, error)
	// Watch is told of each connection; nil for nobody. It must be quick and must not call the Set.
	Watch func(world.Conn)
	// Log is for people; nil discards.
	Log *slog.Logger
}

// Set is all links of one run and the faults on them.
type Set struct {
	cfg     Config
	server  *toxiproxy.ApiServer
	proxy   *toxiproxy.Proxy
	buffers sync.Pool
	wg      sync.WaitGroup
	ctx     context.Context // ends the upstream dials
	cancel  context.CancelFunc

	mu      sync.Mutex
	links   map[Key]*link
	targets map[target]string // real addresses of what listens now
	faults  []*Fault          // in force
	dying   map[string]bool   // hosts whose process is being killed
	serial  int               // of faults
	closed  bool
}

type target struct {
	host string
	port int
}

// ErrClosed is what a Set answers after Close.
var ErrClosed = errors.New("the links are closed")

// New makes an empty Set. Address must be set.
func New(cfg Config) (*Set, error) {
	if cfg.Address == nil {
		return nil, errors.New("make links: Address must be set")
	}
	if cfg.DialTimeout == 0 {
		cfg.DialTimeout = 5 * time.Second
	}
	if cfg.Watch == nil {
		cfg.Watch = func(world.Conn) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	zerolog.SetGlobalLevel(zerolog.Disabled)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	s := &Set{
		cfg:     cfg,
		server:  server,
		proxy:   toxiproxy.NewProxy(server, "links", "", ""), // never started: toxics only ask it for names
		links:   map[Key]*link{},
		targets: map[target]string{},
		dying:   map[string]bool{},
	}
	s.buffers.New = func() any { return new(buffer) }
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Address is the address of a link's listener. The link is made at the first call.
func (s *Set) Address(k Key) (netip.AddrPort, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return netip.AddrPort{}, ErrClosed
	}
	if l := s.links[k]; l != nil {
		return l.addr, nil
	}
	addr, err := s.cfg.Address(k)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("make link %s to %s:%d: %w", k.From, k.To, k.Port, err)
	}
	l := &link{set: s, key: k, addr: addr, conns: map[*conn]struct{}{}, claims: map[string]chan struct{}{}}
	s.links[k] = l
	return addr, l.shape()
}

// Up tells that a host listens on a port, at a real address. Its links open.
func (s *Set) Up(host string, port int, real string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets[target{host, port}] = real
	return s.shape(func(k Key) bool { return k.To == host && k.Port == port })
}

// Down tells that a host listens on a port no more. Its links refuse.
func (s *Set) Down(host string, port int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.targets, target{host, port})
	return s.shape(func(k Key) bool { return k.To == host && k.Port == port })
}

// shape opens and closes the listeners of some links as their targets and the faults want it.
func (s *Set) shape(which func(Key) bool) error {
	if s.closed {
		return nil
	}
	var errs []error
	for k, l := range s.links {
		if which(k) {
			errs = append(errs, l.shape())
		}
	}
	return errors.Join(errs...)
}

// Refused tells that a dial of a link was refused, as the dialler saw it: a
// closed port leaves no other trace.
func (s *Set) Refused(k Key) {
	s.mu.Lock()
	for _, f := range s.faults {
		if f.spec.Kind == refuse && f.covers(k) {
			f.conns.Add(1)
		}
	}
	s.mu.Unlock()
	s.cfg.Watch(world.Conn{From: k.From, To: k.To, Port: k.Port, Class: "refused"})
}

// Admitted waits until the link has taken a connection that just was made to it
// from the address local, so that a fault from now on finds it existing. It
// returns at once when the link closed meanwhile. Each connection of the link must be waited for by its dialler.
func (s *Set) Admitted(ctx context.Context, k Key, local net.Addr) {
	s.mu.Lock()
	l := s.links[k]
	if l == nil || l.ln == nil {
		s.mu.Unlock()
		return
	}
	claim := l.claim(local.String())
	over := l.over
	s.mu.Unlock()

	select {
	case <-claim:
	case <-over:
	case <-ctx.Done():
	}
	s.mu.Lock()
	delete(l.claims, local.String())
	s.mu.Unlock()
}

// Dying tells that a host's process is about to be killed: from now on the end of
// its connections is a reset for the other side.
func (s *Set) Dying(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dying[host] = true
	for _, c := range s.connsOf(host) {
		c.doom()
	}
}

// Dead tells that the process has ended. Its connections are reset, except where
// a fault keeps the other side from hearing of it.
func (s *Set) Dead(host string) {
	s.mu.Lock()
	delete(s.dying, host)
	conns := s.connsOf(host)
	s.mu.Unlock()
	for _, c := range conns {
		c.bury(host)
	}
}

func (s *Set) connsOf(host string) []*conn {
	var all []*conn
	for k, l := range s.links {
		if k.From != host && k.To != host {
			continue
		}
		all = slices.AppendSeq(all, maps.Keys(l.conns))
	}
	return all
}

// Close resets all connections, closes all listeners and returns when nothing of the Set runs any more.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	var conns []*conn
	for _, l := range s.links {
		l.close()
		conns = slices.AppendSeq(conns, maps.Keys(l.conns))
	}
	s.mu.Unlock()
	s.cancel()
	for _, c := range conns {
		c.reset()
	}
	s.wg.Wait()
}

// target is where a link's target listens now.
func (s *Set) target(k Key) (real string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	real, ok = s.targets[target{k.To, k.Port}]
	return real, ok
}
