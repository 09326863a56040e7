//go:build linux

package realclient_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// starved is how late a timer may come before what failed meanwhile proves nothing:
// clients and servers had to wait for the machine as well.
const starved = 250 * time.Millisecond

// stage is where trials are held, many at once; one that failed while the machine was
// too busy is held again, alone.
type stage struct {
	pulse   *pulse
	alone   sync.RWMutex
	unclear atomic.Int32
}

func newStage(t *testing.T) *stage {
	s := &stage{pulse: newPulse()}
	t.Cleanup(s.pulse.stop)
	return s
}

// meet holds a trial. If it proves nothing alone either, the test is skipped with the
// reason, which unclear is told as well.
func (s *stage) meet(t *testing.T, play func(testing.TB), unclear func(why string)) {
	s.alone.RLock()
	first := hold(t, play)
	s.alone.RUnlock()
	late := s.pulse.worst(first.began)
	if !first.Failed() || late < starved {
		first.tell()
		return
	}
	t.Logf("held again, alone, for this machine had everybody wait for up to %v: %s", late.Round(time.Millisecond), first.said())
	s.alone.Lock()
	defer s.alone.Unlock()
	again := hold(t, play)
	if late = s.pulse.worst(again.began); again.Failed() && late >= starved {
		s.unclear.Add(1)
		why := fmt.Sprintf("UNCLEAR: this machine has everybody wait for up to %v", late.Round(time.Millisecond))
		unclear(why)
		t.Skipf("%s: %s", why, again.said())
	}
	again.tell()
}

// trial is a test whose failures are kept, so that it can be held again.
type trial struct {
	*testing.T
	began    time.Time
	ctx      context.Context
	cleanups []func()

	mu       sync.Mutex
	failed   bool
	failures []string
}

// hold holds a trial and cleans up behind it.
func hold(t *testing.T, play func(testing.TB)) *trial {
	ctx, cancel := context.WithCancel(t.Context())
	r := &trial{T: t, began: time.Now(), ctx: ctx}
	apart(func() { play(r) })
	cancel()
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		f := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		apart(f)
	}
	return r
}

// apart runs f on a goroutine of its own, which a failure ends.
func apart(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// tell has the test fail if the trial did.
func (r *trial) tell() {
	if r.Failed() {
		r.T.Fatal(r.said())
	}
}

func (r *trial) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.failures, "\n")
}

func (r *trial) fail(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	if what != "" {
		r.failures = append(r.failures, what)
	}
}

// What follows is testing.TB's.

func (r *trial) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *trial) Context() context.Context { return r.ctx }
func (r *trial) Error(args ...any)        { r.fail(fmt.Sprintln(args...)) }
func (r *trial) Errorf(format string, args ...any) {
	r.fail(fmt.Sprintf(format, args...))
}

func (r *trial) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *trial) FailNow() {
	r.fail("")
	runtime.Goexit()
}

func (r *trial) Fatal(args ...any) {
	r.Error(args...)
	r.FailNow()
}

func (r *trial) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	r.FailNow()
}

// pulse measures how late this process is given time to run.
type pulse struct {
	quit, gone chan struct{}

	mu   sync.Mutex
	late []beat // worth a note
}

// beat is a timer that came late.
type beat struct {
	at   time.Time
	late time.Duration
}

func newPulse() *pulse {
	p := &pulse{quit: make(chan struct{}), gone: make(chan struct{})}
	go p.run()
	return p
}

func (p *pulse) run() {
	defer close(p.gone)
	const every = 50 * time.Millisecond
	for {
		due := time.Now().Add(every)
		select {
		case <-p.quit:
			return
		case <-time.After(every):
		}
		if late := time.Since(due); late >= starved {
			p.mu.Lock()
			p.late = append(p.late, beat{time.Now(), late})
			p.mu.Unlock()
		}
	}
}

func (p *pulse) stop() {
	close(p.quit)
	<-p.gone
}

// worst is how late the latest timer came since a moment; 0 when none was late.
func (p *pulse) worst(since time.Time) (worst time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.late {
		if b.at.After(since) {
			worst = max(worst, b.late)
		}
	}
	return worst
}
