package broadcaster

import (
	"context"
	"math"
	"time"
)

// clock tells when the show's frames are produced, by the time of package time.
type clock struct {
	start  time.Time     // of frame 0
	frame  time.Duration // how long one plays, in show time
	speed  float64
	frames int64 // of the whole show
}

func newClock(start time.Time, cfg Config) clock {
	c := clock{start: start, frame: cfg.Kind.Duration(), speed: cfg.Speed, frames: math.MaxInt64}
	if cfg.Duration > 0 {
		c.frames = int64(cfg.Duration / c.frame)
	}
	return c
}

// at is the instant at which frame n is produced. With n = frames it is the end of the show.
func (c clock) at(n int64) time.Time {
	return c.start.Add(time.Duration(float64(n) * float64(c.frame) / c.speed))
}

// produced is how many frames the show has produced at t: those n with at(n) ≤ t,
// and not more than it has.
func (c clock) produced(t time.Time) int64 {
	if t.Before(c.start) {
		return 0
	}
	n := int64(float64(t.Sub(c.start))*c.speed/float64(c.frame)) + 1
	for n > 0 && c.at(n-1).After(t) {
		n--
	}
	for !c.at(n).After(t) {
		n++
	}
	return min(n, c.frames)
}

// waiting is how long a wait lasts that is decided on at t.
func (c clock) waiting(t time.Time, w Wait) time.Duration {
	if w.Tick <= 0 {
		return w.For
	}
	return w.Tick - t.Sub(c.start)%w.Tick + w.For
}

// until returns a context that is done when the show is over.
func (c clock) until(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.frames == math.MaxInt64 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, c.at(c.frames))
}
