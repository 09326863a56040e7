package scenario

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Counts and times of the presets.
const (
	presetBalancers   = 2
	presetRecorders   = 3
	presetCapacity    = 20
	presetTTL         = 10 * time.Second
	presetCheckers    = 16
	presetInterval    = 10 * time.Second
	presetThreshold   = 3
	presetPropagation = 2 * time.Second
	dnsName           = "ingest.deadair.test"
)

// presets lists the named infrastructures.
func presets() []string { return []string{"three-datacenters", "two-datacenters"} }

// presetSites are the sites of July 2014, or the first two of them, which cost a third less to run.
func presetSites(preset string) []Datacenter {
	sites := []Datacenter{
		{Name: "eu-west", Place: "Ireland"},
		{Name: "us-east", Place: "Virginia"},
		{Name: "us-west", Place: "Oregon"},
	}
	if preset == "two-datacenters" {
		return sites[:2]
	}
	return sites
}

// over is the spec with every field that the other one sets taken from there.
func (s SystemSpec) over(o SystemSpec) SystemSpec {
	if o.Line > 0 {
		s.Pos = o.Pos
	}
	if o.Preset.Value != "" {
		s.Preset, s.Datacenters = o.Preset, nil
	}
	if o.Datacenters != nil {
		s.Datacenters, s.Preset = o.Datacenters, o.Preset
	}
	s.Balancers, s.Recorders, s.Capacity = first(o.Balancers, s.Balancers), first(o.Recorders, s.Recorders), first(o.Capacity, s.Capacity)
	s.Old = first(o.Old, s.Old)
	if o.Redis.Value != "" {
		s.Redis = o.Redis
	}
	if o.Replica.Value != "" {
		s.Replica = o.Replica
	}
	if o.Accounts.Value != "" {
		s.Accounts = o.Accounts
	}
	s.Store, s.Mail = first(o.Store, s.Store), first(o.Mail, s.Mail)
	s.Web = s.Web.over(o.Web)
	at := s.DNS.Pos
	if o.DNS.Line > 0 {
		at = o.DNS.Pos
	}
	s.DNS = DNSSpec{
		Pos:         at,
		TTL:         first(o.DNS.TTL, s.DNS.TTL),
		Checkers:    first(o.DNS.Checkers, s.DNS.Checkers),
		Interval:    first(o.DNS.Interval, s.DNS.Interval),
		Threshold:   first(o.DNS.Threshold, s.DNS.Threshold),
		Propagation: first(o.DNS.Propagation, s.DNS.Propagation),
		Latency:     s.DNS.Latency,
	}
	if o.DNS.Latency != nil {
		s.DNS.Latency = o.DNS.Latency
	}
	s.Balancer, s.Recorder = s.Balancer.over(o.Balancer), s.Recorder.over(o.Recorder)
	return s
}

func (s Settings) over(o Settings) Settings {
	if len(s)+len(o) == 0 {
		return nil
	}
	merged := Settings{}
	maps.Copy(merged, s)
	maps.Copy(merged, o)
	return merged
}

// values are the settings without their places.
func (s Settings) values() map[string]any {
	if s == nil {
		return nil
	}
	all := map[string]any{}
	for key, one := range s {
		all[key] = one.Value
	}
	return all
}

// first is the first pointer that is set.
func first[T any](ps ...*T) *T {
	for _, p := range ps {
		if p != nil {
			return p
		}
	}
	return nil
}

// or is the value behind p, or a default.
func or[T any](p *T, d T) T {
	if p == nil {
		return d
	}
	return *p
}

// system builds the infrastructure that a spec describes.
func (b *builder) system(s SystemSpec) System {
	sites := b.sites(s)
	sys := System{Datacenters: sites, Old: b.old(s, sites), DNS: b.dns(s.DNS, sites), Balancer: s.Balancer.values(), Recorder: s.Recorder.values()}
	var names []string
	for _, dc := range sys.Datacenters {
		names = append(names, dc.Name)
	}
	sys.Redis = s.Redis.Value
	switch {
	case sys.Redis == "" && slices.Contains(names, "us-east"):
		sys.Redis = "us-east"
	case sys.Redis == "" && len(names) > 0:
		sys.Redis = names[0]
	case !slices.Contains(names, sys.Redis):
		b.add(s.Redis.Pos, "unknown datacenter %q%s", sys.Redis, Meant(sys.Redis, names))
	}
	if s.Replica.Value != "" {
		sys.Replica = b.standing(s.Replica, names)
		if slices.ContainsFunc(b.variant.Legacy, func(n Name) bool { return n.Value == "redis-client" }) {
			b.add(s.Replica.Pos, "redis-client of 2014 knows no sentinels: leave redis-replica or it out")
		}
	}
	if s.Accounts.Value != "" {
		sys.Accounts = b.standing(s.Accounts, names)
	}
	if s.Store != nil {
		sys.Store = &Store{In: b.standing(s.Store.In, names)}
	}
	if s.Mail != nil {
		sys.Mail = &Mail{In: b.standing(s.Mail.In, names)}
		if s.Store == nil {
			b.add(s.Mail.Pos, `there is nothing to tell of: give the system a store, such as store: {in: us-east}`)
		}
	}
	sys.Web = b.web(s.Web, names)
	return sys
}

