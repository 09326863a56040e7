package balancer

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"

	"deadair/balancer/account"
	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
	"deadair/balancer/session"
)

// takeRequest serves /admin: new titles and the end of a show. They come on
// connections of their own, perhaps to another balancer than the show's, and follow
// the session to its recorder.
func (b *Balancer) takeRequest(ctx context.Context, conn net.Conn, head *icecast.Head) {
	q, no := b.readRequest(conn, head)
	if no == nil {
		no = b.do(ctx, q, conn.RemoteAddr())
	}
	if no != nil {
		b.refuse(conn, head, *no)
		return
	}
	b.answerRequest(conn, q)
}

// do does what a request asks for.
func (b *Balancer) do(ctx context.Context, q request, from net.Addr) *icecast.Refusal {
	select {
	case b.requests <- struct{}{}:
		defer func() { <-b.requests }()
	default:
		no := refuseTooManyRequests()
		return &no
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.ForwardDeadline)
	defer cancel()
	grant, refused := b.authorize(ctx, q.credentials, account.Request{Mount: q.mount, Admin: true, Agent: q.agent}, from)
	if refused != nil {
		return &refused.Refusal
	}
	ends, err := b.lookup(ctx, q.mount)
	if q.verb == verbTitle && err == nil && owns(grant, ends.Account) {
		b.keepTitle(ctx, q.mount, ends.Epoch, q.song())
	}
	if no := b.deliver(ctx, q, grant, ends, err); no != nil {
		return no
	}
	if q.verb == verbKill && err == nil {
		b.release(ctx, q.mount, ends.Epoch)
	}
	return nil
}

// owns tells whether credentials are good for an account's shows.
func owns(g account.Grant, whose string) bool { return g.Operator || g.Account == whose }

// deliver takes a request to the recorder that has the show: where the index says,
// without it where a show on air here goes, at last where the recorders say. They are
// asked as well when the first one does not have the show, for it may have moved.
func (b *Balancer) deliver(ctx context.Context, q request, g account.Grant, s session.Session, lookup error) *icecast.Refusal {
	no := refuseNoSource()
	tried := ""
	if r, whose, ok := b.owner(q.mount, s, lookup); ok {
		if !owns(g, whose) {
			no = refuseNotYours()
			return &no
		}
		failed := b.forward(ctx, r, q)
		if failed == nil || failed.Reason == refusedByRecorder {
			return failed
		}
		no, tried = *failed, r.Name
	}
	asking, cancel := context.WithTimeout(ctx, b.cfg.AskDeadline)
	defer cancel()
	h, ok := fleet.Ask(asking, b.env.DialContext, b.reachable(), q.mount)
	switch {
	case !ok || !b.open(h) || h.Recorder.Name == tried:
		return &no
	case !owns(g, h.Account):
		no = refuseNotYours()
		return &no
	}
	return b.forward(ctx, h.Recorder, q)
}

// owner is the recorder that has a show as far as is known without asking, and whose
// the show is.
func (b *Balancer) owner(mount string, s session.Session, lookup error) (r fleet.Recorder, whose string, ok bool) {
	if lookup == nil && s.Recorder != "" {
		if known, ok := b.watcher.Status(s.Recorder); ok {
			return known.Recorder, s.Account, true
		}
	}
	return b.table.holder(mount)
}

func (b *Balancer) lookup(ctx context.Context, mount string) (session.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.ClaimDeadline)
	defer cancel()
	s, err := b.store.Lookup(ctx, mount)
	b.metrics.index("lookup", err)
	return s, err
}

// keepTitle notes a title in the index, where it outlives the show's recorder.
func (b *Balancer) keepTitle(ctx context.Context, mount string, epoch int64, title string) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.ClaimDeadline)
	defer cancel()
	err := b.store.Title(ctx, mount, epoch, title)
	b.metrics.index("title", err)
	if err != nil && !errors.Is(err, session.ErrFenced) {
		b.log.Warn("title is not in the index", "mount", mount, "err", err)
	}
}

// release takes a killed show out of the index. Its recorder has ended it: that is
// the truth.
func (b *Balancer) release(ctx context.Context, mount string, epoch int64) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.ClaimDeadline)
	defer cancel()
	if err := b.store.Release(ctx, mount, epoch); err != nil && !errors.Is(err, session.ErrFenced) { // a newer show has it
		b.log.Warn("killed show is still in the index", "mount", mount, "err", err)
	}
}

// forward sends a request to a recorder's admin port.
func (b *Balancer) forward(ctx context.Context, r fleet.Recorder, q request) *icecast.Refusal {
	target := "/kill?" + url.Values{"mount": {q.mount}}.Encode()
	if q.verb == verbTitle {
		target = "/metadata?" + url.Values{"mount": {q.mount}, "song": {q.song()}}.Encode()
	}
	status, err := fleet.Post(ctx, b.env.DialContext, r.Admin, target)
	var no icecast.Refusal
	switch {
	case err != nil:
		b.log.Warn("recorder did not take a request", "recorder", r.Name, "request", q.verb, "err", err)
		no = refuseRecorder()
	case status == http.StatusNotFound:
		no = refuseNoSource()
	case status/100 != 2:
		b.log.Warn("recorder refused a request", "recorder", r.Name, "request", q.verb, "status", status)
		no = refuseByRecorder()
	default:
		return nil
	}
	return &no
}
