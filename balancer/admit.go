package balancer

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"deadair/balancer/account"
	"deadair/balancer/env"
	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
	"deadair/balancer/session"
)

// maxOutrank is how often one admission claims again because a recorder knew a
// higher epoch.
const maxOutrank = 3

// maxWaits is how often one admission waits for the session's own recorder to be
// ready before it goes elsewhere.
const maxWaits = 3

// admission is one source on its way to a recorder. One goroutine owns it.
type admission struct {
	client  net.Conn
	head    *icecast.Head
	mount   string
	account string // "" until the credentials are proven
	proof   string // of them, for others
	plan    string // of the account; "" when nobody told
	began   time.Time

	arrived  bool                    // the table knows it
	proving  bool                    // its credentials are not proven yet; the table's
	outside  bool                    // it waits for a place; the table's
	cancel   context.CancelCauseFunc // gives it up, while it is held
	entered  bool                    // it is counted in the table
	newID    string                  // the session's name if there is none yet
	atLeast  int64                   // the epoch must be higher
	outranks int                     // claims made because of a recorder's higher epoch
	waits    int                     // for the session's own recorder
	recalled bool                    // recorders were asked for a session that the index let lapse
	claimed  bool                    // session is valid
	degraded bool                    // the index was away: the recorder assigns the epoch
	above    int64                   // the epoch that a recorder assigns must be higher
	session  session.Session         // claimed, or as the recorders told
	sticky   string                  // the recorder that has the session; "" when none is known
}

// fresh tells whether the claim found no session and began one.
func (a *admission) fresh() bool { return a.session.ID == a.newID && a.session.Recorder == "" }

// refused is why a try to put a source on air failed, and what to do about it.
type refused struct {
	icecast.Refusal
	next next
}

type next int

const (
	tryLater next = iota // hold the answer and try again in a while
	tryNow               // try again at once
	giveUp               // answer
)

// takeSource puts a source on air, or refuses it and returns nil.
func (b *Balancer) takeSource(ctx context.Context, conn net.Conn, head *icecast.Head) *show {
	if _, ok := credentialsOf(head); !ok {
		b.refuse(conn, head, icecast.Unauthorized())
		return nil
	}
	mount, err := head.Mount()
	if err != nil {
		b.refuse(conn, head, refuseMount(err))
		return nil
	}
	return b.admit(ctx, &admission{client: conn, head: head, mount: mount})
}

// admit puts a source on air, or refuses it and returns nil.
func (b *Balancer) admit(ctx context.Context, a *admission) *show {
	a.began, a.newID = time.Now(), b.ids.next()
	s, no := b.hold(ctx, a)
	b.table.depart(a)
	if no == nil && b.answer(s, a) {
		return s
	}
	if a.entered {
		b.table.leave(a.account, a.mount)
	}
	if no != nil {
		b.forget(ctx, a)
	}
	switch {
	case no == nil:
	case no.Reason == left:
		b.metrics.refused(left)
		b.log.Info("source left before its answer", "mount", a.mount)
	case ctx.Err() != nil: // a client that loses its connection goes to another balancer at once; one that is told 503 may wait
		b.dismiss(a.client, "balancer-ended")
	default:
		b.refuse(a.client, a.head, no.Refusal)
	}
	return nil
}

// forget gives a mount back that was claimed for a show which never was, so that it is
// free for others. A recorder that may have taken the show keeps it, and so does a source
// whose balancer ends: it comes back by another one.
func (b *Balancer) forget(ctx context.Context, a *admission) {
	if !a.claimed || a.degraded || a.above > 0 || !a.fresh() || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.ClaimDeadline)
	defer cancel()
	if err := b.store.Release(ctx, a.mount, a.session.Epoch); err != nil && !errors.Is(err, session.ErrFenced) {
		b.log.Warn("mount of a refused source is not free yet", "mount", a.mount, "err", err)
	}
}

// try proves the credentials, takes a place, claims the mount, and offers the source
// to recorders; what is done already is not done again.
func (b *Balancer) try(ctx context.Context, a *admission) (*show, *refused) {
	if a.account == "" {
		c, _ := credentialsOf(a.head)
		if no := b.identify(ctx, a, c, account.Request{Mount: a.mount, Agent: a.head.Header.Get("User-Agent")}); no != nil {
			return nil, no
		}
	}
	if !a.arrived {
		a.arrived = true
		if older := b.table.arrive(a); older != nil {
			older.cancel(errNewer)
		}
	}
	if b.draining.Load() {
		return nil, &refused{refuseDraining(), tryLater}
	}
	if !a.entered {
		if no := b.table.enter(a); no != nil {
			return nil, no
		}
		a.entered = true
	}
	if no := b.turn(ctx); no != nil {
		return nil, no
	}
	defer func() { <-b.turns }()
	if !a.claimed || a.degraded {
		if no := b.claim(ctx, a); no != nil {
			return nil, no
		}
	}
	return b.place(ctx, a)
}