// standing is a datacenter by its name, where a server stands.
func (b *builder) standing(in Name, names []string) string {
	if !slices.Contains(names, in.Value) {
		b.add(in.Pos, "unknown datacenter %q%s", in.Value, Meant(in.Value, names))
	}
	return in.Value
}

func (b *builder) sites(s SystemSpec) []Datacenter {
	if s.Datacenters != nil && s.Preset.Value != "" {
		b.add(s.Preset.Pos, `"preset" and "datacenters" exclude each other`)
	}
	if p := s.Preset; p.Value != "" && !slices.Contains(presets(), p.Value) {
		b.add(p.Pos, "unknown preset %q%s", p.Value, Meant(p.Value, presets()))
	}
	sites := presetSites(s.Preset.Value)
	specs := make([]DatacenterSpec, len(sites))
	if s.Datacenters != nil {
		sites, specs = b.namedSites(s.Datacenters), s.Datacenters
	}
	for i := range sites {
		at := specs[i].Name.Pos
		if at.Line == 0 {
			at = s.Pos
		}
		sites[i].Balancers = b.within(at, "balancers", or(first(specs[i].Balancers, s.Balancers), presetBalancers), 1, 16)
		sites[i].Recorders = b.within(at, "recorders", or(first(specs[i].Recorders, s.Recorders), presetRecorders), 1, 32)
		sites[i].Capacity = b.within(at, "capacity", or(first(specs[i].Capacity, s.Capacity), presetCapacity), 1, 10_000)
	}
	return sites
}

func (b *builder) namedSites(specs []DatacenterSpec) []Datacenter {
	if len(specs) == 0 || len(specs) > 10 {
		b.add(Pos{1, 1}, "%d datacenters: from 1 to 10", len(specs))
	}
	var sites []Datacenter
	for _, d := range specs {
		if !groupName.MatchString(d.Name.Value) || slices.Contains(reserved(), d.Name.Value) {
			b.add(d.Name.Pos, "%q is no name for a datacenter: small letters, digits and dashes", clip(d.Name.Value))
		}
		if slices.ContainsFunc(sites, func(s Datacenter) bool { return s.Name == d.Name.Value }) {
			b.add(d.Name.Pos, "there is a datacenter %q already", d.Name.Value)
		}
		if _, ok := placeNamed(d.Place.Value); !ok {
			b.add(d.Place.Pos, "unknown place %q%s", d.Place.Value, Meant(d.Place.Value, placeNames()))
		}
		sites = append(sites, Datacenter{Name: d.Name.Value, Place: d.Place.Value})
	}
	return sites
}

func (b *builder) dns(s DNSSpec, sites []Datacenter) DNS {
	d := DNS{
		Name:        dnsName,
		TTL:         time.Duration(or(s.TTL, Duration(presetTTL))),
		Checkers:    b.within(s.Pos, "checkers", or(s.Checkers, presetCheckers), 1, 16),
		Interval:    time.Duration(or(s.Interval, Duration(presetInterval))),
		Threshold:   b.within(s.Pos, "threshold", or(s.Threshold, presetThreshold), 1, 10),
		Propagation: time.Duration(or(s.Propagation, Duration(presetPropagation))),
		Latency:     b.latency(s.Latency, sites),
	}
	if d.TTL < time.Second || d.TTL > 24*time.Hour || d.TTL%time.Second != 0 {
		b.add(s.Pos, "ttl is %v: whole seconds from 1s to 24h", d.TTL)
	}
	if d.Interval < time.Second || d.Interval > time.Hour {
		b.add(s.Pos, "interval is %v: from 1s to 1h", d.Interval)
	}
	if d.Propagation > 10*time.Minute {
		b.add(s.Pos, "propagation is %v: up to 10m", d.Propagation)
	}
	return d
}

// within returns v, and tells when it is out of range.
func (b *builder) within(at Pos, what string, v, low, high int) int {
	if v < low || v > high {
		b.add(at, "%s is %d: from %d to %d", what, v, low, high)
		return low
	}
	return v
}

// nodesOf names a datacenter's servers, balancers first.
func (dc Datacenter) nodesOf() []string {
	var names []string
	for i := range dc.Balancers {
		names = append(names, fmt.Sprintf("%s/balancer-%d", dc.Name, i+1))
	}
	for i := range dc.Recorders {
		names = append(names, fmt.Sprintf("%s/recorder-%d", dc.Name, i+1))
	}
	return names
}
