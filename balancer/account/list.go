package account

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"deadair/balancer/icecast"
)

// Account is one user of a list.
type Account struct {
	Password string   `yaml:"password"` // as Hash writes it; in a configuration it may be plain
	Mounts   []string `yaml:"mounts"`   // may go on air there; "/news/*" is all below; none: on every mount
	Operator bool     `yaml:"operator"` // requests about everybody's shows are allowed; no mounts: never on air
	Plan     string   `yaml:"plan"`     // such as "pro"; what it means, rollouts tell
}

// allows tells whether the account may go on air on a mount.
func (a Account) allows(mount string) bool {
	if len(a.Mounts) == 0 {
		return !a.Operator
	}
	return slices.ContainsFunc(a.Mounts, func(m string) bool {
		below, all := strings.CutSuffix(m, "*")
		return m == mount || all && strings.HasPrefix(mount, below)
	})
}

func (a Account) validate() error {
	for _, m := range a.Mounts {
		if below, all := strings.CutSuffix(m, "*"); all {
			m = below + "x"
		}
		if err := icecast.CheckMount(m); err != nil {
			return err
		}
	}
	return nil
}

// ReadFile reads the accounts of a file, by user. Passwords in files are hashed.
func ReadFile(name string) (map[string]Account, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	accounts := make(map[string]Account)
	err = yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&accounts)
	if errors.Is(err, io.EOF) || err == nil && len(accounts) == 0 {
		err = errors.New("there are no accounts in it")
	}
	if err != nil {
		return nil, fmt.Errorf("read accounts: %s: %w", name, err)
	}
	for user, a := range accounts {
		if _, err := parseHash(a.Password); err != nil {
			return nil, fmt.Errorf("read accounts: %s: %s: %w; make one with: balancer -hash-password", name, user, err)
		}
	}
	return accounts, nil
}

// maxHashing is how many passwords are hashed at once. Each takes a core for
// milliseconds; the rest of them carries shows.
const maxHashing = 2

// List is a Checker that knows all accounts itself. It is safe for concurrent use.
type List struct {
	entries map[string]*entry
	hashing chan struct{} // holds one token for each password being hashed
}

type entry struct {
	Account
	secret secret
}

// NewList is a list of accounts by user.
func NewList(accounts map[string]Account) (*List, error) {
	l := &List{entries: make(map[string]*entry, len(accounts)), hashing: make(chan struct{}, maxHashing)}
	for user, a := range accounts {
		s, err := newSecret(a.Password)
		if err == nil {
			err = a.validate()
		}
		if user == "" {
			err = errors.New("give it a name")
		}
		if err != nil {
			return nil, fmt.Errorf("account %q: %w", user, err)
		}
		l.entries[user] = &entry{a, s}
	}
	return l, nil
}

// Len is how many accounts there are.
func (l *List) Len() int { return len(l.entries) }

// Check implements Checker. A user who is not there costs nothing, a password that
// was right or wrong just before neither.
func (l *List) Check(ctx context.Context, r Request) (Grant, error) {
	e := l.entries[r.User]
	if e == nil {
		return Grant{}, ErrWrong
	}
	right, known := e.secret.recall(r.Password)
	if !known {
		select {
		case l.hashing <- struct{}{}:
			right = e.secret.prove(r.Password)
			<-l.hashing
		case <-ctx.Done():
			return Grant{}, fmt.Errorf("%w: too many passwords to hash: %w", ErrUnavailable, ctx.Err())
		}
	}
	switch {
	case !right:
		return Grant{}, ErrWrong
	case !e.allows(r.Mount) && !(r.Admin && e.Operator):
		return Grant{}, ErrMount
	}
	return Grant{Account: r.User, Operator: e.Operator, Plan: e.Plan}, nil
}

// Recall implements Checker. Nobody needs it: a list is all there is to know.
func (l *List) Recall(context.Context, Request, string) (Grant, error) {
	return Grant{}, ErrUnavailable
}

// Probe implements Checker.
func (l *List) Probe(context.Context) error { return nil }

// Mount implements Checker.
func (l *List) Mount(user string, n int) string {
	e := l.entries[user]
	if e == nil {
		return ""
	}
	for _, m := range e.Mounts {
		if strings.HasSuffix(m, "*") {
			continue
		}
		if n--; n == 0 {
			return m
		}
	}
	return ""
}

// Close implements Checker.
func (l *List) Close() {}
