package fault

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// starts is a world that notes as what nodes are started.
type starts struct {
	world.World
	as map[string]string // of those that run
}

func (w starts) Running(node string) bool { return w.as[node] != "" }

func (w starts) Signal(_ context.Context, node string, _ world.Signal) error {
	delete(w.as, node)
	return nil
}

func (w starts) Start(_ context.Context, n world.Node) error {
	w.as[n.Name] = string(n.Config)
	return nil
}

// defined is a site with such a world, and its nodes' definitions.
type defined struct {
	Site
	world starts
	nodes map[string]world.Node
}

func (s defined) World() world.World { return s.world }

func (s defined) Node(name string) (world.Node, bool) {
	n, ok := s.nodes[name]
	return n, ok
}

func (s defined) Today(name string) (world.Node, error) {
	return world.Node{Name: name, Config: json.RawMessage(`"today"`)}, nil
}

func (s defined) Define(n world.Node) { s.nodes[n.Name] = n }

func (s defined) Tell(context.Context, string, string, any, any) error { return nil }

// TestWhatIsStartedAgainIsWhatItBecame: a node that dies after a deployment, or after the
// servers were hardened, comes back as what it was then.
func TestWhatIsStartedAgainIsWhatItBecame(t *testing.T) {
	for name, c := range map[string]struct {
		change Begin
		step   scenario.Step
		was    string
		want   string
	}{
		"deploy": {deploy, scenario.Step{}, `"2014"`, `"today"`},
		"harden": {
			harden, scenario.Step{Answer: "1.2"}, `{"pool": "api", "floor": "ssl3"}`,
			`{"pool": "api", "ingest": "", "floor": "1.2", "admin": ""}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := defined{world: starts{as: map[string]string{}}, nodes: map[string]world.Node{}}
			for _, n := range []string{"a", "b"} {
				s.nodes[n] = world.Node{Name: n, Config: json.RawMessage(c.was)}
			}
			c.step.Nodes = []string{"a"}
			_, err := c.change(t.Context(), s, c.step)
			require.NoError(t, err)
			_, err = restart(t.Context(), s, scenario.Step{Nodes: []string{"a", "b"}})
			require.NoError(t, err)
			require.JSONEq(t, c.want, s.world.as["a"])
			require.JSONEq(t, c.was, s.world.as["b"])
		})
	}
}
