package mutant

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"deadair/balancer"
	"deadair/balancer/env"
	"deadair/balancer/fleet"
	"deadair/balancer/session"
)

// healthNeedsHome has the balancer count as failing when no recorder beside it lives.
func healthNeedsHome() Mutant {
	return Mutant{Name: "health-needs-home", Doc: "a balancer whose own datacenter has no recorder leaves DNS, instead of leading sources elsewhere",
		Balancer: func(_ balancer.Config, _ *env.Env, p *balancer.Parts) error {
			p.Health = homesick{}
			return nil
		}}
}

type homesick struct{}

// Check implements balancer.HealthCheck.
func (homesick) Check(_ context.Context, p balancer.Probes) balancer.Report {
	r := balancer.Report{Status: balancer.OK, CheckedAt: p.Wall(), Redis: "ok", Recorders: "ok"}
	if !hasHome(p.View(), p.Home) {
		r.Status, r.Recorders, r.Reason = balancer.Failing, "away", "no recorder of this datacenter takes shows"
	}
	return r
}

func hasHome(view []fleet.Status, home string) bool {
	return slices.ContainsFunc(view, func(s fleet.Status) bool { return s.Datacenter == home && s.State != fleet.Down })
}

// healthNeedsRedis has the balancer count as failing when it does not reach Redis, whoever else does.
func healthNeedsRedis() Mutant {
	return Mutant{Name: "health-needs-redis", Doc: "a balancer that does not reach Redis leaves DNS, also when none does",
		Balancer: func(_ balancer.Config, _ *env.Env, p *balancer.Parts) error {
			p.Health = proud{}
			return nil
		}}
}

type proud struct{}

// Check implements balancer.HealthCheck.
func (proud) Check(ctx context.Context, p balancer.Probes) balancer.Report {
	r := balancer.Report{Status: balancer.OK, CheckedAt: p.Wall(), Redis: "ok", Recorders: "ok"}
	if err := p.Index(ctx); err != nil {
		r.Status, r.Redis, r.Reason = balancer.Failing, "failing", err.Error()
	}
	return r
}

// neverHome has the balancer never forgive a recorder that was down once.
func neverHome() Mutant {
	return Mutant{Name: "never-home", Doc: "a recorder that was down once gets no shows any more",
		Balancer: func(_ balancer.Config, _ *env.Env, p *balancer.Parts) error {
			var mu sync.Mutex // guards down
			down := map[string]bool{}
			p.Choose = func(c balancer.Choice) []fleet.Recorder {
				mu.Lock()
				defer mu.Unlock()
				for _, s := range c.View {
					down[s.Name] = down[s.Name] || s.State == fleet.Down
				}
				return slices.DeleteFunc(balancer.Choose(c), func(r fleet.Recorder) bool { return down[r.Name] })
			}
			return nil
		}}
}

// homeTooEarly has the balancer take a live show that is elsewhere for lost as soon as
// there are recorders at home again.
func homeTooEarly() Mutant {
	name, doc := "home-too-early", "live shows that were led elsewhere are cut when their own datacenter has recorders again"
	return Mutant{Name: name, Doc: doc, Balancer: func(cfg balancer.Config, e *env.Env, p *balancer.Parts) error {
		h := &hasty{home: cfg.Datacenter, of: map[string]string{}, away: map[string]bool{}}
		for _, r := range cfg.Recorders {
			h.of[r.Name] = r.Datacenter
		}
		p.Choose = func(c balancer.Choice) []fleet.Recorder {
			h.look(c.View)
			return balancer.Choose(c)
		}
		return onStore(name, doc, func(s session.Store) session.Store {
			h.Store = s
			return h
		}).Balancer(cfg, e, p)
	}}
}

type hasty struct {
	session.Store
	home string
	of   map[string]string // datacenters by recorder

	mu   sync.Mutex // guards all below
	back bool       // recorders of home live
	away map[string]bool
}

func (h *hasty) look(view []fleet.Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.back = hasHome(view, h.home)
}

func (h *hasty) Settle(ctx context.Context, mount string, epoch int64, recorder string) error {
	h.mu.Lock()
	h.away[mount] = h.of[recorder] != h.home
	h.mu.Unlock()
	return h.Store.Settle(ctx, mount, epoch, recorder)
}

func (h *hasty) Renew(ctx context.Context, mount string, epoch int64, window time.Duration) error {
	h.mu.Lock()
	move := h.back && h.away[mount]
	h.mu.Unlock()
	if move {
		return fmt.Errorf("%w: it belongs to %s", session.ErrFenced, h.home)
	}
	return h.Store.Renew(ctx, mount, epoch, window)
}
