// Package session is the index of who records which mount: one entry per mount
// with its session, its recorder and the epoch of its current connection. Every
// connection claims the next epoch; who holds an older one is fenced.
//
// It owns the words, the rules and the store in Redis. It does not know
// recorders, which are the truth that the index only points to, and it does not
// decide what to do while the index is away.
package session

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrTaken is a claim for a mount on which another account has a session.
	ErrTaken = errors.New("mount taken by another account")
	// ErrFenced is for an epoch that no longer holds its mount: a later connection
	// has claimed it, or the session was released.
	ErrFenced = errors.New("epoch fenced")
	// ErrNotFound is for a mount without a session, and for an epoch that the index
	// does not know, for it has lost it or never had it. A Claim with AtLeast one
	// below that epoch, and the session's own NewID, puts it back.
	ErrNotFound = errors.New("session not found")
	// ErrUnavailable wraps all trouble of the index itself: no answer in time, no
	// connection, an answer that says no (loading, read-only, out of memory …) or
	// makes no sense. Whether a write has taken place is then unknown. Writes may
	// be repeated: at worst a claim skips an epoch.
	ErrUnavailable = errors.New("session index unavailable")
)

// Session is one show across its reconnects.
type Session struct {
	Mount      string
	ID         string
	Account    string
	Recorder   string // its name; "" until settled
	Datacenter string // of the balancer that made the latest claim
	Title      string // what it is playing; "" until told
	Proof      string // as claimed last; it is not looked at here
	Epoch      int64  // of the latest claim; > 0
	Until      time.Time
}

// Claim asks for a mount.
type Claim struct {
	Mount      string
	Account    string        // others' sessions are never taken over
	NewID      string        // the session's, unless one goes on
	Datacenter string        // of who claims
	AtLeast    int64         // the epoch to get is greater; 0 … 2⁵³-2
	Window     time.Duration // how long the session lasts without Renew
	Proof      string        // by which others know the account's credentials again; "" leaves the session's as it is
}

// Store is the index. All methods may be called at any time from any goroutine.
// They end by the deadline of ctx or by the store's own, whichever is earlier; a
// ctx that is cancelled before may not end them earlier.
type Store interface {
	// Claim takes the next epoch of a mount. A session of the same account whose
	// time is not up goes on, with its ID and recorder; otherwise a new one begins.
	// Epochs of a mount rise from session to session.
	Claim(ctx context.Context, c Claim) (Session, error)
	// Settle notes which recorder has accepted an epoch.
	Settle(ctx context.Context, mount string, epoch int64, recorder string) error
	// Title notes what an epoch is playing. It goes over to the session's later epochs.
	Title(ctx context.Context, mount string, epoch int64, title string) error
	// Renew lets the session last for a window from now on, even if its time was
	// up: nobody has claimed the mount since.
	Renew(ctx context.Context, mount string, epoch int64, window time.Duration) error
	// Release ends the session. The epoch stays known. Releasing twice is no error.
	Release(ctx context.Context, mount string, epoch int64) error
	// Lookup is the session of a mount. ErrNotFound if its time is up.
	Lookup(ctx context.Context, mount string) (Session, error)
	// Probe does a write of the kind that Claim does, by the same connections.
	Probe(ctx context.Context) error
}
