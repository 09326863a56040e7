// Package notice tells broadcasters by mail that their show is published.
//
// A notice is due once, for each session. It waits in a file on the recorder's disk
// until a relay has taken its mail, so that it survives a restart; that it was taken is
// durable before it is forgotten. A recorder that dies in between sends the mail again,
// with the same Message-ID, which is made of the session alone: mailboxes know it for the
// same mail.
//
// What is written is looked at before it is sent ([Readable]). A mail that says nothing is
// held back until there is another template, and counted.
//
// It does not know who a broadcaster is beyond the account, and reads no mail.
package notice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/mail"
	"strings"
	"time"

	"deadair/balancer/env"
)

// Notice is what a broadcaster is to be told.
type Notice struct {
	Session string  `json:"session"`
	Mount   string  `json:"mount"`
	Account string  `json:"account"`
	Tracks  []Track `json:"tracks"`
}

// Track is one track of the show.
type Track struct {
	Key     string  `json:"key"`     // in the store
	Seconds float64 `json:"seconds"` // 0 when unknown
	Gaps    int     `json:"gaps"`    // times in which nothing was recorded
}

// Length is how long the track is, to a second; "" when that is unknown.
func (t Track) Length() string {
	if t.Seconds <= 0 {
		return ""
	}
	return time.Duration(t.Seconds * float64(time.Second)).Round(time.Second).String()
}

// Mail is a notice as it is sent.
type Mail struct {
	ID      string // of the Message-ID, without brackets
	To      string // one address
	Subject string
	Text    string
}

// Sender hands a mail to whoever delivers it. An error that is no [ErrRefused] means that
// the mail may be sent again.
type Sender interface {
	Send(ctx context.Context, m Mail) error
}

// ErrRefused is a mail that nobody will ever take.
var ErrRefused = errors.New("refused for good")

// Config is what a Post is made of. All fields but Guard and Template are needed.
type Config struct {
	Sender      Sender
	Guard       func(Mail, Notice) error // nil: Readable
	Template    string                   // "": the one that is built in
	Disk        env.Disk
	Domain      string        // of accounts that are no addresses, and of Message-IDs
	Backoff     time.Duration // after a failure; it doubles …
	BackoffMost time.Duration // … up to this
	GiveUp      time.Duration // how long a mail is tried
	Wall        func() time.Time
	Rand        *rand.Rand
	Log         *slog.Logger
}

// address is where an account's mail goes.
func (c Config) address(account string) (string, error) {
	to := account
	if !strings.Contains(to, "@") {
		to += "@" + c.Domain
	}
	a, err := mail.ParseAddress(to)
	if err != nil || a.Address != to {
		return "", fmt.Errorf("write to %q: it is no address: %w", to, ErrRefused)
	}
	return to, nil
}

// id is the Message-ID of a session's mail. A session that cannot stand there as it is is
// known by its hash.
func (c Config) id(session string) string {
	const plain = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	if session == "" || len(session) > 64 || strings.Trim(session, plain) != "" {
		sum := sha256.Sum256([]byte(session))
		session = hex.EncodeToString(sum[:16])
	}
	return session + "@" + c.Domain
}
