package balancer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"deadair/balancer/fleet"
)

// deepCheck is the real HealthCheck: it does what an admission does, and asks the
// peers whether a fault is ours alone. It remembers rounds, so that one that is
// better than the last does not bring a balancer back that flaps.
type deepCheck struct {
	indexBad    time.Time // since when the index fails; zero when it does not
	recorderBad time.Time // since when no recorder accepts
	accountsBad time.Time // since when no account can be looked up
	recovering  int       // good rounds still to come after a local fault
}

// goodRounds is how many good rounds end a local fault.
const goodRounds = 2

// facts are what one round found.
type facts struct {
	began    time.Time
	took     time.Duration
	index    error // nil: written
	recorder error // nil: accepted
	accounts error // nil: answered
	room     room
	peers    []fleet.PeerHealth // asked only when something failed
	judged   time.Time          // now
}

// room is how much the recorders can take, as last looked at.
type room struct{ full, away bool }

// Check implements HealthCheck.
func (d *deepCheck) Check(ctx context.Context, p Probes) Report {
	stamp := p.Wall()
	f := probe(ctx, p)
	if f.index != nil || f.accounts != nil || f.recorder != nil && !errors.Is(f.recorder, ErrFull) {
		f.peers = p.Peers(ctx)
	}
	f.judged = time.Now()
	r := d.judge(f)
	r.CheckedAt = stamp
	return r
}

// probe goes all ways of an admission at once. A third of the time is left for
// the peers.
func probe(ctx context.Context, p Probes) facts {
	f := facts{began: time.Now(), room: roomOf(p.View(), p.Home)}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, f.began.Add(time.Until(deadline)*2/3))
		defer cancel()
	}
	var all sync.WaitGroup
	all.Go(func() { f.index = p.Index(ctx) })
	all.Go(func() { f.recorder = p.Recorder(ctx) })
	all.Go(func() { f.accounts = p.Accounts(ctx) })
	all.Wait()
	f.took = time.Since(f.began)
	return f
}

func roomOf(view []fleet.Status, home string) room {
	r := room{full: true, away: true}
	for _, s := range view {
		if s.State != fleet.Up && s.State != fleet.Unknown {
			continue
		}
		r.full = false
		if s.Datacenter == home {
			r.away = false
		}
	}
	r.full = r.full && slices.ContainsFunc(view, func(s fleet.Status) bool { return s.State == fleet.Full })
	return r
}

// judge weighs a round against the peers and the rounds before.
func (d *deepCheck) judge(f facts) Report {
	d.indexBad = since(d.indexBad, f.index, f.began)
	if errors.Is(f.recorder, ErrFull) {
		f.recorder, f.room.full = nil, true
	}
	d.recorderBad = since(d.recorderBad, f.recorder, f.began)
	d.accountsBad = since(d.accountsBad, f.accounts, f.began)
	r := Report{Status: OK, Redis: "ok", Recorders: "ok", Accounts: "ok", AdmissionMS: f.took.Milliseconds()}
	d.judgeRecorders(f, &r)
	d.judgeIndex(f, &r)
	d.judgeAccounts(f, &r)
	d.steady(f, &r)
	return r
}

// steady keeps a balancer that had a local fault out until it is well for certain.
func (d *deepCheck) steady(f facts, r *Report) {
	good := f.index == nil && f.recorder == nil && f.accounts == nil
	switch {
	case r.Status == Failing, d.recovering > 0 && r.soon:
		r.Status, d.recovering = Failing, goodRounds
	case !good: // the fault is everybody's now
		d.recovering = 0
	case d.recovering > 1:
		d.recovering--
		r.fail(fmt.Sprintf("well again, back in after %d more good checks", d.recovering))
	default:
		d.recovering = 0
	}
}

// since is when a failure began.
func since(bad time.Time, err error, now time.Time) time.Time {
	switch {
	case err == nil:
		return time.Time{}
	case bad.IsZero():
		return now
	}
	return bad
}

