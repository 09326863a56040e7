// Package publish ends a show: it finds out that it is over everywhere, joins what all
// recorders have of it into tracks, and puts these into an object store, once.
//
// Every recorder that has segments of a session watches over them until the store has
// them. One of them, the same in the eyes of all, is the finisher: it asks the others
// for their segments and publishes. What each of them is about to do stands in the
// session's manifest before it is done, so that a kill or a power cut between any two
// steps leaves something to go on from; and every step may be done twice.
//
// In the store a session has one object for each track, and a record ([Record]) beside
// them. The record is written under the condition that it is the one that was read,
// tracks under the condition that nobody else wrote them meanwhile: two recorders that
// do not hear each other cannot both publish. Segments that turn up later make a new
// edition, if it has all that the last one has, and more.
//
// Local segments go when the store was asked and has them. Nothing here holds up
// recording.
package publish

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
)

// Library is what a recorder has on its disk. Its methods may be called at any time.
type Library interface {
	// Pending lists the sessions that are over here, and not collected, sorted.
	Pending() ([]string, error)
	// State is what a session's manifest adds up to; ok is false when there is none.
	State(session string) (s manifest.State, ok bool, err error)
	// Note adds lines to a session's manifest and returns when they are durable.
	Note(session string, lines ...manifest.Line) error
	// Open opens a segment.
	Open(session, file string) (io.ReadCloser, error)
	// Remove removes a session from the disk.
	Remove(session string) error
	// Short tells that room is wanted.
	Short() bool
}

// Peers are the other recorders.
type Peers interface {
	// Holdings asks all of them what they have of a session. Absent is how many did not
	// answer.
	Holdings(ctx context.Context, session string) (all []Holding, absent int)
	// Open opens a segment of one.
	Open(ctx context.Context, recorder, session, file string) (io.ReadCloser, error)
}

// Config is what a Publisher is made of. All fields but Prefix, Order and Tell are needed.
type Config struct {
	Name    string // of this recorder
	Store   objects.Store
	Library Library
	Peers   Peers
	Prefix  string       // of all keys
	Order   func([]Part) // sorts a session's parts; nil: InOrder
	// Tell is told of a session that is in the store, by one recorder, until it returns no
	// error; so it may be told again. Nil: nobody is told.
	Tell        func(Record) error
	Every       time.Duration // between two looks at a session that waits for others
	Patience    time.Duration // how long recorders that do not answer are waited for
	Backoff     time.Duration // after the first failure; it doubles …
	BackoffMost time.Duration // … up to this
	Keep        time.Duration // how long segments stay after the store has them, while there is room
	PartBytes   int64         // of an upload
	Workers     int           // sessions at once
	Wall        func() time.Time
	Rand        *rand.Rand
	Phase       time.Duration // before the first look
	Log         *slog.Logger
}

// Publisher publishes the sessions of one recorder.
type Publisher struct {
	cfg  Config
	wake chan struct{} // of one

	able    atomic.Bool  // the store was reached by the last try
	waiting atomic.Int64 // sessions that are over and not in the store
	tries   atomic.Int64
	fails   atomic.Int64

	mu     sync.Mutex // guards what follows
	jobs   map[string]*job
	shut   time.Time // the store fails: nobody tries before, and then one alone
	misses int       // failures of the store in a row
	busy   int       // sessions being worked on
}

// job is a session that is not collected.
type job struct {
	next  time.Time // when to look at it
	busy  bool
	done  bool // it is in the store
	fails int  // in a row, for reasons of its own
}

// New makes a publisher. It starts nothing.
func New(cfg Config) *Publisher {
	if cfg.Order == nil {
		cfg.Order = InOrder
	}
	p := &Publisher{cfg: cfg, wake: make(chan struct{}, 1), jobs: map[string]*job{}}
	p.able.Store(true)
	return p
}

// Waiting is how many sessions are over and not in the store.
func (p *Publisher) Waiting() int { return int(p.waiting.Load()) }

