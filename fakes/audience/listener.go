package audience

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// ListenerConfig is one listener. All fields but Stay, Phase, Observe and Hear must be set.
type ListenerConfig struct {
	Ways
	Ask      Ask           // the stream, in the clear
	Stay     time.Duration // how long it is listened to at a time; then it is tuned in anew. 0: to the end
	Phase    time.Duration // before it is tuned in for the first time
	Duration time.Duration // from then until nobody listens any more
	Patience time.Duration // until a connection, or an answer, is given up
	Silence  time.Duration // a connection on which nothing comes for so long is given up
	Retry    time.Duration // from a failure to the next try, which looks the name up again
	Tell     time.Duration // how often, at least, it is told what is heard

	// Observe is called with what came of each try to tune in, Hear with each stretch of
	// listening that is over. They must be quick. They may be nil.
	Observe func(Request)
	Hear    func(Heard)
}

// Heard is a stretch of time in which somebody listened, one after the other: what he
// wanted to hear, and whether he did.
type Heard struct {
	Peer   netip.Addr // zero when there was none
	Sound  bool
	Class  Class // OK, or why it ended; of silence why there was none: OK is the time it takes to tune in
	Status int   // of an answer
	Took   time.Duration
	Ago    time.Duration // since it ended: of silence he notices late that it began
}

// Listener is a player that keeps its connection for as long as something comes. It has
// no buffer: heard is what comes.
type Listener struct {
	cfg   ListenerConfig
	since time.Time // until then all has been told
	why   Heard     // of the silence since
}

// NewListener checks a config. It starts nothing.
func NewListener(cfg ListenerConfig) (*Listener, error) {
	switch {
	case cfg.Resolve == nil || cfg.Dial == nil:
		return nil, errors.New("configure listener: it needs Resolve and Dial")
	case cfg.Ask.How != "":
		return nil, errors.New("configure listener: it listens in the clear")
	case min(cfg.Duration, cfg.Patience, cfg.Silence, cfg.Retry, cfg.Tell) <= 0:
		return nil, errors.New("configure listener: duration, patience, silence, retry and tell must be positive")
	case cfg.Stay < 0 || cfg.Phase < 0:
		return nil, errors.New("configure listener: stay and phase must not be negative")
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Request) {}
	}
	if cfg.Hear == nil {
		cfg.Hear = func(Heard) {}
	}
	return &Listener{cfg: cfg}, nil
}

// Run listens for as long as the config says or until ctx is done.
func (l *Listener) Run(ctx context.Context) {
	if !rest(ctx, l.cfg.Phase) {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(l.cfg.Duration, cancel).Stop()
	l.since, l.why = time.Now(), Heard{Class: OK}
	for ctx.Err() == nil {
		if !l.tune(ctx) {
			rest(ctx, l.cfg.Retry)
		}
	}
	l.tell(l.why, time.Now())
}

// tune tunes in once and listens. It tells whether to do so again without a rest.
func (l *Listener) tune(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	began := time.Now()
	r := Request{Ask: l.cfg.Ask, Count: 1}
	conn, sound := l.open(ctx, &r, began.Add(l.cfg.Patience))
	if conn != nil {
		defer conn.Close()
	}
	if ctx.Err() != nil {
		return false // it is not known what would have come of it
	}
	r.Took = time.Since(began)
	l.cfg.Observe(r)
	if r.Class != OK {
		l.silent(Heard{Peer: r.Peer, Class: r.Class, Status: r.Status})
		return false
	}
	return l.listen(ctx, conn, sound, r.Peer)
}

// open connects and reads the head of the answer, and tells in r what came of it.
func (l *Listener) open(ctx context.Context, r *Request, late time.Time) (net.Conn, io.Reader) {
	limited, cancel := context.WithDeadline(ctx, late)
	defer cancel()
	conn, peer, class := l.cfg.reach(limited, r.Port, r.Site, r.Second)
	r.Peer, r.Class = peer, class
	if class != OK {
		return nil, nil
	}
	context.AfterFunc(ctx, func() { conn.Close() }) // tune ends ctx
	_ = conn.SetDeadline(late)                      // one that cannot be set shows at once
	if _, err := io.WriteString(conn, r.head()); err != nil {
		r.Class = classify(err, Reset)
		return conn, nil
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // its connection is: the body has no end to read to
	if err != nil {
		r.Class = classify(err, EOF)
		return conn, nil
	}
	if r.Status = answer.StatusCode; r.Status >= http.StatusBadRequest {
		r.Class = Answered
	}
	return conn, answer.Body
}

// listen hears what comes until nothing comes any more, or he has heard enough: then it
// returns true.
func (l *Listener) listen(ctx context.Context, conn net.Conn, sound io.Reader, peer netip.Addr) bool {
	last := time.Now() // that something came
	leave := last.Add(l.cfg.Stay)
	heard := false
	for data := make([]byte, 32<<10); ; {
		late := last.Add(l.cfg.Silence)
		if l.cfg.Stay > 0 && leave.Before(late) {
			late = leave
		}
		_ = conn.SetDeadline(late)
		n, err := sound.Read(data)
		now := time.Now()
		if n > 0 {
			if !heard {
				l.tell(l.why, now)
			}
			heard, last = true, now
		}
		enough := l.cfg.Stay > 0 && !now.Before(leave)
		switch {
		case ctx.Err() != nil, enough && (err == nil || isTimeout(err)):
			l.over(heard, peer, OK, now)
			return true
		case err != nil:
			l.over(heard, peer, classify(err, EOF), last)
			return false
		case now.Sub(l.since) >= l.cfg.Tell:
			l.tell(Heard{Peer: peer, Sound: true, Class: OK}, now)
		}
	}
}

// over ends a connection that brought something until an instant, or nothing at all.
func (l *Listener) over(heard bool, peer netip.Addr, class Class, until time.Time) {
	if heard {
		l.tell(Heard{Peer: peer, Sound: true, Class: class}, until)
	}
	l.why = Heard{Peer: peer, Class: class}
}

// silent tells of a try that failed, and of the silence before.
func (l *Listener) silent(h Heard) {
	l.why = h
	l.tell(h, time.Now())
}

// tell tells of the stretch until an instant.
func (l *Listener) tell(h Heard, until time.Time) {
	if h.Took = until.Sub(l.since); h.Took <= 0 {
		return
	}
	l.since, h.Ago = until, time.Since(until)
	l.cfg.Hear(h)
}
