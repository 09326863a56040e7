package balancer

import (
	"context"
	"errors"

	"deadair/balancer/fleet"
	"deadair/balancer/session"
)

// renew lets the show's window begin anew. An index that does not answer changes
// nothing for a show on air; one that has lost the show gets it back.
func (b *Balancer) renew(ctx context.Context, s *show) (why ending, over bool) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.ClaimDeadline)
	defer cancel()
	err := b.store.Renew(ctx, s.mount, s.indexed, b.cfg.Window)
	b.metrics.index("renew", err)
	switch {
	case errors.Is(err, session.ErrFenced):
		return endSuperseded, true
	case errors.Is(err, session.ErrNotFound):
		s.indexed = 0
	case err != nil:
		b.log.Warn("show not renewed", "mount", s.mount, "err", err)
	}
	return "", false
}

// restore brings a show into the index that was accepted without it, or that the
// index has lost. What the index knows for certain comes first: a show that is on air
// under an epoch of the index ends this one.
func (b *Balancer) restore(ctx context.Context, s *show) (why ending, over bool) {
	ctx, cancel := context.WithTimeout(ctx, 4*b.cfg.ClaimDeadline+b.cfg.AskDeadline)
	defer cancel()
	held, err := b.store.Lookup(ctx, s.mount)
	b.metrics.index("lookup", err)
	switch {
	case errors.Is(err, session.ErrNotFound):
	case err != nil:
		return "", false
	case held.Account != s.account, s.indexed > 0 && held.Epoch > s.indexed:
		return endSuperseded, true
	case s.indexed > 0 && held.Epoch == s.indexed:
		return b.resettle(ctx, s)
	case b.anotherOnAir(ctx, held, s):
		return endSuperseded, true
	case held.ID != s.session && held.Recorder == "" && held.Epoch != s.unplaced:
		s.unplaced = held.Epoch // a newer connection is on its way to a recorder, most likely
		return "", false
	case held.ID != s.session: // the next source would go on with that one, and cut the recording
		if err := b.store.Release(ctx, s.mount, held.Epoch); err != nil {
			return "", false
		}
	}
	claimed, err := b.claimIndex(ctx, session.Claim{
		Mount: s.mount, Account: s.account, NewID: s.session, Datacenter: b.cfg.Datacenter, AtLeast: s.epoch - 1, Window: b.cfg.Window, Proof: s.proof,
	})
	switch {
	case errors.Is(err, session.ErrTaken):
		return endSuperseded, true
	case err != nil:
		return "", false
	}
	s.indexed, s.unsettled = claimed.Epoch, true
	b.log.Info("show brought back into the index", "mount", s.mount, "session", s.session, "index-session", claimed.ID, "epoch", claimed.Epoch)
	return b.resettle(ctx, s)
}

// resettle tells the index which recorder has the show.
func (b *Balancer) resettle(ctx context.Context, s *show) (why ending, over bool) {
	err := b.settleIndex(ctx, s.mount, s.indexed, s.recorder.Name)
	switch {
	case errors.Is(err, session.ErrFenced):
		return endSuperseded, true
	case errors.Is(err, session.ErrNotFound):
		s.indexed = 0
	case err == nil:
		s.unsettled = false
	}
	return "", false
}

// anotherOnAir tells whether the session that the index knows is on air, by an epoch that was
// not guessed: at another recorder, or at this show's in its place, which a balancer whose
// way there is silent does not notice.
func (b *Balancer) anotherOnAir(ctx context.Context, held session.Session, s *show) bool {
	if held.Recorder == "" || held.Recorder == s.recorder.Name && held.ID == s.session {
		return false
	}
	other, ok := b.watcher.Status(held.Recorder)
	if !ok || other.State == fleet.Down {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.AskDeadline)
	defer cancel()
	h, err := fleet.AskOne(ctx, b.env.DialContext, other.Recorder, s.mount)
	own := held.Recorder == s.recorder.Name && h.Session == s.session
	return err == nil && h.Live && !h.Guessed && h.Account == s.account && !own
}
