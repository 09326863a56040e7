package stack

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"deadair/fakes/resolver"
	"deadair/fakes/route53"
	"deadair/fakes/web"
	"deadair/harness/scenario"
	"deadair/harness/stack/mutant"
)

// buildZones builds the hosted zone of ingest, and one for each name beside it.
func (s *Stack) buildZones() (err error) {
	cfg := s.zoneConfig(s.plan.System.DNS.Name, dnsHost)
	cfg.Observe = s.observeDNS("")
	for _, dc := range s.plan.System.Datacenters {
		region := route53.Region{Name: dc.Name, Place: dc.Place}
		for i := range dc.Balancers {
			name := balancerName(dc.Name, i)
			region.Records = append(region.Records, route53.Record{Host: name, Addr: s.world.Addr(name), HealthPort: IngestPort, HealthPath: s.healthPath()})
		}
		cfg.Regions = append(cfg.Regions, region)
	}
	if s.dns, err = s.newZone(cfg); err != nil {
		return err
	}
	for _, p := range s.plan.System.Pools() {
		z, err := s.newZone(s.poolZone(p, p.Name, zoneHost(p)))
		if err != nil {
			return err
		}
		s.zones, s.sites[p.Site] = append(s.zones, z), z
		if p.Second == "" {
			continue
		}
		if z, err = s.newZone(s.poolZone(p, p.Second, secondHost(p))); err != nil {
			return err
		}
		s.zones = append(s.zones, z)
	}
	return nil
}

// Spoil has a share of the questions about a site's name, 0 to 1, treated by a mode; the
// second name's zone is another one.
func (s *Stack) Spoil(site string, mode route53.Mode, share float64) error {
	z := s.sites[site]
	if z == nil {
		return fmt.Errorf("there is no name of %s", site)
	}
	return z.Answer(mode, share)
}

// Spoilt is how many questions about a site's name were treated so since.
func (s *Stack) Spoilt(site string) int { return s.sites[site].Spoilt() }

// probes is how often all health checkers have looked.
func (s *Stack) probes() int64 {
	n := s.dns.Probes()
	for _, z := range s.zones {
		n += z.Probes()
	}
	return n
}

// poolZone configures the zone of a pool: all of its servers, in one place.
func (s *Stack) poolZone(p scenario.Pool, name, host string) route53.Config {
	cfg := s.zoneConfig(name, host)
	cfg.Observe = s.observeDNS(name)
	region := route53.Region{Name: p.In, Place: placeOf(s.plan, p.Nodes[0])}
	for _, name := range p.Nodes {
		region.Records = append(region.Records, route53.Record{
			Host: name, Addr: s.world.Addr(name), HealthPort: webPort, HealthPath: web.HealthPath, Shallow: s.plan.System.Web.Check == "tcp",
		})
	}
	cfg.Regions = []route53.Region{region}
	return cfg
}

// zoneConfig is what all zones have alike. Their waits are scaled here, for they are
// no nodes and take their own Config; their timeouts are not.
func (s *Stack) zoneConfig(name, host string) route53.Config {
	d := s.plan.System.DNS
	cfg := route53.Config{
		Name:        name,
		TTL:         d.TTL,
		Interval:    s.clock(d.Interval),
		Threshold:   d.Threshold,
		VoteEvery:   s.clock(s.plan.Timing.VoteEvery),
		Propagation: s.clock(d.Propagation),
		Latency:     s.latency(),
		Env:         s.world.Env(host),
	}
	for i := range d.Checkers {
		cfg.Checkers = append(cfg.Checkers, route53.Checker{Name: checkerName(i), Env: s.world.Env(checkerName(i))})
	}
	return cfg
}

// newZone makes a zone, with what is broken in it on purpose.
func (s *Stack) newZone(cfg route53.Config) (*route53.Server, error) {
	m, err := mutant.Named(s.plan.Mutant)
	if err != nil {
		return nil, err
	}
	if m.Zone != nil {
		m.Zone(&cfg)
	}
	z, err := route53.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("build the zone of %s: %w", cfg.Name, err)
	}
	return z, nil
}

