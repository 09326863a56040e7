package broadcaster

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/broadcaster/frame"
)

// TestAnAnswerThatIsNotRead: ffmpeg sends on behind a refusal, until the server
// closes two seconds later, as in the captures, and ends. The witness knows that it
// was refused.
func TestAnAnswerThatIsNotRead(t *testing.T) {
	for persona, capture := range map[string]string{"ffmpeg-legacy": "ffmpeg-legacy-401", "ffmpeg-http": "ffmpeg-httppost-401"} {
		t.Run(persona, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				require.Len(t, capturedStreams(t, readCapture(t, capture)), 1)
				s := newStage(t, func(v *visit) {
					v.say(refusal(401))
					v.take(2 * time.Second)
				})
				cfg := fine(s.config(named(t, persona)))
				cfg.Kind = frame.Full
				all := s.play(cfg)
				require.Equal(t, []seen{{0, Event{Kind: Attempt, Peer: hostA, Class: Answered, Status: 401}}}, of(all, Attempt))
				require.Empty(t, of(all, Lost), "it never had the stream")
				end := of(all, GaveUp)
				require.Len(t, end, 1)
				require.Equal(t, Event{Kind: GaveUp, Peer: hostA, Class: Answered, Status: 401}, end[0].Event)
				require.InDelta(t, 2.03, end[0].At.Seconds(), 0.05)
				require.InDelta(t, 30_556, len(s.visits[0].Body), 2500, "bytes that the capture's sink read")
			})
		})
	}
}

// TestAnAcceptanceThatComesLate: the stream began before it.
func TestAnAcceptanceThatComesLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			time.Sleep(5 * time.Second)
			welcome(v)
		})
		cfg := s.config(named(t, "ffmpeg-legacy"))
		cfg.Duration = time.Minute
		all := s.play(cfg)
		synctest.Wait()
		require.Equal(t, []seen{{5 * time.Second, Event{Kind: Attempt, Peer: hostA, Class: Accepted, Frame: 1, Took: 5 * time.Second}}}, of(all, Attempt))
		require.Equal(t, run(1, 833), s.frames(s.visits[0], ffmpegTag))
	})
}

// TestNoAnswerAtAll: the connection ends before there is one.
func TestNoAnswerAtAll(t *testing.T) {
	for class, end := range map[Class]ending{Reset: (*visit).abort, EOF: func(v *visit) { v.Close() }} {
		bubble(t, func(t *testing.T) {
			s := newStage(t, func(v *visit) {
				v.take(5 * time.Second)
				end(v)
			})
			all := s.play(s.config(named(t, "ffmpeg-legacy")))
			tries := of(all, Attempt)
			require.Len(t, tries, 1)
			require.Equal(t, class, tries[0].Class)
			require.Empty(t, of(all, Lost))
			require.Len(t, of(all, GaveUp), 1)
		})
	}
}

// TestAnAnswerThatIsReadTooLate: it was there, but the client wrote all the time.
func TestAnAnswerThatIsReadTooLate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			time.Sleep(3 * time.Second)
			v.say(ok200)
			time.Sleep(time.Second)
			v.abort()
		})
		s.window = 100
		all := s.play(s.config(named(t, "ffmpeg-legacy")))
		require.Equal(t, Accepted, of(all, Attempt)[0].Class)
		require.Equal(t, Reset, of(all, Lost)[0].Class)
		require.Equal(t, Reset, of(all, GaveUp)[0].Class)
	})
}

// TestICY asks on the next port, and tells of its stream behind the OK only.
func TestICY(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, welcome)
		cfg := s.config(named(t, "liquidsoap-icy"))
		cfg.Duration = time.Minute
		all := s.play(cfg)
		synctest.Wait()
		v := s.visits[0]
		require.Equal(t, 8001, v.port)
		require.Equal(t, "source:hackme\r\n", string(v.Head))
		require.Equal(t, "icy-name:us-east-01\r\nicy-pub:0\r\nicy-br:8\r\ncontent-type:audio/mpeg\r\n\r\n", string(v.Fields))
		require.Equal(t, run(1, 833), s.frames(v, ""))
		require.Len(t, of(all, Attempt), 1)
	})
	for answer, class := range map[string]Class{"": EOF, "invalid password\r\n": EOF, "HTTP/1.0 403 Forbidden\r\n\r\n": Answered} {
		bubble(t, func(t *testing.T) {
			s := newStage(t, func(v *visit) { v.say(answer) })
			cfg := s.config(named(t, "liquidsoap-icy"))
			cfg.Duration = time.Minute
			all := s.play(cfg)
			require.Equal(t, Event{Kind: Attempt, Peer: hostA, Class: class}, of(all, Attempt)[0].Event)
			require.Len(t, of(all, Attempt), 15, "it tries again every 4 s")
		})
	}
}

// TestChunkedBodies are whole at the end, and end with the last chunk.
func TestChunkedBodies(t *testing.T) {
	for _, persona := range []string{"ffmpeg-http", "liquidsoap-chunked"} {
		bubble(t, func(t *testing.T) {
			s := newStage(t, welcome)
			cfg := s.config(named(t, persona))
			cfg.Duration = 10 * time.Second
			s.play(cfg)
			synctest.Wait()
			require.Equal(t, run(1, 138), s.frames(s.visits[0], cfg.Persona.Preamble))
			require.True(t, bytes.HasSuffix(s.visits[0].Body, []byte("\r\n0\r\n\r\n")))
		})
	}
}

// TestAChunkThatIsTorn: what went out of it counts in whole frames, and nothing follows.
func TestAChunkThatIsTorn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			time.Sleep(7500 * time.Millisecond)
			v.take(0)
		})
		s.window = 2000 // two chunks are more
		cfg := s.config(named(t, "liquidsoap-chunked"))
		cfg.Duration = 7200 * time.Millisecond
		s.play(cfg)
		synctest.Wait()
		require.Len(t, s.visits[0].Body, s.window)
		require.Equal(t, run(1, 28), s.frames(s.visits[0], ""))
	})
}

// TestAChunksLengthIsNoAudio: of the second chunk its length went out, and all but
// a byte of a frame.
func TestAChunksLengthIsNoAudio(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			time.Sleep(10 * time.Minute)
		})
		const length, frames = len("3F0\r\n"), 14
		s.window = length + frames*frame.Light.Size() + len("\r\n") + length + frame.Light.Size() - 1
		cfg := s.config(named(t, "liquidsoap-chunked"))
		cfg.Duration = time.Minute
		require.Equal(t, int64(1+frames), of(s.play(cfg), Lost)[0].Frame)
		time.Sleep(10 * time.Minute)
	})
}
