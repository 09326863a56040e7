package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"deadair/fakes/audience"
	"deadair/fakes/edge"
	"deadair/fakes/web"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// webPart is the servers of the website and of the API.
func webPart() part {
	return part{
		kind: kindWeb, serve: web.Serve, node: webNode, asked: true,
		hosts: func(p *scenario.Plan, dc scenario.Datacenter) []string {
			var names []string
			for _, pool := range p.System.Pools() {
				if pool.In == dc.Name && pool.Site != streaming {
					names = append(names, pool.Nodes...)
				}
			}
			return names
		},
	}
}

func webNode(s *Stack, _ scenario.Datacenter, name string) (*world.Node, error) {
	pools := s.plan.System.Pools()
	of := slices.IndexFunc(pools, func(p scenario.Pool) bool { return slices.Contains(p.Nodes, name) })
	cfg := web.Config{Pool: pools[of].Site, Ingest: fmt.Sprintf("%s:%d", s.plan.System.DNS.Name, IngestPort), Floor: s.plan.System.Web.Floor, Admin: adminAddr()}
	data, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	ports := []int{webPort, adminPort}
	if cfg.Floor != "" {
		ports = append(ports, webSecurePort)
	}
	return &world.Node{Name: name, Kind: kindWeb, Config: data, Ports: ports}, nil
}

// What visitors do, besides what a plan says.
const (
	visitPatience = 30 * time.Second // until a person gives a page up; it is not scaled
	visitQuiet    = 10 * time.Second // how long requests that succeed are only counted, in incident time
)

// guest is somebody outside who does what visitors do.
type guest interface{ Run(ctx context.Context) }

// buildVisitors makes the visitors, and the listeners among them.
func (s *Stack) buildVisitors() error {
	for _, v := range s.plan.Visitors {
		e := s.world.Env(v.Name)
		ways := audience.Ways{Resolve: s.resolvers[resolverSpec{place: v.From, kind: v.Resolver}].Lookup, Dial: e.DialContext}
		var one guest
		var err error
		if v.Ask == streaming {
			one, err = s.buildListener(v, ways, e.Phase("listens", s.clock(listenSpread)))
		} else {
			every := s.clock(v.Every)
			phase := e.Phase("visits", every)
			one, err = audience.NewVisitor(audience.VisitorConfig{
				Ways: ways, Asks: []audience.Ask{asked(v)}, Every: every, Phase: phase,
				Duration: max(s.clock(s.plan.End)-phase, 1), Patience: visitPatience,
				Quiet: s.clock(visitQuiet), Observe: s.observeRequests(v.Name),
			})
		}
		if err != nil {
			return fmt.Errorf("build visitor %s: %w", v.Name, err)
		}
		s.visitors = append(s.visitors, one)
	}
	return nil
}

// What listeners do, besides what a plan says. How long a player waits for an answer is
// not scaled. How long it lets a connection be silent is, as far as the servers' own
// bursts, which are not, allow.
const (
	listenAfter    = 5 * time.Second // a show's begin until they come, in incident time
	listenSpread   = 5 * time.Second // until the last of them has come
	listenPatience = 5 * time.Second
	listenSilence  = 10 * time.Second
	listenBursts   = 3 * time.Second
	listenRetry    = 5 * time.Second
	listenTell     = time.Minute // how often is told what they hear
)

func (s *Stack) buildListener(v scenario.Visitor, ways audience.Ways, phase time.Duration) (guest, error) {
	on, off := s.airtime(v.Mount)
	phase += s.clock(on)
	return audience.NewListener(audience.ListenerConfig{
		Ways: ways, Ask: asked(v), Stay: s.clock(v.Every), Phase: phase, Duration: max(s.clock(off)-phase, 1),
		Patience: listenPatience, Silence: max(s.clock(listenSilence), listenBursts), Retry: s.clock(listenRetry), Tell: s.clock(listenTell),
		Observe: s.observeRequests(v.Name), Hear: s.observeHeard(v.Name),
	})
}

// airtime is when there is something to listen to at a mount.
func (s *Stack) airtime(mount string) (from, to time.Duration) {
	for _, b := range s.plan.Broadcasters {
		if b.Mount == mount {
			return b.OnAir + listenAfter, b.OffAir
		}
	}
	return 0, s.plan.End
}

// asked is what a visitor asks, and where.
func asked(v scenario.Visitor) audience.Ask {
	a := audience.Ask{Site: v.Site, Port: webPort, Path: web.PagePath, How: v.Speak, Second: v.Second}
	if v.Speak != "" {
		a.Port = webSecurePort
	}
	switch v.Ask {
	case "api":
		a.Path = web.IngestPath
	case streaming:
		a.Path = edge.LivePath + v.Mount
	case "ingest":
		a.Port, a.Path = IngestPort, "/health"
	}
	return a
}

// observeRequests turns what a visitor, or an app, tells into history.
func (s *Stack) observeRequests(name string) func(audience.Request) {
	return func(r audience.Request) {
		e := history.Event{
			Node: name, Kind: history.Requested, Subject: r.Site, Class: string(r.Class), Count: r.Count,
			Took: time.Duration(float64(r.Took) * s.plan.Speed),
		}
		if r.Class != audience.OK {
			e.Status = r.Status
		}
		if r.Peer.IsValid() {
			e.Peer = s.world.HostAt(r.Peer)
		}
		s.log.Add(e)
	}
}

// observeHeard turns what a listener hears into history.
func (s *Stack) observeHeard(name string) func(audience.Heard) {
	return func(h audience.Heard) {
		e := history.Event{
			Node: name, Kind: history.Listened, OK: h.Sound, Class: string(h.Class), Took: time.Duration(float64(h.Took) * s.plan.Speed),
		}
		if h.Class != audience.OK {
			e.Status = h.Status
		}
		if h.Peer.IsValid() {
			e.Peer = s.world.HostAt(h.Peer)
		}
		if h.Ago > 0 {
			e.At = s.now() - time.Duration(float64(h.Ago)*s.plan.Speed)
		}
		s.log.Add(e)
	}
}
