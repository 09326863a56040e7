package stack

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"deadair/fakes/sentinel"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// masterName is what the sentinels call the master of the index.
const masterName = "index"

// How sentinels watch: as often as real ones, and quicker to give up than their default of half a minute.
const (
	sentinelEvery     = time.Second
	sentinelDownAfter = 5 * time.Second
	sentinelDeadline  = 500 * time.Millisecond
)

// sentinelPart is the sentinels of a Redis that fails over.
func sentinelPart() part {
	hosts := func(p *scenario.Plan, dc scenario.Datacenter) (names []string) {
		for _, name := range sentinelHosts() {
			names = append(names, single(name)(p, dc)...)
		}
		return names
	}
	return part{kind: kindSentinel, serve: sentinel.Serve, hosts: hosts, node: sentinelNode}
}

// redisHosts are where there is a Redis if it fails over, the first master first.
func redisHosts() []string { return []string{redisHost, replicaHost} }

func sentinelHosts() []string { return []string{"sentinel-1", "sentinel-2", "sentinel-3"} }

// addrs are a port of hosts, as nodes are told it.
func (s *Stack) addrs(hosts []string, port uint16) []string {
	var all []string
	for _, h := range hosts {
		all = append(all, s.at(h, port))
	}
	return all
}

func sentinelNode(s *Stack, _ scenario.Datacenter, name string) (*world.Node, error) {
	peers := slices.DeleteFunc(sentinelHosts(), func(other string) bool { return other == name })
	cfg := sentinel.Config{
		Master: masterName, Servers: s.addrs(redisHosts(), redisPort), Peers: s.addrs(peers, sentinelPort),
		Every: sentinelEvery, DownAfter: sentinelDownAfter, Deadline: sentinelDeadline,
	}
	if err := scale(&cfg, s.plan.Speed); err != nil {
		return nil, err
	}
	data, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	return &world.Node{Name: name, Kind: kindSentinel, Config: data, Ports: []int{sentinelPort}, Dials: slices.Concat(cfg.Servers, cfg.Peers)}, nil
}

// index is where balancers are told that the index is: at a Redis, or where sentinels say.
func (s *Stack) index() (at string, sentinels, dials []string) {
	if s.plan.System.Replica == "" {
		at = s.at(redisHost, redisPort)
		return at, nil, []string{at}
	}
	sentinels = s.addrs(sentinelHosts(), sentinelPort)
	return "", sentinels, slices.Concat(s.addrs(redisHosts(), redisPort), sentinels)
}
