package balancer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"deadair/balancer/account"
	"deadair/balancer/icecast"
)

// Reload takes the accounts, the certificate and the rollout anew from a configuration
// and from the files that it names; its other fields are not looked at. Shows on air are
// not affected. After an error all is as it was.
func (b *Balancer) Reload(cfg Config) error {
	cfg = cfg.WithDefaults(b.env.Host)
	if err := errors.Join(cfg.validateAccess(), cfg.Rollout.validate(b.cfg.Recorders)); err != nil {
		return fmt.Errorf("check config: %w", err)
	}
	return b.load(cfg)
}

func (b *Balancer) load(cfg Config) error {
	certificate, err := cfg.TLS.load()
	if err != nil {
		return err
	}
	if b.checker == nil {
		accounts, err := b.openAccounts(cfg)
		if err != nil {
			return err
		}
		if before := b.accounts.Swap(&accounts); before != nil {
			(*before).Close()
		}
	}
	b.certificate.Store(certificate)
	b.rollout.Store(&cfg.Rollout)
	return nil
}

// openAccounts is who knows all accounts.
func (b *Balancer) openAccounts(cfg Config) (account.Checker, error) {
	if cfg.Auth.URL != "" {
		return b.openService(cfg.Auth)
	}
	all := make(map[string]account.Account)
	if cfg.AccountsFile != "" {
		var err error
		if all, err = account.ReadFile(cfg.AccountsFile); err != nil {
			return nil, err
		}
	}
	for user, password := range cfg.Accounts {
		if _, twice := all[user]; twice {
			return nil, fmt.Errorf("account %q is in accounts and in accounts-file: remove one of them", user)
		}
		all[user] = account.Account{Password: password}
	}
	list, err := account.NewList(all)
	if err != nil {
		return nil, err
	}
	b.log.Info("accounts read", "accounts", list.Len())
	return list, nil
}

// openService is a service that remembers what the one before it had said.
func (b *Balancer) openService(cfg account.ServiceConfig) (account.Checker, error) {
	s, err := account.NewService(cfg, b.env.DialContext, b.log)
	if err != nil {
		return nil, err
	}
	if current := b.accounts.Load(); current != nil {
		if before, ok := (*current).(*account.Service); ok {
			s.Inherit(before)
		}
	}
	return s, nil
}

// credentials are a user and a password as they came in.
type credentials struct{ user, password string }

// credentialsOf are those of a head; ok is false without any.
func credentialsOf(head *icecast.Head) (c credentials, ok bool) {
	c.user, c.password, ok = head.Credentials()
	return c, ok
}

// authorize proves credentials. They are called wrong only when that is proven: an
// encoder that is told so may never come back.
func (b *Balancer) authorize(ctx context.Context, c credentials, r account.Request, from net.Addr) (account.Grant, *refused) {
	r.User, r.Password, r.Client = c.user, c.password, host(from)
	grant, err := (*b.accounts.Load()).Check(ctx, r)
	if errors.Is(err, account.ErrUnavailable) {
		grant, err = b.proveBySession(ctx, r, err)
	}
	b.metrics.proved(grant, err)
	switch {
	case err == nil:
		if grant.Stale {
			b.log.Warn("account accepted as it was before", "account", grant.Account, "mount", r.Mount)
		}
		return grant, nil
	case errors.Is(err, account.ErrWrong):
		return grant, &refused{refuseCredentials(), giveUp}
	case errors.Is(err, account.ErrMount):
		return grant, &refused{refuseNotAllowed(), giveUp}
	}
	b.log.Warn("credentials cannot be proven", "account", r.User, "mount", r.Mount, "err", err)
	return grant, &refused{refuseAccounts(), tryLater}
}

// proveBySession proves credentials that cannot be proven otherwise, for cause, by
// those with which another balancer has let the mount's session in.
func (b *Balancer) proveBySession(ctx context.Context, r account.Request, cause error) (account.Grant, error) {
	s, err := b.lookup(ctx, r.Mount)
	if err != nil {
		return account.Grant{}, cause
	}
	grant, err := (*b.accounts.Load()).Recall(ctx, r, s.Proof)
	if err == nil && grant.Account != s.Account {
		return account.Grant{}, cause
	}
	return grant, err
}

// host is an address without its port.
func host(addr net.Addr) string {
	h, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	return h
}

// tlsOn tells whether there is a certificate.
func (b *Balancer) tlsOn() bool { return b.certificate.Load() != (*tls.Certificate)(nil) }
