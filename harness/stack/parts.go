package stack

import (
	"context"
	"errors"
	"slices"
	"sync"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// Kinds of nodes.
const (
	kindBalancer    = "balancer"
	kindRecorder    = "recorder"
	kindRedis       = "redis"
	kindRedisServer = "redis-server"
	kindSentinel    = "sentinel"
	kindAccounts    = "accounts"
	kindStore       = "store"
	kindMail        = "mail"
	kindWeb         = "web"
	kindEdge        = "edge"
)

// part is one sort of server that a system is made of. Each is one file.
type part struct {
	// kind and serve are what its nodes run. A node of another kind is a program of
	// somebody else's, see Programs.
	kind  string
	serve world.Serve
	// hosts names its hosts in a datacenter; a plan that does without it has none.
	hosts func(p *scenario.Plan, dc scenario.Datacenter) []string
	// node configures the node on one of its hosts. It is not asked for nodes of a
	// plan in which somebody else's server, out of the world, takes their place: nil
	// stands for no node.
	node func(s *Stack, dc scenario.Datacenter, name string) (*world.Node, error)
	// asked tells that it answers GET /health at its admin port, and has to be well
	// before the run begins.
	asked bool
}

// parts is the table of parts, in the order in which their nodes start and in which
// their hosts are listed.
func parts() []part {
	return []part{
		redisPart(),
		sentinelPart(),
		accountsPart(),
		storePart(),
		mailPart(),
		recorderPart(),
		balancerPart(),
		webPart(),
		edgePart(),
	}
}

// Kinds is the table of what nodes run.
func Kinds() world.Kinds {
	all := world.Kinds{}
	for _, p := range parts() {
		all[p.kind] = p.serve
	}
	return all
}

// buildNodes defines all nodes, part by part, datacenter by datacenter.
func (s *Stack) buildNodes() error {
	for _, p := range parts() {
		var stage []world.Node
		for _, dc := range s.plan.System.Datacenters {
			for _, name := range p.hosts(s.plan, dc) {
				n, err := p.node(s, dc, name)
				if err != nil {
					return err
				}
				if n != nil {
					stage = append(stage, *n)
				}
			}
		}
		s.stages = append(s.stages, stage)
	}
	return nil
}

// startNodes starts the nodes of one part at once, part after part.
func (s *Stack) startNodes(ctx context.Context) error {
	for _, stage := range s.stages {
		var all sync.WaitGroup
		errs := make([]error, len(stage))
		for i, n := range stage {
			all.Go(func() { errs[i] = s.world.Start(ctx, n) })
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// of lists the nodes of a kind.
func (s *Stack) of(kind string) []world.Node {
	return slices.DeleteFunc(slices.Concat(s.stages...), func(n world.Node) bool { return n.Kind != kind })
}

// single is where the only server of its name stands, if it is in this datacenter.
func single(name string) func(*scenario.Plan, scenario.Datacenter) []string {
	return func(p *scenario.Plan, dc scenario.Datacenter) []string {
		if p.System.Singles()[name] != dc.Name {
			return nil
		}
		return []string{name}
	}
}
