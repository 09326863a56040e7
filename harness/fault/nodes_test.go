package fault

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// crowd is a world in which one signal after another would take time. It notes what it is asked.
type crowd struct {
	world.World
	asked []string
	err   error // of SignalAll
}

func (c *crowd) Running(node string) bool { return node != "gone" }

func (c *crowd) Signal(_ context.Context, node string, s world.Signal) error {
	c.asked = append(c.asked, string(s)+" "+node)
	return nil
}

func (c *crowd) SignalAll(_ context.Context, nodes []string, s world.Signal) error {
	c.asked = append(c.asked, string(s)+" "+strings.Join(nodes, "+"))
	return c.err
}

func (c *crowd) Break(world.LinkFault) (world.Broken, error) {
	c.asked = append(c.asked, "break")
	return ways{world: c}, nil
}

// ways are broken ways of such a world.
type ways struct {
	world.Broken
	world *crowd
}

func (w ways) Heal() { w.world.asked = append(w.world.asked, "open") }

// crowded is a site with such a world.
type crowded struct {
	Site
	world *crowd
}

func (s crowded) World() world.World { return s.world }

// TestNodesOfAStepGoAtOnce: where it takes time, to end or freeze one after the other would
// let clients turn to one that is about to go.
func TestNodesOfAStepGoAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(context.Context, Site, scenario.Step) (Active, error)
		nodes []string
		err   error
		asked []string
		fails string
	}{
		"kill":         {kill, []string{"a", "b"}, nil, []string{"kill a+b"}, ""},
		"pause":        {pause, []string{"a", "b"}, nil, []string{"pause a+b"}, ""},
		"stop":         {stop, []string{"a", "b"}, nil, []string{"stop a", "stop b"}, ""},
		"one is gone":  {kill, []string{"a", "gone"}, nil, nil, "kill gone: it does not run"},
		"one lives on": {pause, []string{"a", "b"}, errors.New("stuck"), []string{"pause a+b", "resume b", "resume a"}, "stuck"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &crowd{err: c.err}
			a, err := c.do(t.Context(), crowded{world: w}, scenario.Step{Nodes: c.nodes})
			require.Equal(t, c.asked, w.asked)
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			require.Equal(t, len(c.nodes), a.Touched().Conns)
		})
	}
}

// TestOutageThatFailsLeavesNoWaysBroken: nobody has it in hand to heal it.
func TestOutageThatFailsLeavesNoWaysBroken(t *testing.T) {
	for name, c := range map[string]struct {
		nodes []string
		err   error
		asked []string
	}{
		"one is gone":    {[]string{"a", "gone"}, nil, []string{"break", "break", "open", "open"}},
		"one cannot end": {[]string{"a", "b"}, errors.New("stuck"), []string{"break", "break", "kill a+b", "open", "open"}},
		"all are":        {[]string{"a", "b"}, nil, []string{"break", "break", "kill a+b"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &crowd{err: c.err}
			_, err := Inject(t.Context(), crowded{world: w}, scenario.Step{Do: "outage", Nodes: c.nodes})
			require.Equal(t, c.asked[len(c.asked)-1] == "open", err != nil, "%v", err)
			require.Equal(t, c.asked, w.asked)
		})
	}
}
