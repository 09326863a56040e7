package inside

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLateNodes: what a guard tells of its timers counts while the run is on, and then only.
func TestLateNodes(t *testing.T) {
	tell, in, _ := pipe(t)
	out, hear, _ := pipe(t)
	tell.say(Opened(Opening{Plan: json.RawMessage(`{}`)}))
	s, err := enter(in, out, func(error) {})
	require.NoError(t, err)
	type told struct {
		node string
		by   time.Duration
	}
	heard := make(chan told, 10)
	w, err := Open(Config{Stage: s, Late: func(node string, by time.Duration) { heard <- told{node, by} }})
	require.NoError(t, err)
	taken := func() { // what was said before is taken in
		t.Helper()
		done := make(chan error, 1)
		go func() { _, err := w.Unplug(t.Context(), "n"); done <- err }()
		var m Message
		require.NoError(t, hear.Decode(&m))
		tell.say(Message{Do: Wired, Node: "n"})
		require.NoError(t, <-done)
	}
	late := func(by time.Duration) { tell.say(Message{Do: Late, Node: "n", Took: by}) }
	late(time.Hour)
	taken()
	w.Zero()
	late(time.Second)
	taken()
	require.NoError(t, w.Close())
	late(time.Minute)
	taken()
	close(heard)
	var all []told
	for h := range heard {
		all = append(all, h)
	}
	require.Equal(t, []told{{"n", time.Second}}, all)
}
