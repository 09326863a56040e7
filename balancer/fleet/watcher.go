package fleet

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"deadair/balancer/env"
)

// Config says whom to watch and how. Every field must be set.
type Config struct {
	Recorders []Recorder
	Poll      time.Duration // between two looks at a recorder
	Deadline  time.Duration // of one look
	Fall      int           // failed looks in a row until a recorder is down
	Rise      int           // good looks in a row until it is up again
	// Gone is told the name of a recorder that left Fall looks in a row without an
	// answer: connections to it are dead, too. It is called from the recorder's own
	// watch and must not block. Refused dials alone do not lead to it.
	Gone func(recorder string)
}

// Watcher keeps the view of the recorders up to date. Its methods are safe for
// concurrent use.
type Watcher struct {
	cfg Config
	env env.Env

	mu   sync.Mutex
	seen []sight // in the order of cfg.Recorders
}

// sight is what is known of one recorder.
type sight struct {
	Status
	failed int // looks and dials in a row that failed
	good   int // looks in a row that did not
	silent int // looks in a row without an answer
}

// NewWatcher makes a watcher that knows nothing yet.
func NewWatcher(cfg Config, e env.Env) *Watcher {
	w := &Watcher{cfg: cfg, env: e}
	for _, r := range cfg.Recorders {
		w.seen = append(w.seen, sight{Status: Status{Recorder: r}})
	}
	return w
}

// Serve looks at every recorder until ctx is done.
func (w *Watcher) Serve(ctx context.Context) {
	var watches sync.WaitGroup
	for i := range w.cfg.Recorders {
		watches.Go(func() { w.watch(ctx, i) })
	}
	watches.Wait()
}

// watch looks at one recorder: once soon, so that the first shows find a view,
// then at its own phase.
func (w *Watcher) watch(ctx context.Context, i int) {
	r := w.cfg.Recorders[i]
	l := looker{dial: w.env.DialContext, addr: r.Addr, deadline: w.cfg.Deadline}
	defer l.close()
	if !sleep(ctx, w.env.Phase("first look at "+r.Name, w.cfg.Poll/20)) {
		return
	}
	w.look(ctx, i, &l)
	if !sleep(ctx, w.env.Phase("look at "+r.Name, w.cfg.Poll)) {
		return
	}
	ticker := time.NewTicker(w.cfg.Poll)
	defer ticker.Stop()
	for {
		w.look(ctx, i, &l)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (w *Watcher) look(ctx context.Context, i int, l *looker) {
	h, state, err := l.look(ctx)
	if ctx.Err() != nil {
		return
	}
	if errors.Is(err, errLate) {
		w.env.Log.Warn("recorder not judged, this process runs late", "recorder", w.cfg.Recorders[i].Name, "err", err)
		return
	}
	w.mu.Lock()
	s := &w.seen[i]
	before := s.State
	gone := false
	switch {
	case errors.Is(err, errNonsense):
		s.garble(w.cfg.Fall)
	case err != nil:
		s.silent++
		gone = s.silent == w.cfg.Fall
		s.fail(w.cfg.Fall)
	default:
		s.answer(h, state, w.cfg.Rise, time.Now())
	}
	after := s.State
	w.mu.Unlock()
	w.log(l.addr, i, before, after, err)
	if gone && w.cfg.Gone != nil {
		w.cfg.Gone(w.cfg.Recorders[i].Name)
	}
}

func (w *Watcher) log(addr string, i int, before, after State, err error) {
	if before == after {
		return
	}
	level := slog.LevelInfo
	if after == Down || after == Failing {
		level = slog.LevelWarn
	}
	w.env.Log.Log(context.Background(), level, "recorder changed", "recorder", w.cfg.Recorders[i].Name,
		"addr", addr, "from", before.String(), "to", after.String(), "err", err)
}

// fail takes a failed look or dial.
func (s *sight) fail(fall int) {
	s.good = 0
	s.failed++
	if s.failed >= fall {
		s.State = Down
	}
}

// garble takes an answer that makes no sense. The recorder is there: it gets no new
// shows, and those that it has go on.
func (s *sight) garble(fall int) {
	s.good, s.silent = 0, 0
	s.failed++
	if s.failed >= fall && s.State != Down {
		s.State = Failing
	}
}

// answer takes a good look. A recorder that was down must show Rise of them.
func (s *sight) answer(h health, state State, rise int, now time.Time) {
	s.Capacity, s.Sources, s.Looked = h.Capacity, h.Sources, now
	s.failed, s.silent = 0, 0
	s.good++
	if s.State != Down || s.good >= rise {
		s.State = state
	}
}

// View is what is known now, in the order of the configuration.
func (w *Watcher) View() []Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	view := make([]Status, len(w.seen))
	for i, s := range w.seen {
		view[i] = s.Status
	}
	return view
}

// Status is what is known of one recorder; ok is false if there is none of the name.
func (w *Watcher) Status(recorder string) (s Status, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := w.index(recorder); i >= 0 {
		return w.seen[i].Status, true
	}
	return Status{}, false
}

// Failed takes a dial that was refused or got no answer: it counts as a failed look.
func (w *Watcher) Failed(recorder string) {
	w.change(recorder, func(s *sight) { s.fail(w.cfg.Fall) })
}

// Told takes what a recorder said of itself to a source (Full, Draining). It holds
// until the next look.
func (w *Watcher) Told(recorder string, state State) {
	w.change(recorder, func(s *sight) { s.State, s.failed = state, 0 })
}

// Took counts a source that a recorder has just accepted, until the next look
// tells the true number.
func (w *Watcher) Took(recorder string) {
	w.change(recorder, func(s *sight) { s.Sources, s.failed = s.Sources+1, 0 })
}

func (w *Watcher) change(recorder string, f func(*sight)) {
	w.mu.Lock()
	i := w.index(recorder)
	if i < 0 {
		w.mu.Unlock()
		return
	}
	before := w.seen[i].State
	f(&w.seen[i])
	after := w.seen[i].State
	w.mu.Unlock()
	w.log(w.cfg.Recorders[i].Addr, i, before, after, nil)
}

func (w *Watcher) index(recorder string) int {
	return slices.IndexFunc(w.cfg.Recorders, func(r Recorder) bool { return r.Name == recorder })
}

// sleep waits for d. It returns false at once when ctx is done.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
