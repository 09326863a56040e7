// Package route53 stands in for Amazon Route 53: one hosted zone with one name,
// routed by latency to regions of health-checked records.
//
// It owns the checkers that probe the records from many hosts, the vote over
// what they see, the answers that follow from the vote, and the authoritative
// server that gives them over UDP and TCP.
//
// It does not do: HTTPS, string-match, calculated or inverted checks; weighted,
// geographic, multivalue or alias records; nested failover; DNSSEC; zone
// transfers. Answers hold every healthy record of a region, rotated, where
// Amazon needs a nested policy for more than one.
package route53

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"deadair/balancer/env"
)

// Limits of one hosted zone.
const (
	maxRecords  = 256
	maxCheckers = 256
	maxTTL      = 24 * time.Hour
)

// Config describes the hosted zone. Durations are of the world's clock, that is
// already scaled; TTL and NegativeTTL are incident time, for they go on the wire.
type Config struct {
	Name        string        // the routed name; required
	Zone        string        // the hosted zone; the parent of Name when empty
	TTL         time.Duration // of addresses, whole seconds, 1 s to 24 h; 60 s when zero
	NegativeTTL time.Duration // of "no such name", whole seconds; 900 s when zero
	Regions     []Region      // at least one record in all; names differ
	Latency     Latency

	Checkers       []Checker     // none: every record is healthy; names differ
	Interval       time.Duration // from a probe's end to the next; 10 s when zero
	Threshold      int           // probes in a row that change a checker's opinion, 1 to 10; 3 when zero
	ConnectTimeout time.Duration // 4 s when zero
	AnswerTimeout  time.Duration // from connected to the status; 2 s when zero
	VoteEvery      time.Duration // 1 s when zero
	Propagation    time.Duration // from a vote to the first answer that knows it; may be zero

	// StartUnhealthy makes records unhealthy until checkers have seen enough.
	// Amazon does the opposite.
	StartUnhealthy bool

	Addr    string  // where it answers; ":53" when empty
	Env     env.Env // the server's own host: Listen, ListenPacket, Rand, Phase, Log
	Observe Observe
}

// Region is a group of records with one place. Its name and place are as in Latency.
type Region struct {
	Name    string // eu-west
	Place   string // Ireland
	Records []Record
}

// Record is one address of the name.
type Record struct {
	Host       string // its name for observers; unique
	Addr       netip.Addr
	HealthPort int    // 0: not checked, always healthy
	HealthPath string // "/health" when empty
	Shallow    bool   // checked by TCP: who accepts a connection is healthy
}

// Checker is one of the hosts that probe. Each probes every record.
type Checker struct {
	Name string
	Env  env.Env // the checker's own host: DialContext, Phase
}

// Observe has functions that are told of changes; a nil one is left out. They
// are called from any goroutine, must be quick and must not call the Server.
type Observe struct {
	Checker func(Opinion)
	Vote    func(Vote)
	Answer  func(Answer)
}

// Opinion is what one checker thinks of one record from now on.
type Opinion struct {
	Checker string
	Host    string
	OK      bool
	Class   Class // of the probe that decided
}

// Vote is a record's health from now on, before it is propagated.
type Vote struct {
	Host    string
	OK      bool
	Healthy int // checkers that say healthy
	Of      int // checkers
}

// Answer is what is answered, from now on, to a client in the place of a region.
type Answer struct {
	Region   string
	Hosts    []string // sorted; of another region when this one has none healthy
	FailOpen bool     // nothing is healthy anywhere, so all of the region's records count as healthy
}

// Server is the hosted zone with its checkers.
type Server struct {
	cfg     Config
	zone    zone
	records []record // of all regions, in order
	places  *places
	tally   *tally
	faults  faults

	answers atomic.Pointer[table]
	turns   map[string]*atomic.Uint32 // place → queries so far; the map never changes
	probes  atomic.Int64

	mu    sync.Mutex // guards shown
	shown []Answer   // per region, the last that was observed
}

