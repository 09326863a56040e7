package virtual

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// Limits say when a bubble is given up.
type Limits struct {
	// Still is how long virtual time may stand still, of the wall's time; zero means 8 s.
	Still time.Duration
	// Long is how far virtual time may go on, counted from the start of what is guarded;
	// zero means for ever.
	Long time.Duration
}

const defaultStill = 8 * time.Second // so that whatever hangs has ended within ten

// FrozenError says that virtual time stood still while the wall's clock went on.
type FrozenError struct {
	Limit    time.Duration // of wall time
	At       time.Duration // of virtual time, since the watch began
	Culprits []string      // stacks of goroutines that keep the clock from moving
}

func (e *FrozenError) Error() string {
	return fmt.Sprintf("virtual time stands at %s for %s: these goroutines spin, or wait for something outside the bubble (a socket, a mutex whose holder waits, a package's channel):\n%s",
		e.At, e.Limit, first(e.Culprits))
}

// EndlessError says that virtual time went on and what was to end did not.
type EndlessError struct {
	Limit   time.Duration // of virtual time
	Waiting []string      // stacks: of what was to end, then of what it started itself
}

func (e *EndlessError) Error() string {
	return fmt.Sprintf("it has not ended by %s of virtual time; the first goroutine still waits:\n%s", e.Limit, first(e.Waiting))
}

const (
	// looks is how often in a row a watchdog must find the clock where it was. A process
	// that was stopped has missed looks and is not called frozen.
	looks = 8
	// patience is how many limits long the clock may stand for a process that gets too
	// little time to run on a machine that is too busy.
	patience = 4
)

// Watchdog calls hangs once if progress, which somebody in a bubble moves, stays
// the same for too long, with a *FrozenError, or goes too far, with an *EndlessError.
// It runs outside the bubble, so call it there, and call stop when the bubble has
// ended. Such a bubble cannot be ended: after hangs the process should exit.
func Watchdog(progress *atomic.Int64, limits Limits, hangs func(error)) (stop func()) {
	if limits.Still == 0 {
		limits.Still = defaultStill
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(limits.Still / looks)
		defer tick.Stop()
		w := watch{limits: limits, last: progress.Load(), used: cpu()}
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			if err := w.look(progress.Load()); err != nil {
				hangs(err)
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}

// watch is what a watchdog saw.
type watch struct {
	limits Limits
	last   int64         // progress
	same   int           // looks since it was another
	used   time.Duration // of processors, when it was another
}

// look tells what is wrong, if anything is.
func (w *watch) look(now int64) error {
	if w.limits.Long > 0 && time.Duration(now) > w.limits.Long {
		return &EndlessError{Limit: w.limits.Long, Waiting: waiting(stacks())}
	}
	if now != w.last {
		w.last, w.same, w.used = now, 0, cpu()
		return nil
	}
	if w.same++; w.same < looks {
		return nil
	}
	found := culprits()
	if slices.ContainsFunc(found, works) && cpu()-w.used < w.limits.Still/2 && w.same < patience*looks {
		return nil // it works, and gets no time for it
	}
	return &FrozenError{Limit: w.limits.Still * time.Duration(w.same) / looks, At: time.Duration(w.last), Culprits: found}
}

// cpu is how long processors have worked for this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Guard is InBubble under a watchdog. When virtual time stands still for too long it
// returns a *FrozenError, when it goes too far an *EndlessError. Both leave the bubble
// behind as it is (see Hangs): the process must exit.
//
// A context of the world outside cannot be used in a bubble: its channel is not
// the bubble's. f gets one that is done within a virtual second after ctx is.
func Guard(ctx context.Context, limits Limits, f func(ctx context.Context)) error {
	return GuardFrom(ctx, time.Time{}, limits, f)
}

// GuardFrom is Guard with a clock that shows start when f begins; the zero time
// leaves it at 2000-01-01. Dates before that are an error.
func GuardFrom(ctx context.Context, start time.Time, limits Limits, f func(ctx context.Context)) error {
	var progress atomic.Int64
	ended, hangs := make(chan error, 1), make(chan error, 1)
	stop := Watchdog(&progress, limits, func(e error) { hangs <- e })
	var early error
	go func() {
		err := InBubble(func() {
			if early = setClock(start); early != nil {
				return
			}
			pulse := &pulse{progress: &progress, start: time.Now()}
			inner, cancel := context.WithCancelCause(context.WithValue(context.Background(), pulseKey{}, pulse))
			defer beat(pulse, func() {
				if ctx.Err() != nil {
					cancel(context.Cause(ctx))
				}
			})()
			f(inner)
		})
		ended <- errors.Join(early, err)
	}()
	select {
	case err := <-ended:
		stop()
		return err
	case err := <-hangs:
		return err
	}
}

// pulse moves progress with the bubble's clock.
type pulse struct {
	progress *atomic.Int64
	start    time.Time
}

// pulseGrain is the step of virtual time that is progress: who takes smaller ones for ever hangs.
const pulseGrain = time.Millisecond

func (p *pulse) beat() { p.progress.Store(int64(time.Since(p.start).Truncate(pulseGrain))) }

type pulseKey struct{}

// Pulse is a function for those in a bubble that is guarded, by the context that Guard gave:
// call it when something happens. A beat of Guard's own is a virtual second long, and for a
// crowd that can be a long time of the wall's.
func Pulse(ctx context.Context) func() {
	p, ok := ctx.Value(pulseKey{}).(*pulse)
	if !ok {
		return func() {}
	}
	return p.beat
}

// Hangs tells whether an error of Guard says that the bubble is still there.
func Hangs(err error) bool {
	var frozen *FrozenError
	var endless *EndlessError
	return errors.As(err, &frozen) || errors.As(err, &endless)
}

// setClock lets the bubble's clock run on to a date, before anything ticks in it.
func setClock(start time.Time) error {
	if start.IsZero() {
		return nil
	}
	wait := time.Until(start)
	if wait < 0 {
		return fmt.Errorf("set the bubble's clock to %s: it cannot show a time before %s", start.UTC().Format(time.RFC3339), time.Now().UTC().Format(time.DateOnly))
	}
	time.Sleep(wait)
	return nil
}

// beat moves progress with the bubble's clock and calls look, once a virtual second.
func beat(p *pulse, look func()) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				p.beat()
				look()
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}
