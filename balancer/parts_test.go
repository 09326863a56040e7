package balancer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/fleet"
)

func TestChoosePutsTheSessionsRecorderFirst(t *testing.T) {
	view := func(sticky fleet.State) []fleet.Status {
		var view []fleet.Status
		for _, name := range []string{"eu/1", "eu/2", "us/1"} {
			view = append(view, fleet.Status{Recorder: fleet.Recorder{Name: name, Datacenter: name[:2]}, State: fleet.Up, Capacity: 1})
		}
		view[2].State = sticky
		return view
	}
	for name, c := range map[string]struct {
		sticky string
		state  fleet.State
		first  string
		all    int
	}{
		"up":       {"us/1", fleet.Up, "us/1", 3},
		"full":     {"us/1", fleet.Full, "us/1", 3},
		"draining": {"us/1", fleet.Draining, "us/1", 3},
		"failing":  {"us/1", fleet.Failing, "us/1", 3},
		"down":     {"us/1", fleet.Down, "", 2},
		"unknown":  {"ap/9", fleet.Up, "", 3},
		"none":     {"", fleet.Up, "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			choice := balancer.Choice{Mount: "/show", Sticky: c.sticky, View: view(c.state), Near: []string{"eu", "us"}}
			got := balancer.Choose(choice)
			require.Len(t, got, c.all, "nobody twice")
			if c.first == "" {
				require.Equal(t, fleet.Choose(choice.View, choice.Near, "/show"), got)
				return
			}
			require.Equal(t, c.first, got[0].Name)
		})
	}
}
