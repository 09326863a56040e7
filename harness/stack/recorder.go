package stack

import (
	"context"
	"fmt"
	"net/http"

	"deadair/balancer/env"
	"deadair/balancer/recorder"
	"deadair/harness/scenario"
	"deadair/harness/stack/legacy"
	"deadair/harness/stack/mutant"
	"deadair/harness/world"
)

// recorderPart is the recording servers.
func recorderPart() part {
	return part{
		kind: kindRecorder, serve: serveRecorder, node: recorderNode, asked: true,
		hosts: func(_ *scenario.Plan, dc scenario.Datacenter) []string { return recordersOf(dc) },
	}
}

func recordersOf(dc scenario.Datacenter) []string {
	var names []string
	for i := range dc.Recorders {
		names = append(names, recorderName(dc.Name, i))
	}
	return names
}

func recorderNode(s *Stack, dc scenario.Datacenter, name string) (*world.Node, error) {
	if s.plan.ForeignOf(kindRecorder) != nil {
		return s.foreignNode(kindRecorder, dc, name)
	}
	cfg := recorder.Config{Name: name, Datacenter: dc.Name, Capacity: dc.Capacity, Admin: adminAddr()}
	dials := append(s.publishing(&cfg), s.telling(&cfg)...)
	cfg, err := override(cfg, s.plan.System.Recorder)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	cfg = cfg.WithDefaults(name)
	if err := scale(&cfg, s.plan.Speed); err != nil {
		return nil, err
	}
	return s.node(name, kindRecorder, nodeConfig{Recorder: &cfg}, dials, IngestPort, adminPort)
}

// Publishing tells whether a recorder that runs says that it has something to publish,
// or somebody to tell of it.
func (s *Stack) Publishing(ctx context.Context) bool {
	for _, n := range s.of(kindRecorder) {
		if !s.world.Running(n.Name) {
			continue
		}
		var said struct{ Waiting, Sources, Notices int }
		if err := s.tell(ctx, http.MethodGet, n.Name, "health", nil, &said); err == nil && said.Waiting+said.Sources+said.Notices > 0 {
			return true
		}
	}
	return false
}

// publishing tells a recorder where the store and its peers are, if the plan has a
// store, and returns whom it dials for that.
func (s *Stack) publishing(cfg *recorder.Config) (dials []string) {
	if s.plan.System.Store == nil {
		return nil
	}
	at := s.at(storeHost, storePort)
	cfg.Store, cfg.StoreBucket, cfg.StoreKey, cfg.StoreSecret = "http://"+at, storeBucket, storeKey, "secret"
	dials = []string{at}
	for _, dc := range s.plan.System.Datacenters {
		for _, name := range recordersOf(dc) {
			if name == cfg.Name {
				continue
			}
			peer := recorder.Peer{Name: name, Admin: s.at(name, adminPort)}
			cfg.Peers = append(cfg.Peers, peer)
			dials = append(dials, peer.Admin)
		}
	}
	return dials
}

func serveRecorder(ctx context.Context, e env.Env) error {
	r, err := newRecorder(e)
	if err != nil {
		return err
	}
	return r.Serve(ctx)
}

// newRecorder makes the recorder that an Env configures, with what stands in for its parts.
func newRecorder(e env.Env) (*recorder.Recorder, error) {
	cfg, err := parseNode(e.Config)
	if err != nil {
		return nil, err
	}
	var parts recorder.Parts
	if err := legacy.Record(cfg.Legacy, &parts); err != nil {
		return nil, err
	}
	m, err := mutant.Named(cfg.Mutant)
	if err != nil {
		return nil, err
	}
	if m.Recorder != nil {
		m.Recorder(cfg.Recorder, &e, &parts)
	}
	return recorder.New(*cfg.Recorder, e, parts)
}
