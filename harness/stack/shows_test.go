package stack

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// TestAMinuteOfKnockingIsToldOnce, and the minute is the incident's.
func TestAMinuteOfKnockingIsToldOnce(t *testing.T) {
	f, err := scenario.Parse("x.yaml", []byte("schema: 1\ntitle: x\nbroadcasters: [{name: rome, from: Rome, persona: butt}]\n"))
	require.NoError(t, err)
	for world, c := range map[string]struct {
		speed float64
		want  time.Duration
	}{"virtual": {1, time.Minute}, "loopback": {10, 6 * time.Second}} {
		p, err := scenario.Expand(f, "today", world, 1, c.speed)
		require.NoError(t, err)
		w := newPaper(p)
		s, err := New(p, w, history.NewLog(w.Now), slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		cfg, err := s.showConfig(p.Broadcasters[0])
		require.NoError(t, err)
		require.Equal(t, c.want, cfg.Quiet, world)
	}
}
