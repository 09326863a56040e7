package realtime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
	"deadair/harness/world/child"
)

// TestSlowDisk: what a node waited for its disk counts while the run is on, and not if the node
// was paused meanwhile.
func TestSlowDisk(t *testing.T) {
	var told []time.Duration
	w := &World{cfg: Config{SlowDisk: func(node string, by time.Duration) {
		require.Equal(t, "a", node)
		told = append(told, by)
	}}, hosts: map[string]Host{}}
	n := &node{Node: world.Node{Name: "a"}}
	tell := func(by time.Duration) { w.hear(n, child.Message{Do: child.DiskSlow, Took: by}) }
	tell(1 * time.Second)
	w.begun.Store(true)
	tell(2 * time.Second)
	n.resumed = time.Now().Add(-5 * time.Second)
	tell(3 * time.Second)
	tell(6 * time.Second)
	w.closed = true
	tell(1 * time.Second)
	require.Equal(t, []time.Duration{2 * time.Second, 3 * time.Second}, told)
}
