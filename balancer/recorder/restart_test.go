package recorder_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireLeft checks how much of its window a session has left, to a tenth of a second.
func requireLeft(t *testing.T, left time.Duration, answer map[string]any) {
	t.Helper()
	until, err := time.Parse(time.RFC3339Nano, answer["until"].(string))
	require.NoError(t, err)
	require.InDelta(t, left, time.Until(until), float64(100*time.Millisecond))
	require.InDelta(t, left.Milliseconds(), answer["left_ms"], 100)
}

func TestStickyAnswersSurviveARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		g.onAir(ask{mount: "/old", session: "old", account: "anna", epoch: 5}).hangUp()
		time.Sleep(3 * time.Minute)
		g.onAir(ask{mount: "/guessed", session: "guess", account: "anna"}).hangUp()
		l := g.onAir(ask{mount: "/live", session: "live", account: "anna", epoch: 2})
		l.send(10)
		g.stop()
		require.Contains(t, g.types("live"), "sealed:stop ended:stop")
		time.Sleep(time.Minute)
		g.start()
		for mount, left := range map[string]time.Duration{"/old": time.Minute, "/guessed": 4 * time.Minute, "/live": 4 * time.Minute} {
			_, s := g.get("/sessions?mount=" + mount)
			requireLeft(t, left, s)
			require.Equal(t, mount == "/guessed", s["guessed"])
		}
		time.Sleep(time.Minute + 10*time.Second)
		require.Contains(t, g.types("old"), "finished:window")
		g.stop()
		g.start()
		status, _ := g.get("/sessions?mount=/old")
		require.Equal(t, 404, status)
		g.refused(ask{mount: "/old", session: "new", account: "anna", epoch: 5}, 409)
	})
}

// TestShowOnAirOutlivesARestart although an older one of its mount is still on disk, with
// a higher epoch that everybody had forgotten when this one began.
func TestShowOnAirOutlivesARestart(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		g.onAir(show("last-week", 5)).hangUp()
		time.Sleep(7 * 24 * time.Hour)
		g.onAir(show("today", 1)).send(10)
		g.kill()
		g.start()
		_, s := g.get("/sessions?mount=/show")
		require.Equal(t, "today", s["session"])
		require.NotContains(t, g.types("today"), "finished")
		g.refused(show("today", 2), 409) // the index is told what was the highest
		again := g.onAir(show("today", 6))
		again.send(10)
		again.hangUp()
		require.Len(t, g.segments("today"), 2)
	})
}

// TestLongDownRecorderDoesNotRevive a show that was live when it died: the window is
// counted from its last byte.
func TestLongDownRecorderDoesNotRevive(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(20 * time.Minute)
		g.kill()
		time.Sleep(time.Minute)
		g.start()
		_, s := g.get("/sessions?mount=/show")
		requireLeft(t, 4*time.Minute, s)
		g.kill()
		time.Sleep(time.Hour)
		g.start()
		status, _ := g.get("/sessions?mount=/show")
		require.Equal(t, 404, status)
		time.Sleep(10 * time.Second)
		require.Contains(t, g.types("s1"), "ended:crash finished:window")
	})
}

// TestSkewedClock: a wall clock that is wrong moves what is told, not how long things take.
func TestSkewedClock(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		var skew atomic.Int64
		skew.Store(int64(90 * time.Second))
		g.wall = func() time.Time { return time.Now().Add(time.Duration(skew.Load())) }
		g.start()
		g.onAir(show("s1", 1)).hangUp()
		skew.Store(int64(-time.Hour)) // a step during the window
		time.Sleep(4*time.Minute + 59*time.Second)
		_, s := g.get("/sessions?mount=/show")
		require.Equal(t, "s1", s["session"])
		time.Sleep(time.Second)
		status, _ := g.get("/sessions?mount=/show")
		require.Equal(t, 404, status)
	})
}

// TestPublishedShowsCostNoStart: what the store has is neither mended nor synced again
// when the recorder starts, however much of it there is.
func TestPublishedShowsCostNoStart(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Store, g.cfg.Window, g.cfg.DiskInterval = "tracks", time.Second, 24*time.Hour
		g.start()
		changes := func() int {
			g.powerCut()
			g.start()
			return g.mount.Changes()
		}
		few := 0
		for n := range 30 {
			l := g.onAir(ask{mount: fmt.Sprintf("/%d", n), session: fmt.Sprintf("s%d", n), account: "anna", epoch: 1})
			l.send(10)
			l.hangUp()
			time.Sleep(time.Minute)
			require.True(t, strings.HasSuffix(g.types(fmt.Sprintf("s%d", n)), "verified"))
			if n == 0 {
				few = changes()
			}
		}
		require.Equal(t, few, changes())
		status, _ := g.get("/sessions?mount=/29")
		require.Equal(t, 404, status)
		g.refused(ask{mount: "/29", session: "new", account: "anna", epoch: 1}, 409)
	})
}
