package broadcaster

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/broadcaster/frame"
)

// capturedConn is one connection of a capture that asked for the stream.
type capturedConn struct {
	accepted, closed time.Duration // by the sink, since it started; closed is zero when the client ended it
}

// capturedStreams are the connections of a capture with credentials in a head that
// is no title.
func capturedStreams(t *testing.T, capture string) []capturedConn {
	t.Helper()
	var all []capturedConn
	for n := 1; ; n++ {
		conn := "conn" + strconv.Itoa(n) + ` \+[\d.]+s `
		at := capturedTimes(t, capture, conn+"accepted")
		if len(at) == 0 {
			return all
		}
		head := regexp.MustCompile(conn + `HEAD[^\n]*\n((?:    [^\n]*\n)+)`).FindStringSubmatch(capture)
		if head == nil || strings.Contains(head[1], "GET ") || !strings.Contains(head[1], "Authorization:") {
			continue
		}
		c := capturedConn{accepted: at[0]}
		if closed := capturedTimes(t, capture, conn+"(closing|RST after)"); len(closed) > 0 {
			c.closed = closed[0]
		}
		all = append(all, c)
	}
}

// capturedLookups are the instants of a capture's questions for an address, since the first.
func capturedLookups(t *testing.T, capture string) []time.Duration {
	t.Helper()
	var at []time.Duration
	for _, m := range regexp.MustCompile(`(?m)^(\d\d\.\d+) query \S+ A `).FindAllStringSubmatch(capture, -1) {
		sec, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		d := time.Duration(sec * 1e9)
		for len(at) > 0 && d < at[len(at)-1] {
			d += time.Minute
		}
		at = append(at, d)
	}
	for i := len(at) - 1; i >= 0; i-- {
		at[i] -= at[0]
	}
	return at
}

// capturedEnd is how long the client ran, by its own end.
func capturedEnd(t *testing.T, capture string) time.Duration {
	t.Helper()
	m := regexp.MustCompile(`client exit code \d+ after ([\d.]+) s`).FindStringSubmatch(capture)
	sec, err := strconv.ParseFloat(m[1], 64)
	require.NoError(t, err)
	return time.Duration(sec * 1e9)
}

// ending is how a server ends a connection.
type ending func(*visit)

// playCapture has a persona meet the losses of a capture, each so long after the
// connection as there, and returns how long after each it came back.
func playCapture(t *testing.T, persona string, streams []capturedConn, end ending) (s *stage, back []time.Duration) {
	t.Helper()
	s = newStage(t, func(v *visit) {
		v.answerAs()
		if v.n > len(streams) || streams[v.n-1].closed == 0 {
			v.take(0)
			return
		}
		v.take(streams[v.n-1].closed - streams[v.n-1].accepted)
		end(v)
	})
	cfg := s.config(named(t, persona))
	last := streams[len(streams)-1]
	cfg.Kind, cfg.Duration = frame.Full, last.accepted-streams[0].accepted+2*time.Second
	s.play(cfg)
	synctest.Wait()
	require.GreaterOrEqual(t, len(s.visits), len(streams))
	for i, c := range streams[:len(streams)-1] {
		back = append(back, s.visits[i+1].At-s.visits[i].At-(c.closed-c.accepted))
	}
	return s, back
}

// TestComesBackAsCaptured after each loss of a capture.
func TestComesBackAsCaptured(t *testing.T) {
	closes, aborts := func(v *visit) { v.Close() }, (*visit).abort
	for capture, c := range map[string]struct {
		persona   string
		end       ending
		tolerance time.Duration
	}{
		"darkice-drop":  {"darkice", closes, 40 * time.Millisecond},
		"ezstream-drop": {"ezstream", closes, 80 * time.Millisecond},
		"ices2-drop":    {"ices2", closes, time.Second},
		"ices2-rst":     {"ices2", aborts, time.Second},
	} {
		t.Run(capture, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				streams := capturedStreams(t, readCapture(t, capture))
				var want []time.Duration
				for i, s := range streams[1:] {
					want = append(want, s.accepted-streams[i].closed)
				}
				s, back := playCapture(t, c.persona, streams, c.end)
				within(t, want, back, c.tolerance)
				require.Empty(t, of(s.events(), GaveUp))
			})
		})
	}
}

// TestClientsThatEndWithTheirConnection, or with the first refusal.
func TestClientsThatEndWithTheirConnection(t *testing.T) {
	for capture, persona := range map[string]string{
		"ffmpeg-drop": "ffmpeg", "gst-drop": "gst", "ffmpeg-503": "ffmpeg", "gst-503": "gst", "darkice-503": "darkice", "": "mixxx",
	} {
		t.Run(persona+" "+capture, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				drops := strings.HasSuffix(capture, "drop")
				s := newStage(t, func(v *visit) {
					if !drops {
						v.say(refusal(503))
						return
					}
					v.answerAs()
					v.take(2 * time.Second)
				})
				all := s.play(s.config(named(t, persona)))
				if capture != "" {
					require.Len(t, capturedStreams(t, readCapture(t, capture)), 1, "it came once")
				}
				require.Len(t, s.visits, 1)
				require.Len(t, of(all, GaveUp), 1)
				lost := map[bool]int{true: 1}[drops]
				require.Len(t, of(all, Lost), lost)
				require.Less(t, of(all, GaveUp)[0].At, 2*time.Second+3*frame.Light.Duration())
			})
		})
	}
}

func welcomeFor(d time.Duration) func(*visit) {
	return func(v *visit) {
		v.answerAs()
		v.take(d)
	}
}
