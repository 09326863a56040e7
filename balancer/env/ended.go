package env

import (
	"context"
	"time"
)

// Ended tells whether ctx has ended, or does at this instant. A socket that has the
// deadline of a context may give up a moment before the context itself says so: who then
// asks only ctx.Err would go on to something for which there is no time.
func Ended(ctx context.Context) bool {
	at, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(at)
}
