package broadcaster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/broadcaster/frame"
)

// TestEventsAgreeWithWhatArrived under servers that behave at random: the witness
// claims no frame that another one saw missing, and never too much.
func TestEventsAgreeWithWhatArrived(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, all := misbehave(t, seed)
				accepted := 0
				var behind int64
				var open *Event
				for _, e := range all {
					switch {
					case e.Kind == Attempt && e.Class == Accepted:
						require.Nil(t, open, "%v", all)
						require.GreaterOrEqual(t, e.Frame, behind)
						require.Equal(t, int64((e.At-3*time.Millisecond)/frame.Light.Duration())+1, e.Frame)
						v := s.accepted()[accepted]
						accepted++
						got := s.frames(v, named(t, "ffmpeg-fifo").Preamble)
						behind = e.Frame + int64(len(got))
						require.Equal(t, run(e.Frame, behind), got)
						open = &e.Event
					case e.Kind == Lost:
						require.NotNil(t, open)
						require.GreaterOrEqual(t, e.Frame, behind, "what arrived had been handed over")
						behind, open = e.Frame, nil
					case e.Kind == OffAir:
						require.Equal(t, int64(8333), e.Frame)
					}
				}
			})
		})
	}
}

// accepted are the visits that were taken.
func (s *stage) accepted() []*visit {
	var taken []*visit
	for _, v := range s.visits {
		if v.Ended != nil {
			taken = append(taken, v)
		}
	}
	return taken
}

// misbehave plays ten minutes with servers that end connections in all ways.
func misbehave(t *testing.T, seed uint64) (*stage, []seen) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	s := newStage(t, nil)
	s.hosts[hostA] = func(v *visit) {
		if rnd.IntN(4) == 0 {
			v.say(refusal(503))
			return
		}
		v.answerAs()
		v.take(time.Duration(1 + rnd.Int64N(int64(time.Minute))))
		switch rnd.IntN(3) {
		case 0:
			v.abort()
		case 1:
			v.CloseWrite()
			v.take(time.Duration(1 + rnd.Int64N(int64(20*time.Second))))
		}
		if v.Ended == nil {
			v.Ended = errors.New("closed by the server")
		}
	}
	cfg := s.config(named(t, "ffmpeg-fifo"))
	cfg.Duration, cfg.Phase = 10*time.Minute, 3*time.Millisecond
	all := s.play(cfg)
	synctest.Wait()
	return s, all
}

// TestSameScriptSameEvents to the nanosecond.
func TestSameScriptSameEvents(t *testing.T) {
	var logs [2][]string
	for i := range logs {
		bubble(t, func(t *testing.T) {
			_, all := misbehave(t, 4711)
			for _, e := range all {
				logs[i] = append(logs[i], e.String())
			}
		})
	}
	require.Greater(t, len(logs[0]), 40)
	require.Equal(t, logs[0], logs[1])
}
