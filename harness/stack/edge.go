package stack

import (
	"encoding/json"
	"fmt"

	"deadair/fakes/edge"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// streaming is the site of the servers that deliver shows to listeners.
const streaming = "streaming"

// edgePart is the servers that deliver shows to listeners.
func edgePart() part {
	return part{
		kind: kindEdge, serve: edge.Serve, node: edgeNode, asked: true,
		hosts: func(p *scenario.Plan, dc scenario.Datacenter) []string {
			for _, pool := range p.System.Pools() {
				if pool.In == dc.Name && pool.Site == streaming {
					return pool.Nodes
				}
			}
			return nil
		},
	}
}

func edgeNode(s *Stack, _ scenario.Datacenter, name string) (*world.Node, error) {
	cfg := edge.Config{Admin: adminAddr()}
	for _, dc := range s.plan.System.Datacenters {
		for _, r := range recordersOf(dc) {
			cfg.Recorders = append(cfg.Recorders, s.at(r, IngestPort))
		}
	}
	data, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	return &world.Node{Name: name, Kind: kindEdge, Config: data, Ports: []int{webPort, adminPort}, Dials: cfg.Recorders}, nil
}
