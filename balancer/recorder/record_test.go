package recorder_test

import (
	"fmt"
	"hash/crc32"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/icecast"
	"deadair/balancer/recorder/manifest"
)

func crc32c(b []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func TestSourceIsRecorded(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 7))
		require.EqualValues(t, 7, l.epoch)
		require.Equal(t, "s1", l.session)
		l.send(1)
		require.Empty(t, g.segments("s1"), "one frame alone may be anything")
		l.send(9)
		require.Equal(t, upTo(10), numbers(t, g.segments("s1")), "written at once")
		l.hangUp()

		require.Equal(t, "session source segment sealed:eof ended:eof", g.types("s1"))
		lines := g.lines("s1")
		require.Equal(t, manifest.Line{Type: manifest.Session, At: lines[0].At, Session: "s1", Mount: "/show", Account: "anna", Recorder: "recorder-1"}, lines[0])
		require.Equal(t, map[string]string{"content-type": "audio/mpeg", "ice-name": "Late Show"}, lines[1].Header)
		require.Equal(t, "7-1.mp3", lines[2].File)
		require.EqualValues(t, 720, lines[3].Bytes)
		require.EqualValues(t, 10, lines[3].Frames)
		require.Equal(t, 720*time.Millisecond, lines[3].Duration)
		require.True(t, lines[4].Until.Equal(time.Now().Add(5*time.Minute)))
		g.requireSealed("s1")
	})
}

func TestCapacity(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Capacity = 2
		g.start()
		a := g.onAir(ask{mount: "/a", session: "a", account: "anna", epoch: 1})
		probe := ask{mount: "/probe", more: icecast.Header{{Name: "Deadair-Probe", Value: "1"}}}
		g.refused(probe, 200)
		b := g.onAir(ask{mount: "/b", session: "b", account: "anna", epoch: 1})
		third := ask{mount: "/c", session: "c", account: "anna", epoch: 1}
		g.refused(third, 507)
		g.refused(probe, 507)
		require.Equal(t, "full", g.status())
		_, s := g.get("/sessions?mount=/c")
		require.Empty(t, s, "who was refused leaves nothing")
		a.hangUp()
		require.Equal(t, "ok", g.status())
		c := g.onAir(third)
		g.refused(ask{mount: "/a", session: "a", account: "anna", epoch: 2}, 507)
		b.hangUp()
		c.hangUp()
		_, h := g.get("/health")
		require.EqualValues(t, 0, h["sources"])
		require.EqualValues(t, 2, h["free"])
	})
}

func TestProbeLeavesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		g.refused(ask{mount: "/p", session: "p", account: "x", epoch: 1, more: icecast.Header{{Name: "Deadair-Probe", Value: "1"}}}, 200)
		_, s := g.get("/sessions?mount=/p")
		require.Empty(t, s)
		m := g.disk.Mount()
		_, err := m.Stat(".probe")
		require.NoError(t, err, "it went through to the disk")
		_, err = m.Stat("p")
		require.Error(t, err)
	})
}

// TestEndOfFileEndsNoShow: the window does.
func TestEndOfFileEndsNoShow(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		for epoch := range int64(3) {
			l := g.onAir(show("s1", epoch+1))
			l.next = uint64(epoch) * 10
			l.send(10)
			l.hangUp()
			_, s := g.get("/sessions?mount=/show")
			require.Equal(t, false, s["live"])
			require.Equal(t, "s1", s["session"])
			require.Equal(t, time.Now().Add(5*time.Minute).UTC().Format(time.RFC3339Nano), s["until"])
			time.Sleep(4 * time.Minute)
		}
		require.NotContains(t, g.types("s1"), "finished")
		time.Sleep(time.Minute + 5*time.Second)
		require.Contains(t, g.types("s1"), "ended:eof finished:window")
		status, _ := g.get("/sessions?mount=/show")
		require.Equal(t, 404, status)
		require.Equal(t, upTo(30), numbers(t, g.segments("s1")))
		g.requireSealed("s1")

		// The index may know better: the show goes on.
		g.refused(show("s1", 3), 409)
		l := g.onAir(show("s1", 4))
		l.next = 30
		l.send(10)
		l.hangUp()
		require.Equal(t, upTo(40), numbers(t, g.segments("s1")))
		g.requireSealed("s1")
	})
}

func TestIdleSourceIsClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(10 * time.Second)
		sent := time.Now()
		_, _ = l.conn.Read(make([]byte, 1)) // until the recorder closes
		require.GreaterOrEqual(t, time.Since(sent)+frameTime, 30*time.Second)
		require.LessOrEqual(t, time.Since(sent), 32*time.Second)
		synctest.Wait()
		require.Contains(t, g.types("s1"), "sealed:idle ended:idle")
	})
}

func TestSlowSourceIsNotIdle(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		for range 20 {
			l.send(1)
			time.Sleep(29 * time.Second)
		}
		l.hangUp()
		require.Equal(t, upTo(20), numbers(t, g.segments("s1")))
	})
}

// TestSegments: they are cut between frames, by length and by size.
func TestSegments(t *testing.T) {
	for name, c := range map[string]struct {
		length time.Duration
		bytes  int64
		cause  string
		want   int
	}{
		"by length": {length: 10 * time.Second, cause: "sealed:length", want: 6},
		"by size":   {bytes: 10_000, cause: "sealed:size", want: 6},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *rig) {
				g.cfg.SegmentLength, g.cfg.SegmentBytes = c.length, c.bytes
				g.start()
				l := g.onAir(show("s1", 1))
				l.play(time.Minute)
				l.hangUp()
				require.Equal(t, upTo(l.next), numbers(t, g.segments("s1")))
				require.Len(t, g.segments("s1"), c.want)
				require.Contains(t, g.types("s1"), "session source segment "+c.cause+" segment")
				g.requireSealed("s1")
			})
		})
	}
}

// TestWhatIsNoAudio is counted and not kept.
func TestWhatIsNoAudio(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		_, err := l.conn.Write(frame(99)[22:]) // an encoder that went on while it was away
		require.NoError(t, err)
		l.send(3)
		_, err = l.conn.Write([]byte("ID3\x04\x00\x00\x00\x00\x00\x05title"))
		require.NoError(t, err)
		l.send(3)
		_, err = l.conn.Write([]byte("noise"))
		require.NoError(t, err)
		l.send(3)
		_, err = l.conn.Write(frame(l.next)[:71])
		require.NoError(t, err)
		l.hangUp()
		require.Equal(t, upTo(9), numbers(t, g.segments("s1")))
		end := g.lines("s1")[4]
		require.Equal(t, []int64{71, 55, 15}, []int64{end.Torn, end.Junk, end.Tags})
		g.requireSealed("s1")
	})
}

// TestOpaqueSource: what is not known is kept as it is.
func TestOpaqueSource(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		var text []byte
		for i := range 10_000 {
			text = fmt.Appendf(text, "line %d\n", i)
		}
		_, err := l.conn.Write(text)
		require.NoError(t, err)
		l.hangUp()
		require.Equal(t, map[string][]byte{"1-1.bin": text}, g.segments("s1"))
		_, said := g.admin("GET", "/metrics")
		require.Contains(t, said, "deadair_recorder_opaque_segments_total 1\n")
		require.Contains(t, g.log.String(), `level=WARN msg="source sends nothing known as audio: it is kept as it comes; `)
		require.Contains(t, g.log.String(), ` mount=/show account=anna content-type=audio/mpeg`)
	})
}

// TestSourceTurnsIntoSomethingElse: it is cut into another segment there.
func TestSourceTurnsIntoSomethingElse(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.send(10)
		other := make([]byte, 200_000)
		_, err := l.conn.Write(other)
		require.NoError(t, err)
		l.hangUp()
		segments := g.segments("s1")
		require.Len(t, segments["1-1.mp3"], 720)
		require.Len(t, segments["1-2.bin"], 200_000-64<<10)
		require.Contains(t, g.types("s1"), "sealed:format segment sealed:eof")
	})
}
