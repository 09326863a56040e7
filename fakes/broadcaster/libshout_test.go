package broadcaster

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/broadcaster/frame"
)

// TestLibshoutTriesOnce: the port is closed, or answers 503, after a loss. The
// first try reaches the network, the others do not, and the client ends when the
// capture says so.
func TestLibshoutTriesOnce(t *testing.T) {
	for capture, persona := range map[string]string{
		"ezstream-drop-down30": "ezstream", "ezstream-drop-then503": "ezstream",
		"ices2-drop-down30": "ices2", "ices2-drop-then503": "ices2",
	} {
		t.Run(capture, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				text := readCapture(t, capture)
				first := capturedStreams(t, text)[0]
				lookups := capturedLookups(t, text)
				refused := strings.HasSuffix(capture, "down30")
				s := newStage(t, nil)
				s.hosts[hostA] = func(v *visit) {
					if v.n > 1 {
						v.say(refusal(503))
						return
					}
					v.answerAs()
					v.take(first.closed - first.accepted)
					if refused {
						s.mu.Lock()
						delete(s.hosts, hostA)
						s.mu.Unlock()
					}
				}
				cfg := s.config(named(t, persona))
				cfg.Kind, cfg.Duration = frame.Full, time.Minute
				all := s.play(cfg)
				start := len(cfg.Persona.Forms) // lookups of the first connection
				if persona == "ezstream" {
					lookups = append(lookups[:start:start], lookups[start+2:]...) // its titles
				}
				require.Len(t, s.lookups, len(lookups), "the same lookups as the real one, and no more")
				require.InDelta(t, lookups[start].Seconds(), s.lookups[start].Seconds(), 1)
				tries := of(all, Attempt)
				require.Len(t, tries, 2)
				end := of(all, GaveUp)
				require.Len(t, end, 1)
				want := map[bool]Event{
					true:  {Kind: GaveUp, Peer: hostA, Class: Refused},
					false: {Kind: GaveUp, Peer: hostA, Class: Answered, Status: 503},
				}[refused]
				require.Equal(t, want, end[0].Event)
				// The real one's end includes what it needs to start and to stop.
				require.InDelta(t, (capturedEnd(t, text) - lookups[start]).Seconds(), (end[0].At - s.lookups[start]).Seconds(), 0.5)
			})
		})
	}
}

// TestMixxxTriesTenTimes: at once, then every 5 s: 45 s in all.
func TestMixxxTriesTenTimes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, nil)
		s.hosts[hostA] = func(v *visit) {
			if v.n > 1 {
				v.say(refusal(403))
				return
			}
			v.answerAs()
			v.take(20 * time.Second)
		}
		all := s.play(s.config(named(t, "mixxx")))
		tries := instants(of(all, Attempt))[1:]
		require.Len(t, tries, 10)
		require.InDelta(t, of(all, Lost)[0].At.Seconds(), tries[0].Seconds(), 0.01)
		for _, gap := range gaps(tries) {
			require.InDelta(t, 5, gap.Seconds(), 0.01)
		}
		require.InDelta(t, 45, (of(all, GaveUp)[0].At - tries[0]).Seconds(), 0.1)
		require.Len(t, s.asked, 11, "before each it asks without credentials")
	})
}

// TestMixxxCountsAnewAfterEachSuccess: nine refusals between two of them.
func TestMixxxCountsAnewAfterEachSuccess(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			if v.n%10 != 1 {
				v.say(refusal(403))
				return
			}
			welcomeFor(20 * time.Second)(v)
		})
		all := s.play(s.config(named(t, "mixxx")))
		require.Empty(t, of(all, GaveUp))
		require.Greater(t, len(of(all, Lost)), 10)
	})
}

// TestAPhoneRestsTenSeconds after whatever happens, also before its first success.
func TestAPhoneRestsTenSeconds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			if v.n < 4 {
				v.say(refusal(403))
				return
			}
			welcomeFor(5 * time.Second)(v)
		})
		cfg := s.config(named(t, "mobile"))
		cfg.Duration = 10 * time.Minute
		all := s.play(cfg)
		require.Empty(t, of(all, GaveUp))
		tries := instants(of(all, Attempt))
		for i, gap := range gaps(tries) {
			want := 10.0
			if i >= 3 {
				want = 15
			}
			require.InDelta(t, want, gap.Seconds(), 0.15, "%v", tries)
		}
	})
}

// TestLibshoutAsksBeforeItSends: the questions of a capture, each on a connection
// and after a lookup of its own, none of them reported as an attempt.
func TestLibshoutAsksBeforeItSends(t *testing.T) {
	for persona, want := range map[string][]string{
		"ezstream": {"SOURCE /live HTTP/1.0"},
		"gst":      {"OPTIONS * HTTP/1.1", "GET /admin/!POKE HTTP/1.1", "SOURCE /live HTTP/1.0"},
	} {
		bubble(t, func(t *testing.T) {
			s := newStage(t, welcome)
			cfg := s.config(named(t, persona))
			cfg.Duration = time.Minute
			all := s.play(cfg)
			var asked []string
			for _, v := range s.asked {
				line, _, _ := strings.Cut(string(v.Head), "\r\n")
				asked = append(asked, line)
				require.NotContains(t, string(v.Head), "Authorization")
			}
			require.Equal(t, want, asked)
			require.Len(t, s.lookups, len(want)+1)
			require.Len(t, of(all, Attempt), 1)
		})
	}
}

// TestAQuestionThatIsNotAnsweredIsAFailedTry.
func TestAQuestionThatIsNotAnsweredIsAFailedTry(t *testing.T) {
	for class, serve := range map[Class]func(*visit){Reset: (*visit).abort, Answered: func(v *visit) { v.say(refusal(403)) }} {
		bubble(t, func(t *testing.T) {
			s := newStage(t, serve)
			s.rude = true
			cfg := s.config(named(t, "ezstream"))
			all := s.play(cfg)
			require.Equal(t, class, of(all, Attempt)[0].Class)
			require.Len(t, s.visits, 1)
			require.Len(t, of(all, GaveUp), 1)
		})
	}
}
