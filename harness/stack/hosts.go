package stack

import (
	"fmt"
	"slices"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// Hosts that are not numbered.
const (
	redisHost    = "redis"
	replicaHost  = "redis-2"
	accountsHost = "accounts"
	storeHost    = "store"
	mailHost     = "mail"
	dnsHost      = "dns"
	operatorHost = "operator"
)

// Ports of the nodes. Encoders expect SHOUTcast one above the port that they are told.
const (
	IngestPort    = 8000 // where balancers and recorders take sources
	ShoutcastPort = 8001 // where balancers take those by SHOUTcast v1
)

// Other ports of the nodes.
const (
	adminPort    = 8002
	redisPort    = 6379
	sentinelPort = 26379
	accountsPort = 8080
	storePort    = 9000
	mailPort     = 25
	dnsPort      = 53
	webPort      = 80

	webSecurePort = 443
)

// Hosts lists the machines of a plan, in an order that depends on the plan alone.
func Hosts(p *scenario.Plan) []world.Host {
	var all []world.Host
	for _, part := range parts() {
		for _, dc := range p.System.Datacenters {
			for _, name := range part.hosts(p, dc) {
				all = append(all, world.Host{Name: name, Place: dc.Place})
			}
		}
	}
	home := p.System.Datacenters[0].Place
	all = append(all, world.Host{Name: dnsHost, Place: home}, world.Host{Name: operatorHost, Place: home})
	for _, pool := range p.System.Pools() {
		all = append(all, world.Host{Name: zoneHost(pool), Place: home})
		if pool.Second != "" {
			all = append(all, world.Host{Name: secondHost(pool), Place: home})
		}
	}
	for i := range p.System.DNS.Checkers {
		all = append(all, world.Host{Name: checkerName(i), Place: checkerPlaces()[i%len(checkerPlaces())]})
	}
	for _, r := range resolversOf(p) {
		all = append(all, world.Host{Name: r.host(), Place: r.place})
	}
	for _, b := range p.Broadcasters {
		all = append(all, world.Host{Name: b.Name, Place: b.From})
	}
	for _, v := range p.Visitors {
		all = append(all, world.Host{Name: v.Name, Place: v.From})
	}
	for _, w := range witnessed(p) {
		all = append(all, world.Host{Name: witnessName(w), Place: placeOf(p, w)})
	}
	return all
}

// Machines tells the datacenter of each host that is a node's, by name. The harness plays the others.
func Machines(p *scenario.Plan) map[string]string {
	all := map[string]string{}
	for _, part := range parts() {
		for _, dc := range p.System.Datacenters {
			for _, name := range part.hosts(p, dc) {
				all[name] = dc.Name
			}
		}
	}
	if p.RedisKind() == scenario.RedisForeign {
		delete(all, redisHost) // a gateway of the harness stands there
	}
	return all
}

func balancerName(dc string, i int) string { return fmt.Sprintf("%s/balancer-%d", dc, i+1) }
func recorderName(dc string, i int) string { return fmt.Sprintf("%s/recorder-%d", dc, i+1) }
func checkerName(i int) string             { return fmt.Sprintf("checker-%02d", i+1) }

// witnessName is the host from which the harness itself asks what a node could
// reach: a machine beside the node, on the same links, with connections of its own.
func witnessName(node string) string { return node + "+witness" }

// checkerPlaces are where health checkers stand, round the world.
func checkerPlaces() []string {
	return []string{"Virginia", "Oregon", "Ireland", "Sao Paulo", "Tokyo", "Sydney", "Frankfurt", "Mumbai"}
}

// placeOf is the place of a node's datacenter.
func placeOf(p *scenario.Plan, node string) string {
	for _, dc := range p.System.Datacenters {
		if len(node) > len(dc.Name) && node[:len(dc.Name)+1] == dc.Name+"/" {
			return dc.Place
		}
	}
	return p.System.Datacenters[0].Place
}

// witnessed lists the balancers whose way to Redis a step breaks; all of them if
// one is on Redis itself.
func witnessed(p *scenario.Plan) []string {
	var all []string
	for _, s := range p.Steps {
		if slices.Contains(s.To, redisHost) {
			all = append(all, s.From...)
		}
		if slices.Contains(s.Nodes, redisHost) {
			all = append(all, balancersOf(p)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func balancersOf(p *scenario.Plan) []string {
	var all []string
	for _, dc := range p.System.Datacenters {
		for i := range dc.Balancers {
			all = append(all, balancerName(dc.Name, i))
		}
	}
	return all
}

// zoneHost is where DNS answers for the name of a pool.
func zoneHost(p scenario.Pool) string { return dnsHost + "/" + p.Site }

// secondHost is where DNS answers for the second name of a pool.
func secondHost(p scenario.Pool) string { return zoneHost(p) + "/second" }

// resolverSpec is one caching resolver, shared by the people of a place: of its own,
// or of another one.
type resolverSpec struct {
	place, kind string
	of          string // the people's place; "": its own
	hidden      bool   // it does not tell DNS who asks
}

func (r resolverSpec) host() string {
	name := "resolver/" + r.place + "/" + r.kind
	if r.of != "" {
		name += "/of " + r.of
	}
	if r.hidden {
		name += "/hidden"
	}
	return name
}

// resolverOf is a broadcaster's resolver.
func resolverOf(b scenario.Broadcaster) resolverSpec {
	r := resolverSpec{place: b.From, kind: b.Resolver, hidden: b.Hidden}
	if b.AsksFrom != "" && b.AsksFrom != b.From {
		r.place, r.of = b.AsksFrom, b.From
	}
	return r
}

func resolversOf(p *scenario.Plan) []resolverSpec {
	var all []resolverSpec
	add := func(r resolverSpec) {
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	for _, b := range p.Broadcasters {
		add(resolverOf(b))
	}
	for _, v := range p.Visitors {
		add(resolverSpec{place: v.From, kind: v.Resolver})
	}
	return all
}
