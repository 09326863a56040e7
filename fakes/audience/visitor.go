package audience

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// Ask is one thing that a visitor wants.
type Ask struct {
	Site   string // a name
	Second string // the name that is looked up when that one does not resolve; "" for none
	Port   int
	Path   string
	How    string // it is spoken: "" in the clear, SSL3, or a version of TLS such as "1.2"
}

// Request is what came of one request, or of some that went alike.
type Request struct {
	Ask
	Peer   netip.Addr // zero when unresolved
	Class  Class      // OK: a status below 400, and all of the body; of SSL3 a hello that was taken up
	Status int        // of an answer
	Took   time.Duration
	Count  int // how many it stands for; Took is that of the slowest
}

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
	cfg   VisitorConfig
	held  []Request // that succeeded, since told
	since time.Time
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
	return &Visitor{cfg: cfg}, nil
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
	v.since = time.Now()
	for ctx.Err() == nil {
		began := time.Now()
		v.visit(ctx)
		if time.Since(v.since) >= v.cfg.Quiet {
			v.release()
		}
		rest(ctx, v.cfg.Every-time.Since(began))
	}
	v.release()
}

// visit asks for all, until something fails.
func (v *Visitor) visit(ctx context.Context) {
	for _, a := range v.cfg.Asks {
		r := v.ask(ctx, a)
		if ctx.Err() != nil {
			return
		}
		if r.Class != OK {
			v.cfg.Observe(r)
			return
		}
		v.count(r)
	}
}

// ask makes one request on a connection of its own.
func (v *Visitor) ask(ctx context.Context, a Ask) Request {
	began := time.Now()
	r := Request{Ask: a, Count: 1}
	r.Peer, r.Class, r.Status = v.get(ctx, a, began.Add(v.cfg.Patience))
	r.Took = time.Since(began)
	return r
}

func (v *Visitor) get(ctx context.Context, a Ask, late time.Time) (netip.Addr, Class, int) {
	limited, cancel := context.WithDeadline(ctx, late)
	defer cancel()
	conn, peer, class := v.cfg.reach(limited, a.Port, a.Site, a.Second)
	if class != OK {
		return peer, class, 0
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	_ = conn.SetDeadline(late) // one that cannot be set shows at once
	spoken, class := speak(limited, conn, a.How, a.Site)
	if class != OK || spoken == nil {
		return peer, class, 0
	}
	if _, err := fmt.Fprintf(spoken, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", a.Path, a.Site); err != nil {
		return peer, classify(err, Reset), 0
	}
	answer, err := http.ReadResponse(bufio.NewReader(spoken), nil)
	if err != nil {
		return peer, classify(err, EOF), 0
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, maxBody)); err != nil {
		return peer, classify(err, EOF), answer.StatusCode
	}
	if answer.StatusCode >= http.StatusBadRequest {
		return peer, Answered, answer.StatusCode
	}
	return peer, OK, answer.StatusCode
}

// maxBody is how much of an answer is read, in bytes.
const maxBody = 1 << 20

// count takes note of a request that succeeded.
func (v *Visitor) count(r Request) {
	for i := range v.held {
		h := &v.held[i]
		if h.Ask == r.Ask && h.Peer == r.Peer && h.Status == r.Status {
			h.Count++
			h.Took = max(h.Took, r.Took)
			return
		}
	}
	v.held = append(v.held, r)
}

// release reports what was counted.
func (v *Visitor) release() {
	for _, r := range v.held {
		v.cfg.Observe(r)
	}
	v.held, v.since = v.held[:0], time.Now()
}
