package broadcaster

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/broadcaster/frame"
)

// TestButtTriesAndGivesUp by the code of the refusal.
func TestButtTriesAndGivesUp(t *testing.T) {
	cases := map[string]struct {
		put, source string // answers; empty: closes
		gaveUp      int    // status, 0: never
		visits      int    // in 10 s
	}{
		"403 for ever, five times a second": {put: refusal(403), visits: 50},
		"401":                               {put: refusal(401), gaveUp: 401, visits: 1},
		"409":                               {put: refusal(409), gaveUp: 409, visits: 1},
		"429":                               {put: refusal(429), gaveUp: 429, visits: 1},
		"500":                               {put: refusal(500), gaveUp: 500, visits: 1},
		"503":                               {put: refusal(503), gaveUp: 503, visits: 1},
		"302":                               {put: refusal(302), gaveUp: 302, visits: 1},
		"100 and 403 behind it":             {put: ok100 + refusal(403), visits: 50},
		"100 and 401 behind it":             {put: ok100 + refusal(401), gaveUp: 401, visits: 1},
		"PUT closed, SOURCE taken":          {source: ok200, visits: 2},
		"PUT 404, SOURCE taken":             {put: refusal(404), source: ok200, visits: 2},
		"PUT 400, SOURCE taken":             {put: refusal(400), source: ok200, visits: 2},
		"both 404":                          {put: refusal(404), source: refusal(404), gaveUp: 404, visits: 2},
		"PUT closed, SOURCE 503":            {source: refusal(503), gaveUp: 503, visits: 2},
		"both closed":                       {visits: 100},
		"no code at all":                    {put: "OK2\r\n\r\n", visits: 50},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t, func(v *visit) {
					answer := c.put
					if strings.HasPrefix(string(v.Head), "SOURCE ") {
						answer = c.source
					}
					v.say(answer)
					if answer == ok200 {
						v.take(0)
					}
				})
				cfg := s.config(named(t, "butt"))
				cfg.Duration = 10 * time.Second
				all := s.play(cfg)
				require.Len(t, s.visits, c.visits)
				if c.gaveUp == 0 {
					require.Empty(t, of(all, GaveUp))
				} else {
					end := of(all, GaveUp)
					require.Equal(t, []Event{{Kind: GaveUp, Peer: hostA, Class: Answered, Status: c.gaveUp}}, []Event{end[0].Event})
					require.Equal(t, OffAir, all[len(all)-1].Kind, "the show goes on without it")
				}
				require.Equal(t, c.source == ok200, of(all, Attempt)[len(of(all, Attempt))-1].Class == Accepted)
			})
		})
	}
}

// TestButtComesBack a second after it looked: between 1 and 1.5 s after the loss.
func TestButtComesBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			v.take(5123 * time.Millisecond)
		})
		cfg := fine(s.config(named(t, "butt")))
		cfg.Duration = 5 * time.Minute
		all := s.play(cfg)
		lost, tried := of(all, Lost), of(all, Attempt)
		require.Greater(t, len(lost), 40)
		for i, l := range lost[:len(lost)-1] {
			require.InDelta(t, 1.25, (tried[i+1].At - l.At).Seconds(), 0.26)
			require.Equal(t, skewOf(cfg.Name), tried[i+1].At%(500*time.Millisecond), "it looks twice a second")
		}
	})
}

func skewOf(name string) time.Duration {
	return time.Duration(frame.ID(name) % uint32(time.Millisecond))
}

// TestButtWaitsFiveSecondsForAnAnswer and tries again, with PUT.
func TestButtWaitsFiveSecondsForAnAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) { v.take(0) })
		cfg := s.config(named(t, "butt"))
		cfg.Duration = time.Minute
		all := s.play(cfg)
		for _, e := range of(all, Attempt) {
			require.Equal(t, Event{Kind: Attempt, Peer: hostA, Class: Timeout, Took: 5 * time.Second}, e.Event)
		}
		for _, v := range s.visits {
			require.True(t, strings.HasPrefix(string(v.Head), "PUT "))
		}
		within(t, []time.Duration{5200 * time.Millisecond, 5200 * time.Millisecond}, gaps(instants(of(all, Attempt)))[:2], 2*time.Millisecond)
	})
}
