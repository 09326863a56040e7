package recorder_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder/manifest"
)

// TestKillLosesNothing: all that reached the recorder is there after a kill.
func TestKillLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(3*time.Second + 300*time.Millisecond)
		g.kill()
		require.Equal(t, upTo(l.next), numbers(t, g.segments("s1")))

		g.start()
		require.Equal(t, "session source segment sealed:crash ended:crash", g.types("s1"))
		g.requireSealed("s1")
		_, s := g.get("/sessions?mount=/show")
		requireLeft(t, 5*time.Minute, s)
		delete(s, "until")
		delete(s, "left_ms")
		require.Equal(t, map[string]any{
			"mount": "/show", "session": "s1", "account": "anna", "epoch": 1.0, "live": false, "guessed": false,
		}, s)
		next := g.onAir(show("s1", 2))
		next.next = l.next
		next.send(10)
		next.hangUp()
		require.Equal(t, upTo(l.next+10), numbers(t, g.segments("s1")))
	})
}

// TestPowerCutLosesASecond at most, at whatever instant it comes.
func TestPowerCutLosesASecond(t *testing.T) {
	for i := range 40 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *rig) {
				g.start()
				l := g.onAir(show("s1", 1))
				l.play(2*time.Second + time.Duration(i)*53*time.Millisecond)
				g.powerCut()
				kept := numbers(t, g.segments("s1"))
				require.Equal(t, upTo(uint64(len(kept))), kept)
				lost := time.Duration(int(l.next)-len(kept)) * frameTime
				require.LessOrEqual(t, lost, time.Second)
				g.start()
				g.requireSealed("s1")
				require.Equal(t, kept, numbers(t, g.segments("s1")), "recovery keeps what there was")
				_, s := g.get("/sessions?mount=/show")
				require.EqualValues(t, 1, s["epoch"])
			})
		})
	}
}

// TestNothingIsSyncedForNothing: an idle recorder and a quiet source cost no syncs.
func TestNothingIsSyncedForNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.DiskInterval = 24 * time.Hour
		g.start()
		l := g.onAir(show("s1", 1))
		l.send(10)
		time.Sleep(2 * time.Second)
		before := g.mount.Changes()
		time.Sleep(20 * time.Second)
		require.Equal(t, before, g.mount.Changes())
		l.hangUp()
	})
}

// The sessions of a story, called as the system calls them.
const (
	storyA = "019a0c3f5e21000000000000000a"
	storyB = "019a0c3f5e21000000000000000b"
	storyC = "019a0c3f5e21000000000000000c"
)

// story is a short life of a recorder: two shows, reconnects, a title, segments that
// end. It notes what it was promised, and stops at the first sign of the recorder's
// death.
type story struct {
	g     *rig
	dies  int // the change of the disk that does not happen any more; 0: none
	epoch map[string]int64
	// sent is when each frame of a session was sent, until a second before the end.
	sent  map[string][]time.Time
	alive time.Time // the last instant at which the recorder was
}

func (s *story) dead() bool {
	if s.dies > 0 && s.g.mount.Changes() >= s.dies {
		return true
	}
	s.alive = time.Now()
	return false
}

// air brings a source on air, plays, and hangs up; it gives up when the recorder dies.
func (s *story) air(mount, session string, epoch int64, length time.Duration) {
	if s.dead() {
		return
	}
	conn, reply, err := s.g.offer(ask{mount: mount, session: session, account: "anna", epoch: epoch})
	if err != nil || reply.Status != 200 {
		require.True(s.g.t, s.dead(), "refused by a living recorder: %v %v", reply, err)
		return
	}
	s.epoch[session] = epoch
	for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(frameTime) {
		if s.dead() {
			return
		}
		if _, err := conn.Write(frame(uint64(len(s.sent[session])))); err != nil {
			synctest.Wait()
			require.True(s.g.t, s.dead(), "cut off by a living recorder")
			return
		}
		s.sent[session] = append(s.sent[session], time.Now())
	}
	_ = conn.Close()
	synctest.Wait()
}

func (s *story) tell() {
	s.epoch, s.sent = map[string]int64{}, map[string][]time.Time{}
	s.air("/a", storyA, 1, 3*time.Second)
	s.air("/a", storyA, 2, time.Second)
	s.air("/b", storyB, 1, 1500*time.Millisecond)
	s.air("/a", storyC, 3, time.Second)
	s.dead()
}