// latency is the map of the world as the zone knows it: every resolver by its
// address, every place's round trip to each region.
func (s *Stack) latency() route53.Latency {
	l := route53.Latency{RTT: map[string]map[string]time.Duration{}}
	add := func(place string) {
		to := map[string]time.Duration{}
		for _, dc := range s.plan.System.Datacenters {
			to[dc.Name] = s.plan.System.Measured(place, dc)
		}
		l.RTT[place] = to
	}
	for _, dc := range s.plan.System.Datacenters {
		add(dc.Place)
	}
	machines := Machines(s.plan)
	for _, h := range Hosts(s.plan) {
		if machines[h.Name] != "" { // where nodes have systems of their own, those ask too
			addr := s.world.Addr(h.Name)
			l.Subnets = append(l.Subnets, route53.Subnet{Prefix: netip.PrefixFrom(addr, addr.BitLen()), Place: h.Place})
		}
	}
	for _, r := range resolversOf(s.plan) {
		add(r.place)
		addr := s.world.Addr(r.host())
		l.Subnets = append(l.Subnets, route53.Subnet{Prefix: netip.PrefixFrom(addr, addr.BitLen()), Place: r.place})
		if r.of != "" && !r.hidden {
			add(r.of)
			l.Subnets = append(l.Subnets, route53.Subnet{Prefix: s.subnet(r), Place: r.of})
		}
	}
	return l
}

// servers are where each name is answered, by the name.
func (s *Stack) servers() map[string]netip.AddrPort {
	at := func(host string) netip.AddrPort { return netip.AddrPortFrom(s.world.Addr(host), dnsPort) }
	all := map[string]netip.AddrPort{s.plan.System.DNS.Name: at(dnsHost)}
	for _, p := range s.plan.System.Pools() {
		all[p.Name] = at(zoneHost(p))
		if p.Second != "" {
			all[p.Second] = at(secondHost(p))
		}
	}
	return all
}

// resolvers builds the caching resolver of each place.
func (s *Stack) buildResolvers() error {
	server := s.at(dnsHost, dnsPort)
	var zones []resolver.Zone
	for _, p := range s.plan.System.Pools() {
		zones = append(zones, resolver.Zone{Name: p.Name, Server: s.at(zoneHost(p), dnsPort)})
		if p.Second != "" {
			zones = append(zones, resolver.Zone{Name: p.Second, Server: s.at(secondHost(p), dnsPort)})
		}
	}
	for _, r := range resolversOf(s.plan) {
		e := s.world.Env(r.host())
		cfg := resolver.Config{
			Server: server, Zones: zones,
			Dial:   e.DialContext,
			Speed:  s.plan.Speed,
			Subnet: s.subnet(r),
			Rand:   e.Rand("resolver"),
		}
		var err error
		if cfg.Mode, cfg.ClampTo, err = resolver.ParseMode(r.kind); err != nil {
			return fmt.Errorf("build resolver %s: %w", r.host(), err)
		}
		if s.resolvers[r], err = resolver.New(cfg); err != nil {
			return fmt.Errorf("build resolver %s: %w", r.host(), err)
		}
	}
	return nil
}

// subnet is what a resolver tells DNS about who asks: nothing, its own address, or
// that of one of its people elsewhere.
func (s *Stack) subnet(r resolverSpec) netip.Prefix {
	addr := s.world.Addr(r.host())
	for _, b := range s.plan.Broadcasters {
		if r.of != "" && resolverOf(b) == r {
			addr = s.world.Addr(b.Name)
			break
		}
	}
	if r.hidden {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(addr, addr.BitLen())
}

// answering tells whether DNS names every balancer of its own region everywhere.
func (s *Stack) answering() (missing string) {
	for _, a := range s.dns.Answers() {
		for _, n := range s.of(kindBalancer) {
			if datacenterOf(n.Name) == a.Region && !slices.Contains(a.Hosts, n.Name) {
				return "DNS does not name " + n.Name
			}
		}
	}
	return ""
}
