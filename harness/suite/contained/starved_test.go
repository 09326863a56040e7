package contained

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"deadair/harness/suite"
)

// TestStarvedNode: a node's container that gets no processor is not the system's fault, and
// nobody but its guard can tell. The run proves nothing, and is played again.
func TestStarvedNode(t *testing.T) {
	need(t)
	e, err := client.New(client.FromEnv)
	require.NoError(t, err)
	defer e.Close()
	const starved = 5 * time.Second // of a node that has shows: their clients would not wait so long
	var once atomic.Bool
	starve := func(p suite.Progress) {
		if p.At < 20*time.Second || once.Swap(true) {
			return
		}
		for _, node := range []string{"eu-west-balancer-1", "eu-west-balancer-2"} {
			id := running(t.Context(), e, node)
			if _, err := e.ContainerPause(t.Context(), id, client.ContainerPauseOptions{}); err != nil {
				t.Errorf("starve %s: %v", node, err)
			}
			time.AfterFunc(starved, func() { e.ContainerUnpause(context.Background(), id, client.ContainerUnpauseOptions{}) })
		}
	}
	cfg := suite.Config{Out: t.ArtifactDir(), Real: 1, Progress: starve}
	outcomes, err := suite.Run(t.Context(), cfg, []suite.Job{job(t, "dropped-connection/control", 10)})
	require.NoError(t, err)
	o := outcomes[0]
	require.NoError(t, o.Err)
	require.True(t, once.Load())
	require.Equal(t, 2, o.Played, "the first one proved nothing: %+v", o.Verdict)
	require.False(t, o.Differs(), "%+v", o.Verdict)
}
