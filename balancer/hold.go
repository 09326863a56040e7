package balancer

import (
	"context"
	"errors"
	"time"

	"deadair/balancer/env"
	"deadair/balancer/icecast"
)

// errNewer ends an admission whose client has made a newer connection.
var errNewer = errors.New("a newer connection has come")

// hold repeats try until it succeeds, gives up, or the budget of the client's form
// is spent. An answer that comes late beats a refusal that comes early: some
// encoders make one attempt to reconnect and no second.
func (b *Balancer) hold(ctx context.Context, a *admission) (*show, *refused) {
	budget := b.cfg.HoldPut
	if a.head.Form() != icecast.FormPut {
		budget = b.cfg.HoldSource
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	ctx, a.cancel = context.WithCancelCause(ctx)
	defer a.cancel(nil)
	var last *refused
	for {
		s, no := b.try(ctx, a)
		if no == nil {
			return s, nil
		}
		if last == nil || !env.Ended(ctx) { // a try that the budget cut short does not know the reason
			last = no
		}
		switch {
		case errors.Is(context.Cause(ctx), errNewer):
			return nil, &refused{refuseSuperseded(), giveUp}
		case no.next == giveUp:
			return nil, no
		case no.next == tryNow && ctx.Err() == nil:
			continue
		}
		switch err := b.rest(ctx, a); {
		case err == nil:
		case errors.Is(context.Cause(ctx), errNewer):
			return nil, &refused{refuseSuperseded(), giveUp}
		case ctx.Err() != nil:
			return nil, last
		default:
			return nil, &refused{icecast.Refusal{Reason: left}, giveUp}
		}
	}
}

// left is the reason when a client has gone before its answer.
const left = "client-left"

// rest lets time pass between two tries. A client that goes meanwhile is noticed: it
// has made another connection, most likely, and this one must not go on air after
// that. What it sends already is kept up to a limit.
func (b *Balancer) rest(ctx context.Context, a *admission) error {
	due := time.Now().Add(b.cfg.HoldRetry)
	awake := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		a.client.SetReadDeadline(time.Unix(1, 0))
		close(awake)
	})
	defer func() {
		if !stop() {
			<-awake
		}
		a.client.SetReadDeadline(time.Time{})
	}()
	for len(a.head.Rest) < bufferSize {
		a.client.SetReadDeadline(due)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		buf := b.buffers.Get().(*[bufferSize]byte)
		n, err := a.client.Read(buf[len(a.head.Rest):])
		a.head.Rest = append(a.head.Rest, buf[len(a.head.Rest):][:n]...)
		b.buffers.Put(buf)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case isTimeout(err):
			return nil
		case err != nil:
			return err
		}
	}
	if !sleep(ctx, time.Until(due)) {
		return ctx.Err()
	}
	return nil
}