// Able tells whether the last try reached the store.
func (p *Publisher) Able() bool { return p.able.Load() }

// Counts are how often publishing a session was tried, and how often that failed.
func (p *Publisher) Counts() (tries, fails int64) { return p.tries.Load(), p.fails.Load() }

// Run publishes until ctx is done, and returns when all it began has ended.
func (p *Publisher) Run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	timer := time.NewTimer(p.cfg.Phase)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			timer.Reset(p.cfg.Every)
			p.gather()
		case <-p.wake:
		}
		n := 0
		for session := p.take(); session != ""; session = p.take() {
			wait := time.Duration(n) * apart
			workers.Go(func() { p.begin(ctx, session, wait) })
			n++
		}
	}
}

// apart is how long after one session work at the next one begins when both are due: then
// it is the order of their names, and not luck, that says which of them asks first.
const apart = 5 * time.Millisecond

// begin works on a session after a wait.
func (p *Publisher) begin(ctx context.Context, session string, wait time.Duration) {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		p.work(ctx, session)
	case <-ctx.Done():
	}
}

// gather finds the sessions that are to be published.
func (p *Publisher) gather() {
	sessions, err := p.cfg.Library.Pending()
	if err != nil {
		p.cfg.Log.Error("sessions not listed", "err", err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	there := map[string]bool{}
	for _, s := range sessions {
		there[s] = true
		if p.jobs[s] == nil {
			p.jobs[s] = &job{}
		}
	}
	for s, j := range p.jobs {
		if !there[s] && !j.busy {
			delete(p.jobs, s)
		}
	}
	p.countLocked()
}

func (p *Publisher) countLocked() {
	n := int64(0)
	for _, j := range p.jobs {
		if !j.done {
			n++
		}
	}
	p.waiting.Store(n)
}

// take picks the session that has been due for longest, if anybody may work now.
func (p *Publisher) take() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	most := p.cfg.Workers
	if p.misses > 0 {
		most = 1 // to see whether the store works again
		if now.Before(p.shut) {
			return ""
		}
	}
	if p.busy >= most {
		return ""
	}
	best := ""
	for s, j := range p.jobs {
		if j.busy || j.next.After(now) {
			continue
		}
		if best == "" || j.next.Before(p.jobs[best].next) || j.next.Equal(p.jobs[best].next) && s < best {
			best = s
		}
	}
	if best != "" {
		p.jobs[best].busy = true
		p.busy++
	}
	return best
}

// work looks at one session, and says when to look again.
func (p *Publisher) work(ctx context.Context, session string) {
	p.tries.Add(1)
	out := p.look(ctx, session)
	if ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.jobs[session]
	j.busy = false
	p.busy--
	p.settleLocked(j, session, out)
	p.countLocked()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// settleLocked takes note of what came of a look.
func (p *Publisher) settleLocked(j *job, session string, out outcome) {
	now := time.Now()
	if out.reached {
		p.misses, p.shut = 0, time.Time{}
		p.able.Store(true)
	}
	switch {
	case out.gone:
		delete(p.jobs, session)
		return
	case out.err == nil:
		j.fails, j.done = 0, out.done
		j.next = now.Add(out.again)
		return
	}
	p.fails.Add(1)
	p.cfg.Log.Warn("session not published", "session", session, "err", out.err)
	if out.store && !out.reached {
		p.misses++
		p.able.Store(false)
		p.shut = now.Add(p.backoff(p.misses))
		j.next = now // whoever is first when it works again
		return
	}
	j.fails++
	j.next = now.Add(p.backoff(j.fails))
}

// backoff is how long to wait after so many failures in a row: anything between nothing
// and twice as much as the time before.
func (p *Publisher) backoff(fails int) time.Duration {
	most := p.cfg.Backoff << min(fails-1, 16)
	if most <= 0 || most > p.cfg.BackoffMost {
		most = p.cfg.BackoffMost
	}
	return time.Duration(p.cfg.Rand.Int64N(int64(most))) + 1
}
