package mutant

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"deadair/balancer"
	"deadair/balancer/env"
	"deadair/balancer/fleet"
	"deadair/balancer/recorder"
	"deadair/balancer/session"
)

// stickyOff has the balancer forget which recorder holds a session.
func stickyOff() Mutant {
	return Mutant{Name: "sticky-off", Doc: "a source that comes back is placed like a new one",
		Balancer: func(_ balancer.Config, _ *env.Env, p *balancer.Parts) error {
			p.Choose = func(c balancer.Choice) []fleet.Recorder { return fleet.Choose(c.View, c.Near, c.Mount) }
			return nil
		}}
}

// healthFilterOff has the balancer believe every recorder alive, and insist on its first choice.
func healthFilterOff() Mutant {
	return Mutant{Name: "health-filter-off", Doc: "sources are sent to their recorder whether it lives or not",
		Balancer: func(_ balancer.Config, _ *env.Env, p *balancer.Parts) error {
			p.Choose = func(c balancer.Choice) []fleet.Recorder {
				for i := range c.View {
					c.View[i].State = fleet.Up
				}
				return balancer.Choose(c)[:1]
			}
			return nil
		}}
}

// windowZero has the index forget a session when its source comes back, and the recorders as soon as it is gone.
func windowZero() Mutant {
	m := onStore("window-zero", "a session ends with its connection", func(s session.Store) session.Store { return forgetful{s} })
	m.Recorder = func(cfg *recorder.Config, _ *env.Env, _ *recorder.Parts) { cfg.Window = time.Millisecond }
	return m
}

type forgetful struct{ session.Store }

func (f forgetful) Claim(ctx context.Context, c session.Claim) (session.Session, error) {
	s, err := f.Store.Claim(ctx, c)
	if err != nil || s.ID == c.NewID {
		return s, err
	}
	if err := f.Store.Release(ctx, c.Mount, s.Epoch); err != nil {
		return s, err
	}
	return f.Store.Claim(ctx, c)
}

// redisTroubleCuts has the balancer take a failed renewal for a lost claim.
func redisTroubleCuts() Mutant {
	return onStore("redis-trouble-cuts", "a live show is cut when its claim cannot be renewed", func(s session.Store) session.Store { return nervous{s} })
}

type nervous struct{ session.Store }

func (n nervous) Renew(ctx context.Context, mount string, epoch int64, window time.Duration) error {
	if err := n.Store.Renew(ctx, mount, epoch, window); err != nil {
		return fmt.Errorf("%w: %w", session.ErrFenced, err)
	}
	return nil
}

// redisTroubleRefuses has the balancer take an index that does not answer for one that says no.
func redisTroubleRefuses() Mutant {
	return onStore("redis-trouble-refuses", "a source is turned away when its mount cannot be claimed", func(s session.Store) session.Store { return strict{s} })
}

type strict struct{ session.Store }

func (s strict) Claim(ctx context.Context, c session.Claim) (session.Session, error) {
	got, err := s.Store.Claim(ctx, c)
	if errors.Is(err, session.ErrUnavailable) {
		return got, fmt.Errorf("%w: %w", session.ErrTaken, err)
	}
	return got, err
}

// onStore is a mutant of the session index.
func onStore(name, doc string, wrap func(session.Store) session.Store) Mutant {
	return Mutant{Name: name, Doc: doc, Balancer: func(cfg balancer.Config, e *env.Env, p *balancer.Parts) error {
		store := p.Store
		if store == nil {
			real, err := session.NewRedis(indexOf(cfg), e.DialContext)
			if err != nil {
				return fmt.Errorf("plant %s: %w", name, err)
			}
			store = real
		}
		p.Store = wrap(store)
		return nil
	}}
}

// indexOf is the index of a balancer.
func indexOf(cfg balancer.Config) session.RedisConfig {
	return session.RedisConfig{
		Addr: cfg.Redis, Sentinels: cfg.RedisSentinels, Master: cfg.RedisMaster, Cluster: cfg.RedisCluster, Prefix: cfg.RedisKeys, Deadline: cfg.ClaimDeadline,
	}
}

// keysChanged has today's balancer write other keys than that of 2014.
func keysChanged() Mutant {
	return Mutant{Name: "keys-changed", Doc: "the new version does not read the sessions of the old one",
		Balancer: func(cfg balancer.Config, e *env.Env, p *balancer.Parts) error {
			if p.Store != nil {
				return nil // it is of 2014
			}
			index := indexOf(cfg)
			index.Prefix += "v2:"
			store, err := session.NewRedis(index, e.DialContext)
			if err != nil {
				return fmt.Errorf("plant keys-changed: %w", err)
			}
			p.Store = store
			return nil
		}}
}

// leaseByWallClock has the balancer compare a recorder's clock with its own.
func leaseByWallClock() Mutant {
	return Mutant{Name: "lease-by-wall-clock", Doc: "whether a session still waits is told by two clocks, of the recorder and of the balancer, which differ",
		Balancer: func(cfg balancer.Config, e *env.Env, _ *balancer.Parts) error {
			dialer(e, isRecorder(cfg), func(c net.Conn) net.Conn { return undated{c} })
			return nil
		}}
}

// undated is a connection to a recorder on which nobody hears how long it waits. It is
// of the older version, which tells until when.
type undated struct{ net.Conn }

func (u undated) Read(p []byte) (int, error) {
	n, err := u.Conn.Read(p)
	copy(p, bytes.ReplaceAll(p[:n], []byte(`"left_ms"`), []byte(`"gone_ms"`)))
	return n, err
}

// CloseWrite keeps half-close.
func (u undated) CloseWrite() error {
	if c, ok := u.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return u.Conn.Close()
}