// service is something that all balancers use and that one may lose alone.
type service struct {
	name    string
	err     error     // of this round
	bad     time.Time // since when it fails
	state   *string   // of the report
	well    func(fleet.PeerHealth) bool
	alone   string // when peers reach it: they do, we do not
	without string // what is done without it
	nobody  string // when no peer reaches it either
}

func (d *deepCheck) judgeIndex(f facts, r *Report) {
	judgeService(f, r, service{
		name: "index", err: f.index, bad: d.indexBad, state: &r.Redis,
		well:    func(p fleet.PeerHealth) bool { return p.Redis == "ok" },
		alone:   "peers reach the index, this balancer does not",
		without: "admitting without the index", nobody: "no peer reaches it either",
	})
}

// judgeAccounts is for when nobody's password can be proven. Shows that were proven
// before go on, and come back; others wait in vain.
func (d *deepCheck) judgeAccounts(f facts, r *Report) {
	judgeService(f, r, service{
		name: "accounts", err: f.accounts, bad: d.accountsBad, state: &r.Accounts,
		well:    func(p fleet.PeerHealth) bool { return p.Accounts == "ok" },
		alone:   "peers can look accounts up, this balancer cannot",
		without: "admitting only who was proven before", nobody: "no peer can look accounts up either",
	})
}

// judgeService fails a balancer that has lost a service alone, and degrades it otherwise.
func judgeService(f facts, r *Report, s service) {
	if s.err == nil {
		return
	}
	*s.state, r.AdmissionMS = "failing", 0
	what := s.name + ": " + s.err.Error()
	switch blame(f, s.bad, s.well) {
	case ours:
		r.fail(s.alone + ": " + what)
	case unsure:
		r.soon = true
		r.degrade(s.without + ": " + what)
	default:
		r.degrade(s.without + ", " + s.nobody + ": " + what)
	}
}

func (d *deepCheck) judgeRecorders(f facts, r *Report) {
	switch {
	case f.recorder != nil:
		r.Recorders, r.AdmissionMS = "failing", 0
		fault := blame(f, d.recorderBad, func(p fleet.PeerHealth) bool { return p.Recorders != "failing" && p.Recorders != "unknown" })
		switch {
		case fault == ours || fault == shared && len(f.peers) == 0 && d.recorderBad.Before(f.began):
			r.fail("no recorder accepts: " + f.recorder.Error())
		default:
			r.soon = fault == unsure || len(f.peers) == 0
			r.degrade("no recorder accepts: " + f.recorder.Error())
		}
	case f.room.full:
		r.Recorders = "full"
		r.degrade("all recorders are full")
	case f.room.away:
		r.Recorders = "away"
		r.degrade("no recorder of this datacenter takes shows, they go elsewhere")
	}
}

// fault is whose a failure is.
type fault int

const (
	shared fault = iota // no peer that answers fares better
	ours                // a peer has done since what we failed to do
	unsure              // a peer had done it before we failed, and has not tried since
)

// blame compares a failure with the peers. A peer's success counts only if its
// check began after our failure did: before, it says nothing about the fault.
func blame(f facts, bad time.Time, well func(fleet.PeerHealth) bool) fault {
	verdict := shared
	for _, p := range f.peers {
		if !well(p) {
			continue
		}
		if p.Age < f.judged.Sub(bad) {
			return ours
		}
		verdict = unsure
	}
	return verdict
}

// fail and degrade make a report worse, never better.

func (r *Report) fail(reason string) {
	r.Status = Failing
	r.because(reason)
}

func (r *Report) degrade(reason string) {
	if r.Status == OK {
		r.Status = Degraded
	}
	r.because(reason)
}

func (r *Report) because(reason string) {
	if r.Reason != "" {
		r.Reason += "; "
	}
	r.Reason += reason
}