// requireKept checks that what was promised is on the disk of a recovered recorder.
func (s *story) requireKept(slack time.Duration) {
	t := s.g.t
	for session, epoch := range s.epoch {
		state, ok := manifest.Replay(s.g.lines(session))
		require.True(t, ok, session)
		require.GreaterOrEqual(t, state.Epoch, epoch)
		s.g.requireSealed(session)
		kept := numbers(t, s.g.segments(session))
		require.True(t, slices.IsSorted(kept))
		for n, at := range s.sent[session] {
			if s.alive.Sub(at) > slack && !slices.Contains(kept, uint64(n)) {
				t.Fatalf("frame %d of %s, sent %v before the end, is lost; %d are there", n, session, s.alive.Sub(at), len(kept))
			}
		}
	}
	m := s.g.disk.Mount()
	defer m.Unmount()
	entries, err := m.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		if e.IsDir() {
			_, ok := manifest.Replay(s.g.lines(e.Name()))
			require.True(t, ok, "%s is left over from nothing", e.Name())
		}
	}
	if _, begun := s.epoch[storyC]; begun {
		require.Contains(t, s.g.types(storyA), "finished:superseded")
	}
	// The mount's last session answers for it, and old epochs stay out.
	for mount, sessions := range map[string][]string{"/a": {storyC, storyA}, "/b": {storyB}} {
		for _, session := range sessions {
			epoch, ok := s.epoch[session]
			if !ok {
				continue
			}
			status, answer := s.g.get("/sessions?mount=" + mount)
			require.Equal(t, 200, status, "%s is forgotten", mount)
			require.Contains(t, []any{session, storyC}, answer["session"]) // c may have come without being told so
			require.GreaterOrEqual(t, answer["epoch"], float64(epoch))
			s.g.refused(ask{mount: mount, session: session, account: "anna", epoch: epoch}, 409)
			break
		}
	}
}

func storyConfig(g *rig) {
	g.cfg.SegmentLength = 1200 * time.Millisecond
	g.cfg.DiskInterval = 24 * time.Hour
}

// TestDeathAtEveryStep stops the recorder at each change that it makes to its disk,
// then takes nothing, all or part of what was not synced, and starts it again.
func TestDeathAtEveryStep(t *testing.T) {
	total := 0
	inBubble(t, func(t *testing.T, g *rig) {
		storyConfig(g)
		g.start()
		s := &story{g: g}
		s.tell()
		require.Equal(t, map[string]int64{storyA: 2, storyB: 1, storyC: 3}, s.epoch)
		total = g.mount.Changes()
		s.requireKept(0)
	})
	require.Greater(t, total, 100)
	for _, way := range []string{"kill", "power cut", "torn"} {
		t.Run(way, func(t *testing.T) {
			for step := 1; step <= total; step++ {
				dieAt(t, step, way)
			}
		})
	}
}

func dieAt(t *testing.T, step int, way string) {
	defer func() {
		if t.Failed() {
			t.Logf("died at step %d by %s", step, way)
		}
	}()
	inBubble(t, func(t *testing.T, g *rig) {
		storyConfig(g)
		g.startOn(g.disk.MountFor(step))
		if len(g.ended) > 0 {
			<-g.ended // it died before it listened
			g.cancel()
			g.cancel = nil
		}
		s := &story{g: g, dies: step}
		slack := time.Second
		if g.cancel != nil {
			s.tell()
			g.kill()
		}
		switch way {
		case "kill":
			slack = frameTime // the frame on its way
		case "power cut":
			g.disk.PowerCut()
		case "torn":
			g.disk.PowerCutTorn(rand.New(rand.NewPCG(uint64(step), 0)))
		}
		g.start()
		s.requireKept(slack)
		g.powerCut() // what recovery did is durable
		g.start()
		s.requireKept(slack)
		g.stop()
		g.start()
		require.LessOrEqual(t, g.mount.Changes(), 12, "there is nothing left to repair")
	})
}

// TestDeathDuringRecovery: recovery that is cut off at any step is made good by the next.
func TestDeathDuringRecovery(t *testing.T) {
	for step := 1; ; step++ {
		done := false
		inBubble(t, func(t *testing.T, g *rig) {
			storyConfig(g)
			g.start()
			s := &story{g: g}
			s.tell()
			l := g.onAir(ask{mount: "/a", session: storyC, account: "anna", epoch: 4})
			l.next = uint64(len(s.sent[storyC]))
			l.play(time.Second)
			_, err := l.conn.Write([]byte{0xFF, 0xE3})
			require.NoError(t, err)
			g.powerCut()
			g.startOn(g.disk.MountFor(step))
			if len(g.ended) == 0 {
				g.kill()
				done = g.mount.Changes() < step
			} else {
				<-g.ended
				g.cancel()
			}
			g.disk.PowerCut()
			g.start()
			s.epoch[storyC] = 4
			s.requireKept(0)
		})
		if done || t.Failed() {
			require.Greater(t, step, 5)
			return
		}
	}
}
