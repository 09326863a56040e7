package realtime

import (
	"context"
	"time"
)

const (
	canaryEvery  = 20 * time.Millisecond
	canaryReport = time.Second
)

// Canary measures how late timers fire in this process, and tells the worst of each second,
// until ctx ends.
func Canary(ctx context.Context, tell func(late time.Duration)) {
	timer := time.NewTimer(canaryEvery)
	defer timer.Stop()
	began, due := time.Now(), time.Now().Add(canaryEvery)
	var worst time.Duration
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now()
		worst = max(worst, now.Sub(due))
		if now.Sub(began) >= canaryReport {
			tell(worst)
			began, worst = now, 0
		}
		due = time.Now().Add(canaryEvery)
		timer.Reset(canaryEvery)
	}
}
