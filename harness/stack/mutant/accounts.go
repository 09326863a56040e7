package mutant

import (
	"context"
	"errors"
	"fmt"

	"deadair/balancer"
	"deadair/balancer/account"
	"deadair/balancer/env"
)

// accountTroubleRefuses has the balancer call credentials wrong that nobody proves right.
func accountTroubleRefuses() Mutant {
	return Mutant{Name: "account-trouble-refuses", Doc: "an account service that does not answer is taken for one that says no",
		Balancer: func(cfg balancer.Config, e *env.Env, p *balancer.Parts) error {
			real, err := account.NewService(cfg.Auth, e.DialContext, e.Log)
			if err != nil {
				return fmt.Errorf("plant account-trouble-refuses: %w", err)
			}
			p.Accounts = suspicious{real}
			return nil
		}}
}

type suspicious struct{ account.Checker }

func (s suspicious) Check(ctx context.Context, r account.Request) (account.Grant, error) {
	return distrust(s.Checker.Check(ctx, r))
}

func (s suspicious) Recall(ctx context.Context, r account.Request, proof string) (account.Grant, error) {
	return distrust(s.Checker.Recall(ctx, r, proof))
}

func distrust(g account.Grant, err error) (account.Grant, error) {
	if g.Stale || errors.Is(err, account.ErrUnavailable) {
		return account.Grant{}, account.ErrWrong
	}
	return g, err
}