// record is one Record with the index of its region.
type record struct {
	Record
	region int
}

// New checks the configuration and prepares the first answers. It starts nothing.
func New(cfg Config) (*Server, error) {
	cfg = withDefaults(cfg)
	if err := validate(cfg); err != nil {
		return nil, fmt.Errorf("configure route53: %w", err)
	}
	places, err := newPlaces(cfg.Latency, cfg.Regions)
	if err != nil {
		return nil, fmt.Errorf("configure route53: %w", err)
	}
	s := &Server{cfg: cfg, zone: newZone(cfg), places: places, turns: map[string]*atomic.Uint32{}}
	for i, region := range cfg.Regions {
		for _, r := range region.Records {
			s.records = append(s.records, record{Record: r, region: i})
		}
	}
	for place := range places.orders {
		s.turns[place] = new(atomic.Uint32)
	}
	s.faults.rand = cfg.Env.Rand("route53 faults")
	s.tally = newTally(len(cfg.Checkers), s.records, !cfg.StartUnhealthy)
	health, _ := s.tally.count()
	s.publish(health)
	return s, nil
}

func withDefaults(cfg Config) Config {
	cfg.Name = dns.CanonicalName(cfg.Name)
	if cfg.Zone == "" {
		_, parent, _ := strings.Cut(cfg.Name, ".")
		cfg.Zone = parent
	}
	cfg.Zone = dns.CanonicalName(cfg.Zone)
	setDefault(&cfg.TTL, time.Minute)
	setDefault(&cfg.NegativeTTL, 15*time.Minute)
	setDefault(&cfg.Interval, 10*time.Second)
	setDefault(&cfg.Threshold, 3)
	setDefault(&cfg.ConnectTimeout, 4*time.Second)
	setDefault(&cfg.AnswerTimeout, 2*time.Second)
	setDefault(&cfg.VoteEvery, time.Second)
	setDefault(&cfg.Addr, ":53")
	return cfg
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Serve answers and probes until ctx is done; then it returns nil, after all
// that it started has ended. It must be called once.
func (s *Server) Serve(ctx context.Context) error {
	packets, err := s.cfg.Env.ListenPacket(ctx, "udp", s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen for DNS: %w", err)
	}
	streams, err := s.cfg.Env.Listen(ctx, "tcp", s.cfg.Addr)
	if err != nil {
		packets.Close()
		return fmt.Errorf("listen for DNS: %w", err)
	}
	handler := dns.HandlerFunc(s.handle)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		// Without a long ReadTimeout the library wakes up every two seconds.
		return serveDNS(ctx, &dns.Server{PacketConn: packets, Handler: handler, UDPSize: 4096, ReadTimeout: time.Hour})
	})
	g.Go(func() error { return serveDNS(ctx, &dns.Server{Listener: streams, Handler: handler}) })
	g.Go(func() error { s.vote(ctx); return nil })
	for c := range s.cfg.Checkers {
		for r := range s.records {
			if s.records[r].HealthPort != 0 {
				g.Go(func() error { newProber(s, c, r).run(ctx); return nil })
			}
		}
	}
	return g.Wait()
}

// serveDNS runs one of the library's servers until ctx is done.
func serveDNS(ctx context.Context, srv *dns.Server) error {
	started := make(chan struct{})
	ended := make(chan error, 1)
	srv.NotifyStartedFunc = func() { close(started) }
	go func() { ended <- srv.ActivateAndServe() }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve DNS: %w", err)
	case <-started:
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serve DNS: %w", err)
	case <-ctx.Done():
	}
	if err := srv.Shutdown(); err != nil {
		return fmt.Errorf("stop DNS: %w", err)
	}
	return <-ended
}

// Probes is how often checkers have asked a record's host since the start.
func (s *Server) Probes() int64 { return s.probes.Load() }

// Answers tells what is answered now, per region in the order of Config.
func (s *Server) Answers() []Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Answer(nil), s.shown...)
}
