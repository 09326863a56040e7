package stack

import (
	"context"
	"fmt"

	"deadair/balancer"
	"deadair/balancer/env"
	"deadair/balancer/fleet"
	"deadair/fakes/accounts"
	"deadair/fakes/broadcaster"
	"deadair/harness/scenario"
	"deadair/harness/stack/legacy"
	"deadair/harness/stack/mutant"
	"deadair/harness/world"
)

// balancerPart is the balancers.
func balancerPart() part {
	return part{
		kind: kindBalancer, serve: serveBalancer, node: balancerNode, asked: true,
		hosts: func(_ *scenario.Plan, dc scenario.Datacenter) []string {
			var names []string
			for i := range dc.Balancers {
				names = append(names, balancerName(dc.Name, i))
			}
			return names
		},
	}
}

func balancerNode(s *Stack, dc scenario.Datacenter, name string) (*world.Node, error) {
	if s.plan.ForeignOf(kindBalancer) != nil {
		return s.foreignNode(kindBalancer, dc, name)
	}
	at, sentinels, dials := s.index()
	cfg := balancer.Config{
		Name: name, Datacenter: dc.Name, Admin: adminAddr(),
		Redis: at, RedisSentinels: sentinels, RedisKeys: s.keysBegin(),
		Near: scenario.Nearness(dc.Place, s.plan.System.Datacenters),

		DNSTTL: s.plan.System.DNS.TTL, CheckInterval: s.plan.System.DNS.Interval, CheckThreshold: s.plan.System.DNS.Threshold,
	}
	if sentinels != nil {
		cfg.RedisMaster = masterName
	}
	if s.plan.System.Old > 0 {
		cfg.Rollout = balancer.Rollout{OwnApps: []string{broadcaster.AppAgent}, Routes: []balancer.Route{{To: scenario.OldRecorders}}}
	}
	if s.plan.System.Accounts == "" {
		cfg.Accounts = s.passwords()
	} else {
		cfg.Auth.URL = "http://" + s.at(accountsHost, accountsPort) + accounts.Path
		dials = append(dials, s.at(accountsHost, accountsPort))
	}
	for _, other := range s.plan.System.Datacenters {
		for i := range other.Recorders {
			r := fleet.Recorder{Name: recorderName(other.Name, i), Datacenter: other.Name}
			r.Generation = s.plan.System.Generation(r.Name)
			r.Addr, r.Admin = s.at(r.Name, IngestPort), s.at(r.Name, adminPort)
			cfg.Recorders = append(cfg.Recorders, r)
			dials = append(dials, r.Addr, r.Admin)
		}
		for i := range other.Balancers {
			if balancerName(other.Name, i) == name {
				continue
			}
			p := fleet.Peer{Name: balancerName(other.Name, i), Datacenter: other.Name}
			p.Addr, p.Admin = s.at(p.Name, IngestPort), s.at(p.Name, adminPort)
			cfg.Peers = append(cfg.Peers, p)
			dials = append(dials, p.Addr, p.Admin)
		}
	}
	cfg, err := override(cfg, s.plan.System.Balancer)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	cfg = cfg.WithDefaults(name)
	if err := scale(&cfg, s.plan.Speed); err != nil {
		return nil, err
	}
	return s.node(name, kindBalancer, nodeConfig{Balancer: &cfg, Secure: s.plan.Secure()}, dials, IngestPort, adminPort, ShoutcastPort)
}

func serveBalancer(ctx context.Context, e env.Env) error {
	b, err := newBalancer(ctx, e)
	if err != nil {
		return err
	}
	return b.Serve(ctx)
}

// newBalancer makes the balancer that an Env configures, with what stands in for its parts.
func newBalancer(ctx context.Context, e env.Env) (*balancer.Balancer, error) {
	cfg, err := parseNode(e.Config)
	if err != nil {
		return nil, err
	}
	var parts balancer.Parts
	if err := legacy.Install(ctx, cfg.Legacy, *cfg.Balancer, e, &parts); err != nil {
		return nil, err
	}
	m, err := mutant.Named(cfg.Mutant)
	if err != nil {
		return nil, err
	}
	if m.Balancer != nil {
		if err := m.Balancer(*cfg.Balancer, &e, &parts); err != nil {
			return nil, err
		}
	}
	if !cfg.Secure {
		return balancer.New(*cfg.Balancer, e, parts)
	}
	files, remove, err := certify()
	if err != nil {
		return nil, err
	}
	defer remove()
	cfg.Balancer.TLS = files
	return balancer.New(*cfg.Balancer, e, parts)
}
