package recorder_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/disk"
)

func TestFullDisk(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(5 * time.Second)
		sent := l.next
		g.disk.SetFull(true)
		l.send(1)
		l.requireEnded()
		require.Equal(t, upTo(sent), numbers(t, g.segments("s1")))
		require.Equal(t, "failing", g.status())
		g.refused(show("s1", 2), 507)
		g.disk.SetFull(false)
		time.Sleep(6 * time.Second)
		require.Equal(t, "ok", g.status())
		g.onAir(show("s1", 2)).hangUp()
		require.Contains(t, g.types("s1"), "sealed:disk-full ended:disk-full source ended:eof", "what was owed was written first")
		g.requireSealed("s1")
	})
}

// TestDiskRunsFull on the way: what still fits is kept whole, of audio and of manifest.
func TestDiskRunsFull(t *testing.T) {
	for capacity := int64(4900); capacity < 5300; capacity += 23 {
		t.Run(fmt.Sprint(capacity), func(t *testing.T) { runFull(t, capacity) })
	}
}

func runFull(t *testing.T, capacity int64) {
	inBubble(t, func(t *testing.T, g *rig) {
		d, err := disk.New(disk.Config{Capacity: 1 << 20})
		require.NoError(t, err)
		g.disk = d
		other := d.Mount()
		f, err := other.OpenFile("other", os.O_CREATE|os.O_WRONLY)
		require.NoError(t, err)
		require.NoError(t, f.Truncate(1<<20-capacity))
		g.cfg.FullAt, g.cfg.HandOverAt = 1, 1
		g.start()
		l := g.onAir(show("s1", 1))
		l.send(60)
		l.send(10) // in one write; about five of them find room
		l.requireEnded()
		kept := numbers(t, g.segments("s1"))
		require.Equal(t, upTo(uint64(len(kept))), kept)
		require.GreaterOrEqual(t, len(kept), 60)
		require.Less(t, len(kept), 70)
		require.NoError(t, other.Remove("other"))
		time.Sleep(10 * time.Second)
		g.onAir(show("s1", 2)).hangUp()
		require.Contains(t, g.types("s1"), "sealed:disk-full ended:disk-full source ended:eof", "what was owed was written")
		g.requireSealed("s1")
	})
}

// TestWatermarks: first no new shows, then none at all, before there is no room.
func TestWatermarks(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		d, err := disk.New(disk.Config{Capacity: 1_000_000})
		require.NoError(t, err)
		g.disk = d
		g.start()
		l := g.onAir(ask{mount: "/a", session: "a", account: "anna", epoch: 1})
		m := d.Mount()
		fill := func(share float64) {
			free, total, err := m.Free()
			require.NoError(t, err)
			f, err := m.OpenFile("other", 0x40|2) // O_CREATE|O_RDWR
			require.NoError(t, err)
			fi, err := f.Stat()
			require.NoError(t, err)
			require.NoError(t, f.Truncate(fi.Size()+int64(share*float64(total))-(total-free)))
			time.Sleep(6 * time.Second)
		}
		l.play(time.Second)
		require.Equal(t, "ok", g.status())
		fill(0.84)
		require.Equal(t, "ok", g.status())
		fill(0.86)
		require.Equal(t, "full", g.status())
		g.refused(ask{mount: "/b", session: "b", account: "anna", epoch: 1}, 507)
		l.play(time.Second)
		l.hangUp()
		l = g.onAir(ask{mount: "/a", session: "a", account: "anna", epoch: 2})
		l.play(time.Second)
		fill(0.96)
		l.requireEnded()
		require.Equal(t, "failing", g.status())
		require.Contains(t, g.types("a"), "sealed:disk-full ended:disk-full")
		g.refused(ask{mount: "/a", session: "a", account: "anna", epoch: 3}, 507)
		fill(0.90)
		require.Equal(t, "failing", g.status(), "there and back would only move shows about")
		fill(0.5)
		require.Equal(t, "ok", g.status())
		require.NoError(t, m.Remove("other"))
	})
}

// TestFailingSync: the file is given up, the show goes on in another one, the disk is
// not trusted before it has shown itself good.
func TestFailingSync(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(10 * time.Second)
		before := l.next
		l.send(1)
		g.disk.SetError(syscall.EIO)
		time.Sleep(700 * time.Millisecond) // a round of syncs, and nothing else
		require.Equal(t, "failing", g.status())
		g.disk.SetError(nil)
		l.play(10 * time.Second)
		require.Equal(t, "failing", g.status())
		_, h := g.get("/health")
		require.EqualValues(t, 0, h["capacity"])
		g.refused(ask{mount: "/b", session: "b", account: "anna", epoch: 1}, 507)
		time.Sleep(10 * time.Second)
		require.Equal(t, "ok", g.status())

		types := g.types("s1")
		require.Equal(t, "session source segment sealed:disk-error segment", types)
		g.powerCut()
		g.start()
		kept := numbers(t, g.segments("s1"))
		lost := 0
		for n := range l.next {
			if !slices.Contains(kept, n) {
				require.InDelta(t, before, n, 15, "only what was not synced then may be lost")
				lost++
			}
		}
		require.Positive(t, lost)
		require.NotNil(t, g.lines("s1")[3].Synced)
		require.Less(t, *g.lines("s1")[3].Synced, g.lines("s1")[3].Bytes)
	})
}

