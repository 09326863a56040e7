package virtual

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

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

// looks is how often in a row a watchdog must find the clock where it was. A process
// that was stopped, or got no time to run, has missed looks and is not called frozen.
const looks = 4

// Watchdog calls frozen once if progress, which somebody in a bubble moves, stays
// the same for limit of wall time; zero means 10 s. It runs outside the bubble, so
// call it there, and call stop when the bubble has ended. A frozen bubble cannot
// be ended: after frozen the process should exit.
func Watchdog(progress *atomic.Int64, limit time.Duration, frozen func(*FrozenError)) (stop func()) {
	if limit == 0 {
		limit = 10 * time.Second
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(limit / looks)
		defer tick.Stop()
		last, same := progress.Load(), 0
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			if now := progress.Load(); now != last {
				last, same = now, 0
				continue
			}
			if same++; same == looks {
				frozen(&FrozenError{Limit: limit, At: time.Duration(last), Culprits: restless(stacks())})
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}

// restless keeps the goroutines of bubbles that do not wait in a way that lets the clock move.
func restless(all []string) []string {
	return slices.DeleteFunc(inBubble(all, ""), func(s string) bool {
		head, _, _ := strings.Cut(s, "\n")
		return strings.Contains(head, "(durable)")
	})
}

// Guard is InBubble under a watchdog. When virtual time stands still for limit of
// wall time it returns a *FrozenError and leaves the bubble behind as it is: the
// process must exit.
//
// A context of the world outside cannot be used in a bubble: its channel is not
// the bubble's. f gets one that is done within a virtual second after ctx is.
func Guard(ctx context.Context, limit time.Duration, f func(ctx context.Context)) error {
	return GuardFrom(ctx, time.Time{}, limit, f)
}

// GuardFrom is Guard with a clock that shows start when f begins; the zero time
// leaves it at 2000-01-01. Dates before that are an error.
func GuardFrom(ctx context.Context, start time.Time, limit time.Duration, f func(ctx context.Context)) error {
	var progress atomic.Int64
	ended, frozen := make(chan error, 1), make(chan error, 1)
	stop := Watchdog(&progress, limit, func(e *FrozenError) { frozen <- e })
	var early error
	go func() {
		err := InBubble(func() {
			if early = setClock(start); early != nil {
				return
			}
			inner, cancel := context.WithCancelCause(context.Background())
			defer beat(&progress, func() {
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
	case err := <-frozen:
		return err
	}
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
func beat(progress *atomic.Int64, look func()) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	start := time.Now()
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				progress.Store(int64(time.Since(start)))
				look()
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}
