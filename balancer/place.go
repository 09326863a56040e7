package balancer

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"os"

	"deadair/balancer/env"
	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
	"deadair/balancer/session"
)

// place offers a claimed source to recorders until one accepts.
func (b *Balancer) place(ctx context.Context, a *admission) (*show, *refused) {
	view := b.watcher.View()
	why := &refused{refuseNobody(view), tryLater}
	for _, r := range b.choose(Choice{Mount: a.mount, Sticky: a.sticky, Generation: b.generation(a), View: view, Near: b.cfg.Near}) {
		o, err := b.offer(ctx, r, b.sourceRequest(r, a))
		switch {
		case env.Ended(ctx) && o == nil:
			a.above++       // as below
			return nil, why // the budget ended, the recorder is not to blame
		case err != nil:
			a.above++ // it may have taken the source, and its answer got lost
			b.watcher.Failed(r.Name)
			b.log.Warn("recorder did not take a source", "recorder", r.Name, "mount", a.mount, "err", err)
			why = &refused{refuseUnavailable(), tryLater}
			if r.Name == a.sticky && !isTimeout(err) && b.lives(r.Name) {
				return nil, why // it may be starting again; the show belongs there
			}
			continue
		case o.status == http.StatusServiceUnavailable && r.Name == a.sticky && a.waits < maxWaits:
			a.waits++ // it is still ending the connection before, most likely
			return nil, &refused{refuseUnavailable(), tryLater}
		case o.status == http.StatusOK:
			return b.settle(ctx, a, r, o)
		case o.status == http.StatusConflict:
			return nil, b.outrank(ctx, a, r, o)
		case o.status == http.StatusGone:
			return nil, b.renounce(ctx, a)
		case o.status == http.StatusLocked:
			return nil, &refused{icecast.MountInUse(), giveUp}
		}
		why = &refused{b.declined(r, o.status, r.Name == a.sticky), tryLater}
	}
	return nil, why
}

// refuseNobody is the refusal when no recorder could even be asked.
func refuseNobody(view []fleet.Status) icecast.Refusal {
	for _, s := range view {
		if s.State == fleet.Full {
			return icecast.TooManySources()
		}
	}
	return refuseUnavailable()
}

// declined takes a recorder's refusal. One that drains takes its own shows' sources: whose
// recorder it is was told that it is busy with that show, which is nobody else's concern.
func (b *Balancer) declined(r fleet.Recorder, status int, own bool) icecast.Refusal {
	switch status {
	case http.StatusInsufficientStorage:
		b.watcher.Told(r.Name, fleet.Full)
		return icecast.TooManySources()
	case http.StatusServiceUnavailable:
		if !own {
			b.watcher.Told(r.Name, fleet.Draining)
		}
	default: // perhaps the source is to blame: the recorder's own health will tell
		b.log.Warn("recorder gave a strange answer", "recorder", r.Name, "status", status)
	}
	return refuseUnavailable()
}

// lives tells whether a recorder is not known to be down.
func (b *Balancer) lives(recorder string) bool {
	s, ok := b.watcher.Status(recorder)
	return ok && s.State != fleet.Down
}

// settle writes into the index where the show is. The recorder has it already, so
// an index that is away does not stop the show.
func (b *Balancer) settle(ctx context.Context, a *admission, r fleet.Recorder, o *offer) (*show, *refused) {
	b.watcher.Took(r.Name)
	s := &show{
		mount: a.mount, account: a.account, proof: a.proof, session: a.session.ID, recorder: r, epoch: o.epoch,
		client: a.client, upstream: o.conn, body: body{a.head.Rest, a.head.Chunked()}, haste: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	if a.degraded {
		s.guessed = true
		s.session = cmp.Or(o.session, s.session)
		b.metrics.degraded.Inc()
		return s, nil
	}
	s.indexed = a.session.Epoch
	if a.session.Recorder == r.Name {
		return s, nil
	}
	switch err := b.settleIndex(ctx, a.mount, s.indexed, r.Name); {
	case err == nil:
	case errors.Is(err, session.ErrFenced):
		o.conn.Close()
		return nil, &refused{refuseSuperseded(), giveUp}
	default:
		b.log.Warn("show is not in the index yet", "mount", a.mount, "err", err)
		s.unsettled = true
	}
	return s, nil
}

func (b *Balancer) settleIndex(ctx context.Context, mount string, epoch int64, recorder string) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.ClaimDeadline)
	defer cancel()
	err := b.store.Settle(ctx, mount, epoch, recorder)
	b.metrics.index("settle", err)
	return err
}

// outrank answers a recorder that knows a higher epoch than the claimed one.
// Either a newer connection of the same source has claimed meanwhile, then this one
// gives way; or the index fell behind, then it is told and the claim repeated.
func (b *Balancer) outrank(ctx context.Context, a *admission, r fleet.Recorder, o *offer) *refused {
	if a.outranks++; a.degraded || a.outranks > maxOutrank {
		return &refused{refuseUnavailable(), tryLater}
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.ClaimDeadline+b.cfg.AskDeadline)
	defer cancel()
	now, err := b.store.Lookup(ctx, a.mount)
	if err == nil && now.Epoch > a.session.Epoch {
		return &refused{refuseSuperseded(), giveUp}
	}
	a.atLeast, a.claimed = o.epoch, false
	if a.fresh() && o.session != "" && o.session != a.newID {
		b.adopt(ctx, a, r, o.session)
	}
	return &refused{refuseUnavailable(), tryNow}
}

// renounce gives up a session that was killed, and that the index still has: whoever
// ended it has not got there yet, and will find a newer claim. What comes is a new show.
func (b *Balancer) renounce(ctx context.Context, a *admission) *refused {
	if !a.degraded {
		ctx, cancel := context.WithTimeout(ctx, b.cfg.ClaimDeadline)
		defer cancel()
		if err := b.store.Release(ctx, a.mount, a.session.Epoch); err != nil {
			return &refused{refuseUnavailable(), tryLater}
		}
	}
	a.newID, a.sticky, a.claimed = b.ids.next(), "", false
	return &refused{refuseUnavailable(), tryNow}
}

// adopt gives a new session up for the one that a recorder holds open: the show
// began while the index was away.
func (b *Balancer) adopt(ctx context.Context, a *admission, r fleet.Recorder, held string) {
	h, err := fleet.AskOne(ctx, b.env.DialContext, r, a.mount)
	if err != nil || h.Session != held || h.Account != a.account || !b.open(h) {
		return
	}
	if b.store.Release(ctx, a.mount, a.session.Epoch) == nil {
		a.newID = held
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}
