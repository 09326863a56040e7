package stack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"deadair/balancer"
	"deadair/balancer/recorder"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// nodeConfig is what a node is given: its own configuration, and what stands in
// for parts of it.
type nodeConfig struct {
	Balancer *balancer.Config `json:"balancer,omitempty"`
	Recorder *recorder.Config `json:"recorder,omitempty"`
	Legacy   []string         `json:"legacy,omitempty"`
	Mutant   string           `json:"mutant,omitempty"`
	Secure   bool             `json:"secure,omitempty"` // a certificate of its own is made for it
}

// node puts a node's definition together.
func (s *Stack) node(name, kind string, cfg nodeConfig, dials []string, ports ...int) (*world.Node, error) {
	cfg.Legacy, cfg.Mutant = s.plan.Legacy, s.plan.Mutant
	data, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", name, err)
	}
	return &world.Node{Name: name, Kind: kind, Config: data, Ports: ports, Dials: dials}, nil
}

// Today is a node's definition with nothing of 2014 in it.
func (s *Stack) Today(name string) (world.Node, error) {
	n, ok := s.Node(name)
	if !ok {
		return n, fmt.Errorf("no node %s", name)
	}
	cfg, err := parseNode(n.Config)
	if err != nil {
		return n, err
	}
	cfg.Legacy = nil
	n.Config, err = json.Marshal(cfg)
	return n, err
}

// Define takes a definition in the place of the one that its node had. It is for the
// goroutine that plays the steps.
func (s *Stack) Define(n world.Node) {
	for _, stage := range s.stages {
		for i := range stage {
			if stage[i].Name == n.Name {
				stage[i] = n
			}
		}
	}
}

// adminAddr is where nodes listen for operators.
func adminAddr() string { return fmt.Sprintf(":%d", adminPort) }

// at is a port of a host, as nodes are told it.
func (s *Stack) at(host string, port uint16) string {
	return netip.AddrPortFrom(s.world.Addr(host), port).String()
}

// override lays the settings of a scenario over a configuration, by the
// configuration's own keys.
func override[C any](cfg C, settings map[string]any) (C, error) {
	if len(settings) == 0 {
		return cfg, nil
	}
	all := map[string]any{}
	if err := convert(cfg, &all); err != nil {
		return cfg, err
	}
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		if _, ok := all[k]; !ok {
			known := slices.Sorted(maps.Keys(all))
			return cfg, fmt.Errorf("there is no setting %q%s", k, cmp.Or(scenario.Meant(k, known), " (known: "+strings.Join(known, ", ")+")"))
		}
		var alone C
		if err := convert(map[string]any{k: settings[k]}, &alone); err != nil {
			what, _, _ := strings.Cut(err.Error(), "\n") // what follows draws the line
			return cfg, fmt.Errorf("setting %q: %s", k, what)
		}
		all[k] = settings[k]
	}
	var out C
	return out, convert(all, &out)
}

// convert goes from one form of a configuration to another through JSON.
func convert(from, to any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}

func parseNode(data []byte) (nodeConfig, error) {
	var cfg nodeConfig
	if err := json.Unmarshal(data, &cfg); err != nil {
		return cfg, fmt.Errorf("read the configuration of a node: %w", err)
	}
	return cfg, nil
}
