package audience

import (
	"context"
	"errors"
	"slices"
	"time"
)

// VisitorConfig is one visitor. All fields but Phase, Quiet and Observe must be set.
type VisitorConfig struct {
	Ways
	Asks     []Ask         // of a visit, one after the other: a page, and what it is made of
	Every    time.Duration // from one visit to the next, by the clock
	Phase    time.Duration // before the first
	Duration time.Duration // from the first visit until nobody asks any more
	Patience time.Duration // until a request is given up

	// Observe is called with what came of requests. It must be quick. May be nil.
	Observe func(Request)
	// Quiet is how long requests that succeeded are only counted. Failures are reported
	// one by one.
	Quiet time.Duration
}

// Visitor is one visitor.
type Visitor struct {
	cfg  VisitorConfig
	tell teller
}

// NewVisitor checks a config. It starts nothing.
func NewVisitor(cfg VisitorConfig) (*Visitor, error) {
	switch {
	case cfg.Resolve == nil || cfg.Dial == nil:
		return nil, errors.New("configure visitor: it needs Resolve and Dial")
	case len(cfg.Asks) == 0:
		return nil, errors.New("configure visitor: it asks nothing")
	case min(cfg.Every, cfg.Duration, cfg.Patience) <= 0:
		return nil, errors.New("configure visitor: every, duration and patience must be positive")
	case slices.ContainsFunc(cfg.Asks, func(a Ask) bool { return !knows(a.How) }):
		return nil, errors.New("configure visitor: nobody knows the way in which it is to speak")
	case cfg.Phase < 0 || cfg.Quiet < 0:
		return nil, errors.New("configure visitor: phase and quiet must not be negative")
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Request) {}
	}
	return &Visitor{cfg: cfg, tell: teller{observe: cfg.Observe, quiet: cfg.Quiet}}, nil
}

// Run visits again and again, for as long as the config says or until ctx is done. A
// request that this interrupts is not reported.
func (v *Visitor) Run(ctx context.Context) {
	if !rest(ctx, v.cfg.Phase) {
		return
	}
	// Not a deadline: a dialer keeps it by a clock of its own, which may be the first to tell.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(v.cfg.Duration, cancel).Stop()
	v.tell.since = time.Now()
	for ctx.Err() == nil {
		began := time.Now()
		v.visit(ctx)
		v.tell.look()
		rest(ctx, v.cfg.Every-time.Since(began))
	}
	v.tell.release()
}

// visit asks for all, until something fails.
func (v *Visitor) visit(ctx context.Context) {
	for _, a := range v.cfg.Asks {
		r, _ := v.cfg.ask(ctx, a, v.cfg.Patience)
		if ctx.Err() != nil {
			return
		}
		v.tell.take(r)
		if r.Class != OK {
			return
		}
	}
}
