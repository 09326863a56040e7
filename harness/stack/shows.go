package stack

import (
	"context"
	"fmt"
	"sync"
	"time"

	"deadair/balancer/fleet"
	"deadair/fakes/broadcaster"
	"deadair/fakes/broadcaster/frame"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Shows are the broadcasters' shows, and their audience, while they run.
type Shows struct {
	all  sync.WaitGroup
	stop context.CancelFunc
}

// Wait returns when all shows are over.
func (s *Shows) Wait() { s.all.Wait() }

// Stop ends all shows now.
func (s *Shows) Stop() { s.stop() }

// Broadcast starts every broadcaster's show and every visitor; each waits for its own instant.
func (s *Stack) Broadcast(ctx context.Context) *Shows {
	ctx, stop := context.WithCancel(ctx)
	shows := &Shows{stop: stop}
	for _, b := range s.plan.Broadcasters {
		s.log.Add(history.Event{Node: "harness", Kind: history.HashChoice, Subject: b.Name, Peer: s.hashChoice(b)})
		shows.all.Go(func() {
			if err := s.shows[b.Name].Run(ctx); err != nil {
				s.text.Error("show ended", "broadcaster", b.Name, "err", err)
			}
		})
	}
	for _, v := range s.visitors {
		shows.all.Go(func() { v.Run(ctx) })
	}
	return shows
}

// quiet is how long an attempt that fails as one did before is only counted, in
// incident time: a client that knocks ten times a second would fill the history.
const quiet = time.Minute

// buildShow makes a broadcaster.
func (s *Stack) buildShow(b scenario.Broadcaster) (*broadcaster.Broadcaster, error) {
	cfg, err := s.showConfig(b)
	if err != nil {
		return nil, err
	}
	return broadcaster.New(cfg)
}

// showConfig configures a broadcaster. The waits of its client are scaled, its
// timeouts are not, as with every node.
func (s *Stack) showConfig(b scenario.Broadcaster) (broadcaster.Config, error) {
	kind, err := frame.OfBitrate(b.Bitrate)
	if err != nil {
		return broadcaster.Config{}, fmt.Errorf("build broadcaster %s: %w", b.Name, err)
	}
	persona, err := broadcaster.PersonaNamed(b.Persona)
	if err != nil {
		return broadcaster.Config{}, fmt.Errorf("build broadcaster %s: %w", b.Name, err)
	}
	if err := scale(&persona.Waits, s.plan.Speed); err != nil {
		return broadcaster.Config{}, err
	}
	e := s.world.Env(b.Name)
	api, err := s.buildApp(b)
	if err != nil {
		return broadcaster.Config{}, err
	}
	skew := e.Phase("show", kind.Duration()) // below a frame, so that no two act at one instant
	return broadcaster.Config{
		Name: b.Name, Account: b.Account, Password: b.Password, Mount: b.Mount,
		Kind: kind, Persona: persona, Ingest: s.plan.System.DNS.Name, Port: IngestPort,
		Resolve:  s.resolvers[resolverOf(b)].Lookup,
		Dial:     e.DialContext,
		API:      api,
		Speed:    s.plan.Speed,
		Phase:    s.clock(b.OnAir + skew),
		Duration: b.OffAir - b.OnAir,
		Observe:  s.observeShow(b.Name),
		Quiet:    s.clock(quiet),
	}, nil
}

// observeShow turns what a broadcaster tells into history.
func (s *Stack) observeShow(name string) func(broadcaster.Event) {
	kinds := map[broadcaster.Kind]history.Kind{
		broadcaster.OnAir:    history.OnAir,
		broadcaster.OffAir:   history.OffAir,
		broadcaster.Resolved: history.Resolved,
		broadcaster.Attempt:  history.Attempt,
		broadcaster.Lost:     history.Lost,
		broadcaster.GaveUp:   history.GaveUp,
	}
	return func(e broadcaster.Event) {
		h := history.Event{
			Node: name, Kind: kinds[e.Kind], Class: string(e.Class), Status: e.Status, Frame: e.Frame,
			Took: time.Duration(float64(e.Took) * s.plan.Speed), Count: e.Count,
		}
		if e.Peer.IsValid() {
			h.Peer = s.world.HostAt(e.Peer)
		}
		if len(e.Hosts) > 0 {
			h.Hosts = s.hostsAt(e.Hosts)
		}
		s.log.Add(h)
	}
}

// hashChoice is the recorder that a broadcaster's mount hashes to, with every
// recorder up and empty.
func (s *Stack) hashChoice(b scenario.Broadcaster) string {
	var view []fleet.Status
	for _, dc := range s.plan.System.Datacenters {
		for i := range dc.Recorders {
			r := fleet.Recorder{Name: recorderName(dc.Name, i), Datacenter: dc.Name}
			view = append(view, fleet.Status{Recorder: r, State: fleet.Up, Capacity: dc.Capacity})
		}
	}
	return fleet.Choose(view, []string{b.Nearest}, b.Mount)[0].Name
}