// TestBrokenDisk: a disk that goes on failing loses its sources, not what it had.
func TestBrokenDisk(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(10 * time.Second)
		sent := l.next
		time.Sleep(time.Second)
		g.disk.SetError(syscall.EIO)
		_, _ = l.conn.Write(frame(l.next))
		l.requireEnded()
		require.Equal(t, "failing", g.status())
		_, s := g.get("/sessions?mount=/show")
		require.Equal(t, false, s["live"])
		g.powerCut()
		g.disk.SetError(nil)
		g.start()
		require.Equal(t, upTo(sent), numbers(t, g.segments("s1")))
		g.requireSealed("s1")
		require.Equal(t, "ok", g.status())
	})
}

// TestFirstCauseCounts: a source that was taken over and has not come to its end yet
// when the recorder is stopped was taken over.
func TestFirstCauseCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(5 * time.Second)
		g.disk.SetDelay(1500 * time.Millisecond)
		_, err := l.conn.Write(frame(l.next))
		require.NoError(t, err)
		g.refused(show("s1", 2), 503)
		g.disk.SetDelay(0)
		g.stop()
		require.Equal(t, "session source segment sealed:takeover ended:takeover", g.types("s1"))
	})
}

// TestReconnectDuringASweep: a sweep that takes long does not finish who is back.
func TestReconnectDuringASweep(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.DiskInterval = 24 * time.Hour
		g.start()
		names := []string{"a", "b", "c", "d", "e"}
		for _, name := range names {
			g.onAir(ask{mount: "/" + name, session: name, account: "anna", epoch: 1}).hangUp()
		}
		before := g.mount.Changes()
		time.Sleep(5*time.Minute - time.Millisecond)
		g.disk.SetDelay(300 * time.Millisecond)
		for g.mount.Changes() == before {
			time.Sleep(time.Millisecond)
		}
		l := g.onAir(ask{mount: "/e", session: "e", account: "anna", epoch: 2})
		time.Sleep(10 * time.Second)
		g.disk.SetDelay(0)
		for _, name := range names[:4] {
			require.Contains(t, g.types(name), "finished:window")
		}
		require.Equal(t, "session source ended:eof source", g.types("e"))
		l.hangUp()
	})
}

// TestRefusedForTheDisk: a source that could not be written down leaves no trace but
// its epoch, and the show before stays as it was.
func TestRefusedForTheDisk(t *testing.T) {
	for name, a := range map[string]ask{"same session": show("s1", 2), "another": show("s2", 2)} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *rig) {
				g.start()
				g.onAir(show("s1", 1)).hangUp()
				g.disk.SetError(syscall.EIO)
				g.refused(a, 507)
				g.disk.SetError(nil)
				_, s := g.get("/sessions?mount=/show")
				requireLeft(t, 5*time.Minute, s)
				require.Equal(t, "s1", s["session"])
				require.Equal(t, false, s["live"])
				time.Sleep(20 * time.Second)
				_, h := g.get("/health")
				require.EqualValues(t, 0, h["sources"])
				g.onAir(show("s1", 3)).hangUp()
				require.Equal(t, "session source ended:eof source ended:eof", g.types("s1"))
			})
		})
	}
}

func TestSlowDisk(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(5 * time.Second)
		g.disk.SetDelay(5 * time.Second)
		l.send(3)
		time.Sleep(10 * time.Second)
		start := time.Now()
		code, h := g.get("/health")
		require.Zero(t, time.Since(start), "health does not wait for the disk")
		require.Equal(t, 503, code)
		require.Equal(t, "disk slow", h["reason"])
		g.refused(ask{mount: "/b", session: "b", account: "anna", epoch: 1}, 507)
		g.disk.SetDelay(0)
		time.Sleep(time.Minute)
		require.Equal(t, "ok", g.status())
		l.requireEnded() // idle by now
		require.Equal(t, upTo(l.next), numbers(t, g.segments("s1")))
	})
}

// TestSlowSourceBefore: a source that cannot come to its end keeps its successor out,
// and does not write after it.
func TestSlowSourceBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		old := g.onAir(show("s1", 1))
		old.play(5 * time.Second)
		g.disk.SetDelay(1500 * time.Millisecond) // not slow enough to be failing
		_, err := old.conn.Write(frame(old.next))
		require.NoError(t, err)
		time.Sleep(100 * time.Millisecond)
		start := time.Now()
		g.refused(show("s1", 2), 503)
		require.Equal(t, 800*time.Millisecond, time.Since(start))
		g.disk.SetDelay(0)
		time.Sleep(10 * time.Second)
		old.requireEnded()
		l := g.onAir(show("s1", 3))
		l.next = old.next + 1
		l.send(5)
		l.hangUp()
		require.Equal(t, upTo(l.next), numbers(t, g.segments("s1")))
		require.True(t, strings.HasSuffix(g.types("s1"), "sealed:takeover ended:takeover source segment sealed:eof ended:eof"))
	})
}
