package stack

import (
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
	listenAfter   = 5 * time.Second  // a show's begin until listeners come, in incident time
	visitQuiet    = 10 * time.Second // how long requests that succeed are only counted, in incident time
)

// buildVisitors makes the visitors.
func (s *Stack) buildVisitors() error {
	for _, v := range s.plan.Visitors {
		e := s.world.Env(v.Name)
		every := s.clock(v.Every)
		phase := e.Phase("visits", every)
		until := s.clock(s.plan.End)
		if v.Ask == streaming {
			on, off := s.airtime(v.Mount)
			phase, until = phase+s.clock(on), s.clock(off)
		}
		one, err := audience.NewVisitor(audience.VisitorConfig{
			Ways: audience.Ways{Resolve: s.resolvers[resolverSpec{place: v.From, kind: v.Resolver}].Lookup, Dial: e.DialContext},
			Asks: []audience.Ask{asked(v)}, Every: every, Phase: phase,
			Duration: max(until-phase, 1), Patience: visitPatience,
			Quiet: s.clock(visitQuiet), Observe: s.observeVisitor(v.Name),
		})
		if err != nil {
			return fmt.Errorf("build visitor %s: %w", v.Name, err)
		}
		s.visitors = append(s.visitors, one)
	}
	return nil
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

// observeVisitor turns what a visitor tells into history.
func (s *Stack) observeVisitor(name string) func(audience.Request) {
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
