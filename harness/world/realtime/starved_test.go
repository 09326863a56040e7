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
	var c waits
	require.Equal(t, "- 0s 0s", told(&c), "nothing was read yet")

	c.read(map[*node]time.Duration{nil: 500 * ms, a: 700 * ms})
	require.Equal(t, "- 0s 0s", told(&c), "what was before is not of this second")

	c.read(map[*node]time.Duration{nil: 600 * ms, a: 720 * ms, b: 900 * ms})
	c.read(map[*node]time.Duration{nil: 600 * ms, a: 750 * ms, b: 910 * ms})
	require.Equal(t, "a 30ms 160ms", told(&c), "the harness has a canary of its own")
	require.Equal(t, "- 0s 0s", told(&c), "it was told")

	c.read(map[*node]time.Duration{nil: 650 * ms, a: 100 * ms})
	require.Equal(t, "- 0s 50ms", told(&c), "a thread ended, and b")
	c.read(map[*node]time.Duration{nil: 650 * ms, a: 140 * ms, b: 990 * ms})
	require.Equal(t, "a 40ms 40ms", told(&c), "b lives again")
}

func TestWaitsOfOnePath(t *testing.T) {
	var c waits
	before, now := map[*node]time.Duration{}, map[*node]time.Duration{}
	for i := range 2 * onePath {
		n := &node{Node: world.Node{Name: fmt.Sprint(i)}}
		before[n], now[n] = time.Minute, time.Minute+time.Duration(i+1)*time.Millisecond
	}
	c.read(before)
	c.read(now)
	require.Equal(t, "9 10ms 40ms", told(&c))
}
