// Package legacy holds what stood in the servers of 2014 and is no longer in
// ours: a Redis client that goes stale, a health check that does not look, and mails
// that nobody looks at. They are put in place through the servers' own seams, so that
// a replay can show the system as it was.
//
// What the sources document is that the client had a "stale reconnection issue"
// and that the check was OK while nothing was routed. How they did it inside is
// modelled on known defects of that time, and every scenario that uses it says so.
package legacy

import (
	"context"
	"fmt"
	"slices"

	"deadair/balancer"
	"deadair/balancer/env"
	"deadair/balancer/recorder"
	"deadair/balancer/recorder/notice"
	"deadair/balancer/session"
	"deadair/harness/scenario"
)

// Names of what a variant can bring back.
const (
	RedisClient = "redis-client"
	HealthCheck = "health-check"
	Unread      = "unread-mails"
)

// Names lists the table.
func Names() []string { return []string{HealthCheck, RedisClient, Unread} }

// Known tells whether a piece is in the table.
func Known(name string) error {
	if slices.Contains(Names(), name) {
		return nil
	}
	return fmt.Errorf("nothing named %q stood in the servers of 2014%s", name, scenario.Meant(name, Names()))
}

// Record puts the named pieces into a recorder's parts.
func Record(names []string, parts *recorder.Parts) error {
	for _, n := range names {
		if n == Unread {
			parts.Guard = func(notice.Mail, notice.Notice) error { return nil }
			continue
		}
		if err := Known(n); err != nil {
			return err
		}
	}
	return nil
}

// Install puts the named pieces into a balancer's parts. They end with ctx.
func Install(ctx context.Context, names []string, cfg balancer.Config, e env.Env, parts *balancer.Parts) error {
	for _, n := range names {
		switch n {
		case RedisClient:
			store, err := session.NewOver(session.RedisConfig{Addr: cfg.Redis, Prefix: cfg.RedisKeys}, newClient(ctx, cfg.Redis, e.DialContext))
			if err != nil {
				return fmt.Errorf("install %s: %w", n, err)
			}
			parts.Store = store
		case HealthCheck:
			parts.Health = alive{}
		default:
			if err := Known(n); err != nil {
				return err
			}
		}
	}
	return nil
}
