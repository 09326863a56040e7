package realtime

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
)

// told is what is told, as text.
func told(c *waits) string {
	node, worst, path := c.told()
	return fmt.Sprintf("%s %s %s", cmp.Or(node, "-"), worst, path)
}

func TestWaitsOfASecond(t *testing.T) {
	const ms = time.Millisecond
	a, b := &node{Node: world.Node{Name: "a"}}, &node{Node: world.Node{Name: "b"}}
	var at time.Time
	var c waits
	read := func(now map[*node]threads) {
		at = at.Add(waitsEvery)
		c.read(at, now)
	}
	require.Equal(t, "- 0s 0s", told(&c), "nothing was read yet")

	read(map[*node]threads{nil: {"1": 500 * ms}, a: {"2": 700 * ms, "3": 0}})
	require.Equal(t, "- 0s 0s", told(&c), "what was before is not of this second")

	read(map[*node]threads{nil: {"1": 600 * ms}, a: {"2": 720 * ms, "3": 19 * ms}, b: {"4": 900 * ms}})
	read(map[*node]threads{nil: {"1": 600 * ms}, a: {"2": 725 * ms, "3": 49 * ms}, b: {"4": 910 * ms}})
	require.Equal(t, "a 30ms 160ms", told(&c), "the harness has a canary of its own, and threads wait beside one another")
	require.Equal(t, "- 0s 0s", told(&c), "it was told")

	read(map[*node]threads{nil: {"1": 650 * ms}, a: {"3": 49 * ms, "5": 100 * ms}})
	require.Equal(t, "- 0s 50ms", told(&c), "a thread ended and one began, and b ended")
	read(map[*node]threads{nil: {"1": 650 * ms}, a: {"3": 59 * ms, "5": 140 * ms}, b: {"6": 990 * ms}})
	require.Equal(t, "a 40ms 40ms", told(&c), "b lives again")
}

func TestWaitsOfOnePath(t *testing.T) {
	for each, want := range map[time.Duration]string{
		time.Millisecond:       "9 10ms 40ms",
		100 * time.Millisecond: "9 1s 250ms",
	} {
		var c waits
		before, now := map[*node]threads{}, map[*node]threads{}
		for i := range 2 * onePath {
			n := &node{Node: world.Node{Name: fmt.Sprint(i)}}
			before[n], now[n] = threads{"1": time.Minute}, threads{"1": time.Minute + time.Duration(i+1)*each}
		}
		var at time.Time
		c.read(at, before)
		c.read(at.Add(waitsEvery), now)
		require.Equal(t, want, told(&c), "no longer than the time that passed")
	}
}
