package fleet_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"deadair/balancer/fleet"
)

var near = []string{"eu", "us-east", "us-west"}

// threeByThree is the usual fleet: three datacenters of three recorders of 20.
func threeByThree() []fleet.Status {
	var view []fleet.Status
	for _, dc := range []string{"us-west", "eu", "us-east"} {
		for i := range 3 {
			view = append(view, fleet.Status{
				Recorder: fleet.Recorder{Name: fmt.Sprintf("%s/recorder-%d", dc, i+1), Datacenter: dc},
				State:    fleet.Up, Capacity: 20,
			})
		}
	}
	return view
}

func names(recorders []fleet.Recorder) []string {
	var names []string
	for _, r := range recorders {
		names = append(names, r.Name)
	}
	return names
}

func find(view []fleet.Status, name string) *fleet.Status {
	i := slices.IndexFunc(view, func(s fleet.Status) bool { return s.Name == name })
	return &view[i]
}

func TestChooseStaysNear(t *testing.T) {
	chosen := fleet.Choose(threeByThree(), near, "/show")
	require.Len(t, chosen, 9)
	for i, r := range chosen {
		require.Equal(t, near[i/3], r.Datacenter, "place %d", i)
	}
}

func TestChoosePutsUnlistedDatacentersLast(t *testing.T) {
	chosen := fleet.Choose(threeByThree(), []string{"us-west"}, "/show")
	require.Equal(t, "us-west", chosen[0].Datacenter)
	require.Equal(t, "eu", chosen[3].Datacenter)
	require.Equal(t, "us-east", chosen[6].Datacenter)
}

func TestChooseLeavesOut(t *testing.T) {
	for _, state := range []fleet.State{fleet.Full, fleet.Draining, fleet.Failing, fleet.Down} {
		t.Run(state.String(), func(t *testing.T) {
			view := threeByThree()
			first := fleet.Choose(view, near, "/show")[0].Name
			find(view, first).State = state
			chosen := fleet.Choose(view, near, "/show")
			require.Len(t, chosen, 8)
			require.NotContains(t, names(chosen), first)
			require.Equal(t, "eu", chosen[0].Datacenter, "it stays in the datacenter")
		})
	}
}

func TestChooseGoesAbroadWhenHomeIsDown(t *testing.T) {
	view := threeByThree()
	for i := range view {
		if view[i].Datacenter == "eu" {
			view[i].State = fleet.Down
		}
	}
	chosen := fleet.Choose(view, near, "/show")
	require.Len(t, chosen, 6)
	require.Equal(t, "us-east", chosen[0].Datacenter)
}

func TestChoosePutsUnknownBehind(t *testing.T) {
	view := threeByThree()
	first := fleet.Choose(view, near, "/show")[0].Name
	find(view, first).State = fleet.Unknown
	require.Equal(t, first, fleet.Choose(view, near, "/show")[2].Name, "last of its datacenter")
}

func TestChooseOfNothing(t *testing.T) {
	require.Empty(t, fleet.Choose(nil, near, "/show"))
}

// Only the shows of the recorder that went away move.
func TestChooseMovesOnlyWhatItMust(t *testing.T) {
	view := threeByThree()
	gone := "eu/recorder-2"
	before := map[string]string{}
	for i := range 300 {
		mount := fmt.Sprintf("/show-%d", i)
		before[mount] = fleet.Choose(view, near, mount)[0].Name
	}
	find(view, gone).State = fleet.Down
	moved := 0
	for mount, was := range before {
		is := fleet.Choose(view, near, mount)[0].Name
		if was == gone {
			moved++
			require.NotEqual(t, gone, is)
			continue
		}
		require.Equal(t, was, is, mount)
	}
	require.InDelta(t, 100, moved, 30, "about a third lived there")
}

// Shows put one after the other where Choose says never load a recorder above
// 1.25 times its share, and fill the datacenter before going abroad.
func TestChooseBoundsTheLoad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		view := threeByThree()
		for i := range view {
			view[i].Capacity = rapid.IntRange(1, 40).Draw(t, "capacity")
		}
		home := func() (sources, room int) {
			for _, s := range view {
				if s.Datacenter == "eu" {
					sources, room = sources+s.Sources, room+s.Capacity
				}
			}
			return sources, room
		}
		salt := rapid.Uint32().Draw(t, "salt")
		for n := 0; ; n++ {
			sources, room := home()
			s := find(view, fleet.Choose(view, near, fmt.Sprintf("/%d-%d", salt, n))[0].Name)
			if s.Datacenter != "eu" {
				require.Equal(t, room, sources, "went abroad with room at home")
				return
			}
			s.Sources++
			share := 1.25 * float64(sources+1) * float64(s.Capacity) / float64(room)
			if s.Sources == s.Capacity {
				s.State = fleet.Full
			} else if allUp(view) {
				require.Less(t, float64(s.Sources), share+1)
			}
		}
	})
}

func allUp(view []fleet.Status) bool {
	return !slices.ContainsFunc(view, func(s fleet.Status) bool { return s.State != fleet.Up })
}

func TestChooseDoesNotDependOnTheOrderOfTheView(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		view := threeByThree()
		for i := range view {
			view[i].State = fleet.State(rapid.IntRange(0, 5).Draw(t, "state"))
			view[i].Sources = rapid.IntRange(0, 20).Draw(t, "sources")
		}
		mount := rapid.String().Draw(t, "mount")
		want := fleet.Choose(view, near, mount)
		require.Equal(t, want, fleet.Choose(rapid.Permutation(view).Draw(t, "view"), near, mount))
	})
}

// The hash is a promise between balancers of different versions: a change moves
// every show that starts while the index is away.
func TestChooseIsStable(t *testing.T) {
	want := map[string]string{"/show": "eu/recorder-3", "/us-east-07": "eu/recorder-1", "/ä": "eu/recorder-2"}
	for mount := range want {
		require.Equal(t, want[mount], fleet.Choose(threeByThree(), near, mount)[0].Name, mount)
	}
}
