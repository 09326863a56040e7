package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
)

// TestAKillThatIsToldOfLate takes more of a show than one that is told of at once.
func TestAKillThatIsToldOfLate(t *testing.T) {
	r := newRun(t, expand(t, crowding, "today", "loopback"))
	kill := &step{Step: r.plan.Steps[0], began: -1}
	e := gather(r.plan, r.history())
	b := &interruption{cause: kill}
	require.Equal(t, e.early(&interruption{}), e.early(b))
	at := func(told time.Duration) time.Duration {
		*kill = step{Step: r.plan.Steps[0], began: -1}
		kill.take(0, history.Event{Kind: history.FaultBegan, At: 80 * second})
		kill.take(1, history.Event{Kind: history.FaultTouched, At: told, Count: 1})
		kill.take(2, history.Event{Kind: history.FaultTouched, At: 100 * second, Count: 1})
		return e.early(b)
	}
	require.Equal(t, 4*second, at(84*second)-at(80*second))
}
