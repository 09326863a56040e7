// Package broadcaster plays broadcasters: it runs whole shows with the manners
// of real source clients, streaming frames that name themselves.
//
// It owns what a client does on the wire and when: lookup, connection, head,
// answer, audio, loss, retry, giving up; and it reports each of these as a
// witness. It does not resolve names itself, encode sound, update titles, follow
// redirects or speak TLS. It does not scale its clients' waits (see Waits).
package broadcaster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"deadair/fakes/broadcaster/frame"
)

// Config is one broadcaster and its show.
type Config struct {
	Name     string // names it in its frames; also the show's title
	Account  string
	Password string
	Mount    string // such as "/us-east-01"
	Kind     frame.Kind
	Persona  Persona
	Ingest   string // the name it connects to; empty: ingest.deadair.test
	Port     int    // zero: 8000

	// Resolve looks a name up. It must return when ctx is done. An error that is a
	// timeout is reported as one, any other as unresolved. No more than 16 addresses are used.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	// Dial connects to "ip:port".
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// API is what an app uses before its stream, beside it and after it; then Ingest and
	// Port are what Begin tells. Nil: none.
	API API

	// Speed is show time per time of the clock: frame n is produced n frame
	// lengths / Speed after OnAir. Zero: 1.
	Speed float64
	// Chunk is how many frames go out in one write, up to 1000. Zero: as many as
	// fill about 1 s of Light frames, 0.5 s of Full ones.
	Chunk int
	// Phase is how long Run waits before it goes on air, by the clock. Distinct
	// phases below a frame's length keep two broadcasters from ever acting at the same instant.
	Phase time.Duration
	// Duration of the show, in show time, cut to whole frames. Zero: until ctx is done.
	Duration time.Duration

	// Observe is called with each event, at its instant and in order. It must be quick. May be nil.
	Observe func(Event)
	// Quiet is how long an attempt that failed as one did before is only counted, and
	// an answer of the resolver that did not change is not reported, by the clock. What was
	// counted is reported before the next event of another kind. Zero: each is reported.
	Quiet time.Duration
}

const (
	maxChunk     = 1000
	maxAddresses = 16
)

// Broadcaster is one broadcaster. Its show can run once.
type Broadcaster struct {
	cfg     Config
	id      uint32
	request Request
	skew    time.Duration // added to each wait, so that no two broadcasters retry at the same instant

	// Used by Run's goroutine only.
	clock    clock
	timer    *time.Timer
	buf      []byte // one chunk, or a head and its answer
	reporter reporter
	tries    tries

	mu   sync.Mutex
	live *conn // the accepted connection, for Drop
}

// New checks a config. It starts nothing.
func New(cfg Config) (*Broadcaster, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("configure broadcaster %q: %w", cfg.Name, err)
	}
	cfg.fill()
	b := &Broadcaster{cfg: cfg, id: frame.ID(cfg.Name), reporter: reporter{observe: cfg.Observe, quiet: cfg.Quiet}}
	b.skew = time.Duration(b.id % uint32(time.Millisecond))
	b.request = Request{
		Host: cfg.Ingest, Port: cfg.Port,
		Mount: cfg.Mount, Account: cfg.Account, Password: cfg.Password,
		Name: cfg.Name, Type: "audio/mpeg",
		Bitrate: cfg.Kind.Bitrate(), SampleRate: cfg.Kind.SampleRate(), Channels: 1,
	}
	return b, nil
}

func (c *Config) check() error {
	switch {
	case c.Name == "":
		return errors.New("it needs a name")
	case !strings.HasPrefix(c.Mount, "/"):
		return fmt.Errorf("mount %q must start with a slash", c.Mount)
	case c.Kind != frame.Light && c.Kind != frame.Full:
		return fmt.Errorf("no frames of kind %d", c.Kind)
	case len(c.Persona.Forms) == 0:
		return errors.New("its persona has no form: take one from Personas")
	case c.Resolve == nil || c.Dial == nil:
		return errors.New("it needs Resolve and Dial")
	case c.Speed < 0 || math.IsNaN(c.Speed) || math.IsInf(c.Speed, 0):
		return fmt.Errorf("speed %v must be a positive number", c.Speed)
	case c.Chunk < 0 || c.Chunk > maxChunk:
		return fmt.Errorf("chunk %d must be 1 to %d frames", c.Chunk, maxChunk)
	case c.Phase < 0 || c.Duration < 0 || c.Quiet < 0:
		return errors.New("phase, duration and quiet must not be negative")
	}
	return nil
}

func (c *Config) fill() {
	if c.Ingest == "" {
		c.Ingest = "ingest.deadair.test"
	}
	if c.Port == 0 {
		c.Port = 8000
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	if c.Chunk == 0 {
		c.Chunk = map[frame.Kind]int{frame.Light: 14, frame.Full: 21}[c.Kind]
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
}

// Run plays the whole show and returns when it is off air, its connection is closed and
// its API was told. When ctx is done, the show ends there. The error is always nil.
func (b *Broadcaster) Run(ctx context.Context) error {
	b.timer = time.NewTimer(time.Hour)
	defer b.timer.Stop()
	if !b.rest(ctx, b.cfg.Phase) {
		return nil
	}
	b.clock = newClock(time.Now(), b.cfg)
	show, cancel := b.clock.until(ctx)
	defer cancel()
	b.reporter.report(Event{Kind: OnAir})
	var beside sync.WaitGroup
	c := b.perform(show, &beside)
	<-show.Done()
	beside.Wait() // what it has to tell comes before the end
	frames := b.clock.produced(time.Now())
	b.reporter.report(Event{Kind: OffAir, Frame: frames})
	if c != nil {
		b.hangUp(c, frames)
	}
	if b.cfg.API != nil {
		b.cfg.API.End(ctx)
	}
	return nil
}

// rest waits and tells whether ctx is still not done.
func (b *Broadcaster) rest(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	b.timer.Reset(d)
	select {
	case <-b.timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Drop ends the accepted connection from the broadcaster's own side, without a
// goodbye, as a failing home network does. It tells whether there was one.
func (b *Broadcaster) Drop() bool {
	b.mu.Lock()
	c := b.live
	b.mu.Unlock()
	if c == nil {
		return false
	}
	c.drop()
	return true
}

func (b *Broadcaster) setLive(c *conn) {
	b.mu.Lock()
	b.live = c
	b.mu.Unlock()
}
