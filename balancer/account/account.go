// Package account knows who may send what. It proves credentials, by a list of its
// own or by asking a service of the operator's, and tells whose shows a mount may
// carry.
//
// It does not know which mounts are on air, how credentials came in, or what a
// client is told. That credentials are wrong it says only when that is proven.
package account

import (
	"context"
	"errors"
)

var (
	// ErrWrong is for credentials that are proven wrong.
	ErrWrong = errors.New("credentials wrong")
	// ErrMount is for right credentials on a mount that is not theirs.
	ErrMount = errors.New("mount not allowed for this account")
	// ErrUnavailable wraps all that keeps credentials from being proven right or wrong.
	ErrUnavailable = errors.New("accounts unavailable")
)

// Request is credentials and what they are given for.
type Request struct {
	User     string
	Password string
	Mount    string // decoded
	Admin    bool   // it is about a show (metadata, a kill), it is no source
	Client   string // IP address, for the service's own records
	Agent    string // the client's name, likewise
}

// Grant is what credentials are good for.
type Grant struct {
	Account  string // whose shows these are
	Operator bool   // requests about everybody's shows are allowed
	Plan     string // of the account, such as "pro"; "" when nobody told
	Stale    bool   // it was proven earlier, and cannot be proven now
	Proof    string // by which Recall knows these credentials again, anywhere; "" for none
}

// Checker proves credentials.
type Checker interface {
	// Check proves credentials until ctx is done. The error is ErrWrong, ErrMount, or
	// wraps ErrUnavailable.
	Check(ctx context.Context, r Request) (Grant, error)
	// Recall proves credentials by the Proof that an earlier Check gave for the same
	// account and mount, perhaps in another process. It is for when Check cannot; its
	// errors are ErrUnavailable, for what does not match is no proof of the contrary.
	Recall(ctx context.Context, r Request, proof string) (Grant, error)
	// Probe finds out until ctx is done whether Check can prove anything: any answer is
	// good. Its errors are ErrUnavailable.
	Probe(ctx context.Context) error
	// Mount is the mount of a user's n-th stream, for protocols that do not name one,
	// counted from 1; "" when nothing is said about it.
	Mount(user string, n int) string
	// Close lets go of what Check holds. Checks under way end by themselves.
	Close()
}
