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

// capturedTimes are the instants of a capture's log lines that contain a text.
func capturedTimes(t testing.TB, capture, text string) []time.Duration {
	t.Helper()
	_, log, _ := strings.Cut(capture, "## sink")
	line := regexp.MustCompile(`(?m)^\[ *([\d.]+)\] .*` + text)
	var at []time.Duration
	for _, m := range line.FindAllStringSubmatch(log, -1) {
		sec, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		at = append(at, time.Duration(sec*1e9))
	}
	return at
}

func within(t testing.TB, want, got []time.Duration, tolerance time.Duration) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.InDelta(t, want[i].Seconds(), got[i].Seconds(), tolerance.Seconds(), "%d: want %v, got %v", i, want, got)
	}
}

// TestFfmpegRetriesAsCaptured plays the script of a capture: an end of file, then
// 503 for a while.
func TestFfmpegRetriesAsCaptured(t *testing.T) {
	capture := readCapture(t, "ffmpeg-fifo-then503")
	accepted := capturedTimes(t, capture, "accepted from")[:10] // the stream, eight refusals, the stream again
	closed := capturedTimes(t, capture, "closing")[0]
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			switch {
			case v.n == 1:
				v.answerAs()
				v.take(closed - accepted[0])
			case v.n <= 9:
				v.say(refusal(503))
			default:
				welcome(v)
			}
		})
		cfg := s.config(named(t, "ffmpeg-fifo"))
		cfg.Kind, cfg.Duration = frame.Full, 15*time.Second
		all := s.play(cfg)
		require.Len(t, s.visits, 10)
		var at []time.Duration
		for _, v := range s.visits {
			at = append(at, v.At)
		}
		within(t, gaps(accepted), gaps(at), 60*time.Millisecond)
		require.Equal(t, 503, of(all, Attempt)[1].Status)
		require.Less(t, s.visits[1].At-(closed-accepted[0]), 60*time.Millisecond, "back at once after the loss")
	})
}

// TestFfmpegKnocksAtAClosedPort every second for ever, as the lookups of a capture show.
func TestFfmpegKnocksAtAClosedPort(t *testing.T) {
	looked := regexp.MustCompile(`(?m)^(\d\d\.\d+) query \S+ A `).FindAllStringSubmatch(readCapture(t, "ffmpeg-fifo-down20"), -1)
	var at []time.Duration
	for _, m := range looked[1:21] { // the lookups while the port was closed
		sec, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		d := time.Duration(sec * 1e9)
		if len(at) > 0 && d < at[0] {
			d += time.Minute
		}
		at = append(at, d)
	}
	bubble(t, func(t *testing.T) {
		s := newStage(t, nil)
		delete(s.hosts, hostA)
		cfg := s.config(named(t, "ffmpeg-fifo"))
		cfg.Duration = time.Hour
		all := s.play(cfg)
		within(t, gaps(at), gaps(s.lookups)[:19], 50*time.Millisecond)
		require.InDelta(t, 3600, len(s.lookups), 10)
		require.Empty(t, of(all, GaveUp))
		for _, e := range of(all, Attempt) {
			require.Equal(t, Event{Kind: Attempt, Peer: hostA, Class: Refused}, e.Event)
		}
	})
}

// TestLiquidsoapComesBackAsCaptured after an end of file, in the middle of its second.
func TestLiquidsoapComesBackAsCaptured(t *testing.T) {
	capture := readCapture(t, "liquidsoap-drop")
	all := capturedTimes(t, capture, "accepted from")
	accepted := append(all[:1:1], all[2:]...) // the second one is a title
	closed := capturedTimes(t, capture, "closing")
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			v.take(3800 * time.Millisecond)
		})
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Kind, cfg.Duration = frame.Full, 16*time.Second
		s.play(cfg)
		synctest.Wait()
		for i := range 2 {
			want := accepted[i+1] - closed[i]
			got := s.visits[i+1].At - (s.visits[i].At + 3800*time.Millisecond)
			require.InDelta(t, want.Seconds(), got.Seconds(), 0.1, "loss %d", i)
		}
	})
}

// TestLiquidsoapRetriesAsCaptured every 4 s when it is refused quickly.
func TestLiquidsoapRetriesAsCaptured(t *testing.T) {
	for _, status := range []int{302, 401, 403, 404, 409, 503} {
		bubble(t, func(t *testing.T) {
			s := newStage(t, func(v *visit) { v.say(refusal(status)) })
			cfg := s.config(named(t, "liquidsoap"))
			cfg.Duration = time.Hour
			all := s.play(cfg)
			require.Empty(t, of(all, GaveUp))
			want := gaps(capturedTimes(t, readCapture(t, "liquidsoap-503"), "accepted from"))[1:]
			got := gaps(instants(of(all, Attempt)))
			within(t, want, got[:2], 10*time.Millisecond)
			require.Len(t, instants(of(all, Attempt)), 900)
			require.Equal(t, status, of(all, Attempt)[7].Status)
		})
	}
}

// TestLiquidsoapLosesPatienceAsCaptured: 30 s for an answer, the next attempt 3.9 s later.
func TestLiquidsoapLosesPatienceAsCaptured(t *testing.T) {
	capture := readCapture(t, "liquidsoap-silent")
	accepted := capturedTimes(t, capture, "accepted from")
	gone := capturedTimes(t, capture, "body end")[0]
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) { v.take(0) })
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Phase = 2 * time.Millisecond
		cfg.Duration = time.Minute
		all := s.play(cfg)
		first := of(all, Attempt)[0]
		require.InDelta(t, (gone - accepted[0]).Seconds(), first.Took.Seconds(), 0.1)
		require.Equal(t, Timeout, first.Class)
		require.InDelta(t, (accepted[1] - gone).Seconds(), (s.visits[1].At - first.At).Seconds(), 1, "its second began elsewhere")
	})
}

// TestFfmpegWaitsForEver for an answer.
func TestFfmpegWaitsForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) { v.take(0) })
		all := s.play(s.config(named(t, "ffmpeg-fifo")))
		require.Len(t, s.visits, 1)
		require.Empty(t, of(all, Attempt))
	})
}