// identify finds out whose the source is.
func (b *Balancer) identify(ctx context.Context, a *admission, c credentials, r account.Request) *refused {
	if !b.table.prove(a) {
		return &refused{refuseCrowded(), giveUp}
	}
	grant, no := b.authorize(ctx, c, r, a.client.RemoteAddr())
	if no != nil {
		return no
	}
	if !isAccount(grant.Account) {
		return &refused{refuseAccount(), giveUp}
	}
	b.table.proven(a)
	a.account, a.proof, a.plan = grant.Account, grant.Proof, grant.Plan
	return nil
}

// maxAccount is the longest account, in bytes.
const maxAccount = 128

// isAccount tells whether recorders can be told an account: it travels as a header field.
func isAccount(name string) bool {
	return len(name) <= maxAccount && utf8.ValidString(name) && strings.TrimSpace(name) == name
}

// turn waits until fewer sources than the limit are being claimed and offered. All at
// once, a herd would let each other's deadlines pass, and do everything over again.
func (b *Balancer) turn(ctx context.Context) *refused {
	select {
	case b.turns <- struct{}{}:
		if ctx.Err() == nil {
			return nil
		}
		<-b.turns // both were true
	case <-ctx.Done():
	}
	return &refused{refuseCrowded(), tryLater}
}

// claim takes the mount in the index, or, without the index, asks the recorders
// whose it is.
func (b *Balancer) claim(ctx context.Context, a *admission) *refused {
	s, err := b.claimIndex(ctx, session.Claim{
		Mount: a.mount, Account: a.account, NewID: a.newID, Datacenter: b.cfg.Datacenter, AtLeast: a.atLeast, Window: b.cfg.Window, Proof: a.proof,
	})
	switch {
	case err == nil:
		a.session, a.claimed, a.degraded = s, true, false
		a.sticky = cmp.Or(s.Recorder, a.sticky)
		if s.Recorder == "" && s.Epoch > 1 && !a.recalled && b.recall(ctx, a) {
			return b.claim(ctx, a)
		}
		return nil
	case errors.Is(err, session.ErrTaken):
		return &refused{icecast.MountInUse(), giveUp}
	case env.Ended(ctx):
		return &refused{refuseUnavailable(), tryLater}
	}
	b.log.Warn("admitting without the index", "mount", a.mount, "err", err)
	return b.claimFromRecorders(ctx, a)
}

func (b *Balancer) claimIndex(ctx context.Context, c session.Claim) (session.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.ClaimDeadline)
	defer cancel()
	s, err := b.store.Claim(ctx, c)
	b.metrics.index("claim", err)
	return s, err
}

// recall looks for a session that a recorder holds and the index does not place:
// the balancer that carries it could not renew it, or never got to tell where it is.
// It tells whether the claim must be repeated. A mount that the index never saw is
// not asked about, so a new show costs nothing.
func (b *Balancer) recall(ctx context.Context, a *admission) bool {
	a.recalled = true
	ctx, cancel := context.WithTimeout(ctx, b.cfg.AskDeadline+b.cfg.ClaimDeadline)
	defer cancel()
	h, ok := fleet.Ask(ctx, b.env.DialContext, b.reachable(), a.mount)
	switch {
	case !ok || h.Account != a.account || !b.open(h):
		return false
	case h.Session == a.session.ID:
		a.sticky, a.atLeast = h.Recorder.Name, max(a.atLeast, h.Epoch)
		a.claimed = a.session.Epoch > h.Epoch
		return !a.claimed
	}
	if err := b.store.Release(ctx, a.mount, a.session.Epoch); err != nil {
		return false
	}
	b.log.Info("session recalled from its recorder", "mount", a.mount, "recorder", h.Recorder.Name)
	a.newID, a.sticky, a.atLeast, a.claimed = h.Session, h.Recorder.Name, max(a.atLeast, h.Epoch), false
	return true
}

// claimFromRecorders finds the session that a recorder holds. The epoch stays
// zero: only a recorder may choose one, above all that it has seen, and above what
// the holder has seen if it is another.
func (b *Balancer) claimFromRecorders(ctx context.Context, a *admission) *refused {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.AskDeadline)
	defer cancel()
	a.claimed, a.degraded = true, true
	a.session = session.Session{Mount: a.mount, ID: a.newID, Account: a.account, Datacenter: b.cfg.Datacenter}
	h, ok := fleet.Ask(ctx, b.env.DialContext, b.reachable(), a.mount)
	if !ok || !b.open(h) {
		return nil
	}
	if h.Account != a.account {
		return &refused{icecast.MountInUse(), giveUp}
	}
	a.newID, a.session.ID, a.sticky = h.Session, h.Session, h.Recorder.Name
	a.above = max(a.above, h.Epoch)
	a.session.Title = h.Title
	return nil
}

// open tells whether a recorder still waits for a session's source, or has it.
func (b *Balancer) open(h fleet.Holder) bool {
	return h.Open(b.env.Wall())
}

// reachable are the recorders that are not down, nearest first.
func (b *Balancer) reachable() []fleet.Recorder {
	return fleet.Reachable(b.watcher.View(), b.cfg.Near)
}
