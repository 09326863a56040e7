package broadcaster

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/broadcaster/frame"
)

// TestDarkiceKnocksAtAClosedPort ten times at once, then every second, as the
// lookups of a capture show.
func TestDarkiceKnocksAtAClosedPort(t *testing.T) {
	text := readCapture(t, "darkice-drop-down30")
	first := capturedStreams(t, text)[0]
	looked := capturedLookups(t, text)[1:40] // from the loss on, while the port was closed
	bubble(t, func(t *testing.T) {
		s := newStage(t, nil)
		s.hosts[hostA] = func(v *visit) {
			v.answerAs()
			v.take(first.closed - first.accepted)
			s.mu.Lock()
			delete(s.hosts, hostA)
			s.mu.Unlock()
		}
		cfg := s.config(named(t, "darkice"))
		cfg.Kind = frame.Full
		all := s.play(cfg)
		got := s.lookups[1:40]
		require.Empty(t, of(all, GaveUp))
		within(t, gaps(looked)[:9], gaps(got)[:9], 5*time.Millisecond)
		for i, want := range gaps(looked)[9:] {
			require.InDelta(t, want.Seconds(), gaps(got)[9+i].Seconds(), 0.02)
		}
	})
}

// TestDarkiceSendsOnAfterARefusal until the server closes: what the capture's sink
// read behind its 503, for two seconds each.
func TestDarkiceSendsOnAfterARefusal(t *testing.T) {
	text := readCapture(t, "darkice-drop-then503")
	streams := capturedStreams(t, text)[:6] // the stream, four refusals, the stream again
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			switch v.n {
			case 1:
				v.answerAs()
				v.take(streams[0].closed - streams[0].accepted)
			case 2, 3, 4, 5:
				v.say(refusal(503))
				v.take(2 * time.Second)
			default:
				welcome(v)
			}
		})
		cfg := s.config(named(t, "darkice"))
		cfg.Kind, cfg.Duration = frame.Full, 20*time.Second
		all := s.play(cfg)
		synctest.Wait()
		require.Len(t, s.visits, 6)
		for i, v := range s.visits[1:5] {
			require.NotEmpty(t, s.frames(v, ""))
			require.InDelta(t, (streams[i+2].accepted - streams[i+1].accepted).Seconds(), (s.visits[i+2].At - v.At).Seconds(), 0.1)
		}
		tries := of(all, Attempt)
		require.Len(t, tries, 6)
		for _, e := range tries[1:5] {
			require.Equal(t, Event{Kind: Attempt, Peer: hostA, Class: Answered, Status: 503}, e.Event)
		}
		require.Len(t, of(all, Lost), 1, "what was refused is not lost")
		require.Equal(t, uint64(tries[5].Frame), s.frames(s.visits[5], "")[0])
	})
}
