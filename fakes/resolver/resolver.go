// Package resolver stands in for the caching DNS resolvers that clients really
// have: honest ones, and those that keep answers for longer than they should.
//
// It owns the cache and its habits, and asks the authoritative server that it was
// told of. It does not do: recursion over delegations, CNAMEs, DNSSEC, IPv6 addresses,
// sharing one upstream query between lookups that ask at the same time.
package resolver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Outcomes of a lookup that gives no addresses.
var (
	// ErrServfail means that the server answered and could not help, or refused to.
	ErrServfail = errors.New("server failure")
	// ErrNXDomain means that there is no such name, or that it has no IPv4 address.
	ErrNXDomain = errors.New("no such name")
	// ErrTimeout means that nothing came in time.
	ErrTimeout = errors.New("no answer in time")
)

// Config is one resolver. TTLs, ClampTo, NegativeTTL, StaleFor and StaleTTL are
// incident time; Timeout and StaleAfter are deadlines, of the clock.
type Config struct {
	Server string // "ip:port" of the authoritative server; required
	Zones  []Zone // names that another one answers for
	// Dial connects to Server; required.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	Mode    Mode          // Honest when zero
	ClampTo time.Duration // Clamp only: TTLs below it are raised to it; required there
	Speed   float64       // incident seconds per second of the clock; 1 when zero

	Subnet  netip.Prefix  // sent as the client's subnet when valid
	Timeout time.Duration // of one try; 2 s when zero
	Tries   int           // 2 when zero, at most 10
	Rand    *rand.Rand    // message ids; required, and nobody else's

	NegativeTTL time.Duration // how long a failure is remembered; 5 s when zero
	StaleFor    time.Duration // ServeStale only: how long after its TTL an answer may be used; a day when zero
	StaleTTL    time.Duration // ServeStale only: how long after a failed refresh nobody tries again; 30 s when zero
	StaleAfter  time.Duration // ServeStale only: a refresh that takes longer has failed; 1.8 s when zero
	MaxEntries  int           // names in the cache; 1024 when zero
}

// Zone is a part of the names with a server of its own.
type Zone struct {
	Name   string // and all below it
	Server string // "ip:port"
}

// Resolver caches answers. It is safe for concurrent use.
type Resolver struct {
	cfg Config

	mu    sync.Mutex // guards all below
	rand  *rand.Rand
	cache map[string]*entry
}

// New checks the configuration. It starts nothing.
func New(cfg Config) (*Resolver, error) {
	setDefault(&cfg.Mode, Honest)
	setDefault(&cfg.Speed, 1)
	setDefault(&cfg.Timeout, 2*time.Second)
	setDefault(&cfg.Tries, 2)
	setDefault(&cfg.NegativeTTL, 5*time.Second)
	setDefault(&cfg.StaleFor, 24*time.Hour)
	setDefault(&cfg.StaleTTL, 30*time.Second)
	setDefault(&cfg.StaleAfter, 1800*time.Millisecond)
	setDefault(&cfg.MaxEntries, 1024)
	if err := validate(cfg); err != nil {
		return nil, fmt.Errorf("configure resolver: %w", err)
	}
	cfg.Zones = slices.Clone(cfg.Zones)
	for i := range cfg.Zones {
		cfg.Zones[i].Name = dns.CanonicalName(cfg.Zones[i].Name)
	}
	return &Resolver{cfg: cfg, rand: cfg.Rand, cache: map[string]*entry{}}, nil
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func validate(cfg Config) error {
	switch {
	case cfg.Server == "" || cfg.Dial == nil || cfg.Rand == nil:
		return errors.New("server, dial and rand are required")
	case slices.ContainsFunc(cfg.Zones, func(z Zone) bool { return z.Name == "" || z.Server == "" }):
		return errors.New("a zone needs a name and a server")
	case !cfg.Mode.known():
		return fmt.Errorf("unknown mode %q", cfg.Mode)
	case (cfg.Mode == Clamp) != (cfg.ClampTo > 0):
		return fmt.Errorf("clamp of %v does not go with mode %q", cfg.ClampTo, cfg.Mode)
	case !(cfg.Speed > 0):
		return fmt.Errorf("speed %v is not positive", cfg.Speed)
	case cfg.Tries < 1 || cfg.Tries > 10:
		return fmt.Errorf("%d tries are not between 1 and 10", cfg.Tries)
	case min(cfg.Timeout, cfg.NegativeTTL, cfg.StaleFor, cfg.StaleTTL, cfg.StaleAfter) < 0:
		return errors.New("a duration is negative")
	case cfg.MaxEntries < 1:
		return fmt.Errorf("cache of %d names", cfg.MaxEntries)
	}
	return nil
}

// Lookup gives a name's IPv4 addresses in the order of the answer, from the
// cache while its habits allow; each answer from the cache starts with the next
// address. Errors wrap ErrServfail, ErrNXDomain, ErrTimeout or that of ctx.
func (r *Resolver) Lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	name = dns.CanonicalName(name)
	addrs, found, err := r.cached(name, time.Now())
	if !found {
		addrs, err = r.refresh(ctx, name)
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", name, err)
	}
	return addrs, nil
}

// refresh asks the server and remembers what came, also a failure.
func (r *Resolver) refresh(ctx context.Context, name string) ([]netip.Addr, error) {
	limited := ctx
	if r.hasStale(name, time.Now()) {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, r.cfg.StaleAfter)
		defer cancel()
	}
	a := r.ask(limited, name)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return r.keep(name, a, time.Now())
}
