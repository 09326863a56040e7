package audience

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// AppConfig is the part of an app that uses the API. All fields but Phase, Quiet and
// Observe must be set.
type AppConfig struct {
	Ways
	Begin Ask // of a show; the answer's "ingest" is where to broadcast
	News  Ask // of listeners, again and again while it is on air
	End   Ask // of the show

	Every    time.Duration // from one question for news to the next, by the clock
	Phase    time.Duration // before the first
	Retry    time.Duration // from a begin or an end that failed to the next try
	Begins   int           // tries until the app gives a begin up, and tells its user
	Ends     int           // and an end, and forgets it
	Patience time.Duration // until a request is given up

	// Observe is called with what came of requests. It must be quick. May be nil.
	Observe func(Request)
	// Quiet is how long news that came are only counted. Failures are reported one by one.
	Quiet time.Duration
}

// App is an app that broadcasts one show and uses the API for it. The stream itself is
// somebody else's.
type App struct{ cfg AppConfig }

// NewApp checks a config. It starts nothing.
func NewApp(cfg AppConfig) (*App, error) {
	switch {
	case cfg.Resolve == nil || cfg.Dial == nil:
		return nil, errors.New("configure app: it needs Resolve and Dial")
	case min(cfg.Every, cfg.Retry, cfg.Patience) <= 0 || min(cfg.Begins, cfg.Ends) <= 0:
		return nil, errors.New("configure app: every, retry, patience, begins and ends must be positive")
	case !knows(cfg.Begin.How) || !knows(cfg.News.How) || !knows(cfg.End.How):
		return nil, errors.New("configure app: nobody knows the way in which it is to speak")
	case cfg.Phase < 0 || cfg.Quiet < 0:
		return nil, errors.New("configure app: phase and quiet must not be negative")
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Request) {}
	}
	return &App{cfg}, nil
}

// Begin begins the show at the API and returns where to broadcast, "host:port"; "" when
// nobody told it in all tries, or when ctx is done before. last is the last try.
func (a *App) Begin(ctx context.Context) (ingest string, last Request) {
	ctx, cancel := undated(ctx)
	defer cancel()
	for range a.cfg.Begins {
		var body []byte
		last, body = a.cfg.ask(ctx, a.cfg.Begin, a.cfg.Patience)
		if ctx.Err() != nil {
			return "", last
		}
		var told struct{ Ingest string }
		if last.Class == OK && (json.Unmarshal(body, &told) != nil || told.Ingest == "") {
			last.Class = EOF // an answer that says nothing is none
		}
		a.cfg.Observe(last)
		if last.Class == OK {
			return told.Ingest, last
		}
		rest(ctx, a.cfg.Retry)
	}
	return "", last
}

// Run asks for news until ctx is done. A request that this interrupts is not reported.
func (a *App) Run(ctx context.Context) {
	ctx, cancel := undated(ctx)
	defer cancel()
	t := teller{observe: a.cfg.Observe, quiet: a.cfg.Quiet, since: time.Now()}
	defer func() { t.release() }()
	rest(ctx, a.cfg.Phase)
	for ctx.Err() == nil {
		began := time.Now()
		r, _ := a.cfg.ask(ctx, a.cfg.News, a.cfg.Patience)
		if ctx.Err() != nil {
			return
		}
		t.take(r)
		t.look()
		rest(ctx, a.cfg.Every-time.Since(began))
	}
}

// End ends the show at the API, or gives that up.
func (a *App) End(ctx context.Context) {
	for range a.cfg.Ends {
		r, _ := a.cfg.ask(ctx, a.cfg.End, a.cfg.Patience)
		if ctx.Err() != nil {
			return
		}
		a.cfg.Observe(r)
		if r.Class == OK {
			return
		}
		rest(ctx, a.cfg.Retry)
	}
}
