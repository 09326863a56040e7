package broadcaster

import (
	"context"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/broadcaster/frame"
)

// TestLossIsNoticedByWriting: a client that does not look notices within two
// frames, although it is written to in chunks of a second here.
func TestLossIsNoticedByWriting(t *testing.T) {
	const cut = 5300 * time.Millisecond
	cases := map[string]struct {
		end   func(*visit)
		class Class
	}{
		"closed": {func(v *visit) { v.Close() }, EOF},
		"reset":  {(*visit).abort, Reset},
	}
	for name, c := range cases {
		for _, p := range Personas() {
			t.Run(name+" "+p.Name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := newStage(t, func(v *visit) {
						v.answerAs()
						v.take(cut)
						c.end(v)
					})
					cfg := s.config(p)
					cfg.Duration = 6 * time.Second
					lost := of(s.play(cfg), Lost)[0]
					require.Equal(t, c.class, lost.Class)
					require.Equal(t, hostA, lost.Peer)
					require.GreaterOrEqual(t, lost.At, cut)
					require.LessOrEqual(t, lost.At, cut+2*frame.Light.Duration())
					got := s.frames(s.visits[0], p.Preamble)
					require.Equal(t, run(1, 71), got, "what was written by 5.3 s: five chunks of 14")
					handed := map[Class]int64{EOF: 74, Reset: 71}[c.class]
					require.Equal(t, handed, lost.Frame, "behind an end of file one write still succeeds: the frames up to then")
				})
			})
		}
	}
}

// TestAClientThatLooksNoticesAtOnce.
func TestAClientThatLooksNoticesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			v.take(5300 * time.Millisecond)
		})
		p := named(t, "liquidsoap")
		p.NoticesClose = true
		cfg := s.config(p)
		cfg.Duration = 6 * time.Second
		require.Equal(t, []seen{{5300 * time.Millisecond, Event{Kind: Lost, Peer: hostA, Class: EOF, Frame: 71}}}, of(s.play(cfg), Lost))
	})
}

// TestHalfClosedIsNotLost: a peer that only stops sending goes on to get all frames.
func TestHalfClosedIsNotLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var chunks []int
		s := newStage(t, func(v *visit) {
			v.answerAs()
			v.CloseWrite()
			b := make([]byte, 64<<10)
			for {
				n, err := v.Read(b)
				v.Body = append(v.Body, b[:n]...)
				if err != nil {
					return
				}
				chunks = append(chunks, n)
			}
		})
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Duration = time.Minute
		require.Empty(t, of(s.play(cfg), Lost))
		synctest.Wait()
		require.Equal(t, run(1, 833), s.frames(s.visits[0], ""))
		require.Equal(t, frame.Light.Size(), chunks[0], "finely at first")
		require.Equal(t, 14*frame.Light.Size(), chunks[len(chunks)-2], "in chunks again later")
	})
}

// TestStall: the peer stops reading, and what the system holds for it is full after some seconds.
func TestStall(t *testing.T) {
	cases := map[string]time.Duration{"liquidsoap": 30 * time.Second, "butt": 10 * time.Second}
	for persona, patience := range cases {
		t.Run(persona, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t, func(v *visit) {
					v.answerAs()
					time.Sleep(10 * time.Minute)
				})
				s.window = 10_100 // 140 frames and a bit: ten chunks fit
				cfg := s.config(named(t, persona))
				cfg.Duration = 2 * time.Minute
				lost := of(s.play(cfg), Lost)[0]
				blocked := 154 * frame.Light.Duration() // when the eleventh chunk was written
				require.Equal(t, blocked+patience, lost.At)
				require.Equal(t, Event{Kind: Lost, Peer: hostA, Class: Timeout, Frame: 141}, lost.Event, "a piece of frame 141 went out")
				time.Sleep(10 * time.Minute)
			})
		})
	}
}

// TestStallThatHeals: ffmpeg has all the patience, and what it produced meanwhile follows.
func TestStallThatHeals(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			time.Sleep(5 * time.Minute)
			v.take(0)
		})
		s.window = 10_100
		cfg := s.config(named(t, "ffmpeg-fifo"))
		cfg.Duration = 10 * time.Minute
		require.Empty(t, of(s.play(cfg), Lost))
		synctest.Wait()
		require.Equal(t, run(1, 8333), s.frames(s.visits[0], ffmpegTag))
	})
}

// TestStallOfAHalfClosedPeerIsATimeout, not the end of file long before.
func TestStallOfAHalfClosedPeerIsATimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			v.CloseWrite()
			time.Sleep(10 * time.Minute)
		})
		s.window = 10_100
		cfg := s.config(named(t, "butt"))
		cfg.Duration = time.Minute
		require.Equal(t, Timeout, of(s.play(cfg), Lost)[0].Class)
		time.Sleep(10 * time.Minute)
	})
}

// TestResetBeforeTheFirstFrame: nothing was handed over.
func TestResetBeforeTheFirstFrame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			time.Sleep(time.Millisecond)
			v.abort()
		})
		cfg := s.config(named(t, "ffmpeg-fifo"))
		cfg.Duration = time.Second
		all := s.play(cfg)
		tries, lost := of(all, Attempt), of(all, Lost)
		require.NotEmpty(t, lost)
		require.Less(t, len(lost), 30, "paced by its frames")
		for i, l := range lost {
			require.Equal(t, tries[i].Frame, l.Frame)
		}
	})
}

func TestDrop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, welcome)
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Duration = 20 * time.Second
		b, err := New(cfg)
		require.NoError(t, err)
		require.False(t, b.Drop(), "nothing to drop before the show")
		done := make(chan error)
		go func() { done <- b.Run(t.Context()) }()
		time.Sleep(5300 * time.Millisecond)
		require.True(t, b.Drop())
		synctest.Wait()
		require.False(t, b.Drop(), "it rests")
		require.NoError(t, <-done)
		require.False(t, b.Drop(), "nothing to drop after it")
		all := s.events()
		require.Equal(t, []seen{{5300 * time.Millisecond, Event{Kind: Lost, Peer: hostA, Class: Dropped, Frame: 71}}}, of(all, Lost), "it notices at once")
		require.ErrorIs(t, s.visits[0].Ended, syscall.ECONNRESET, "the peer sees a reset")
		back := of(all, Attempt)[1]
		require.InDelta(t, 9, back.At.Seconds(), 0.01)
		require.Equal(t, int64(126), back.Frame, "frame 125 was produced at 9 s")
		require.Equal(t, run(126, 277), s.frames(s.visits[1], ""))
	})
}

// TestDropBetweenTwoFrames is noticed there, not at the next one.
func TestDropBetweenTwoFrames(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, welcome)
		cfg := fine(s.config(named(t, "ffmpeg-fifo")))
		cfg.Duration = 10 * time.Second
		b, err := New(cfg)
		require.NoError(t, err)
		done := make(chan error)
		go func() { done <- b.Run(t.Context()) }()
		time.Sleep(5300 * time.Millisecond)
		require.True(t, b.Drop())
		require.NoError(t, <-done)
		require.Equal(t, seen{5300 * time.Millisecond, Event{Kind: Lost, Peer: hostA, Class: Dropped, Frame: 74}}, of(s.events(), Lost)[0])
	})
}

// TestDropOfABlockedWrite frees it.
func TestDropOfABlockedWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			time.Sleep(time.Minute)
		})
		s.window = 1000
		cfg := s.config(named(t, "ffmpeg-fifo"))
		cfg.Duration = 10 * time.Second
		b, err := New(cfg)
		require.NoError(t, err)
		done := make(chan error)
		go func() { done <- b.Run(t.Context()) }()
		time.Sleep(5 * time.Second)
		require.True(t, b.Drop())
		require.NoError(t, <-done)
		require.Equal(t, seen{5 * time.Second, Event{Kind: Lost, Peer: hostA, Class: Dropped, Frame: 14}}, of(s.events(), Lost)[0])
		time.Sleep(time.Minute)
	})
}

// plain hides what a connection can do beyond net.Conn, and says why a write fails.
type plain struct {
	net.Conn
	fail error
}

func (p plain) Write(b []byte) (int, error) {
	if p.fail != nil && !strings.Contains(string(b), "HTTP/1.0") {
		return 0, p.fail
	}
	return p.Conn.Write(b)
}

// TestPlainConnections have no half-close and no reset to give.
func TestPlainConnections(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, welcome)
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Duration = 10 * time.Second
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			return plain{Conn: c}, err
		}
		b, err := New(cfg)
		require.NoError(t, err)
		done := make(chan error)
		go func() { done <- b.Run(t.Context()) }()
		time.Sleep(2 * time.Second)
		require.True(t, b.Drop())
		require.NoError(t, <-done)
		synctest.Wait()
		require.Equal(t, Dropped, of(s.events(), Lost)[0].Class)
		require.Equal(t, io.EOF, s.visits[0].Ended)
		require.Equal(t, io.EOF, s.visits[1].Ended)
		require.Equal(t, 138*frame.Light.Duration(), time.Since(s.begun), "no goodbye without a half-close")
	})
}

// TestWhyAWriteFailed is told by its error where the reader knows nothing.
func TestWhyAWriteFailed(t *testing.T) {
	for class, fail := range map[Class]error{Reset: syscall.ECONNRESET, EOF: syscall.EPIPE, Timeout: syscall.ETIMEDOUT} {
		bubble(t, func(t *testing.T) {
			s := newStage(t, welcome)
			cfg := s.config(named(t, "liquidsoap"))
			cfg.Duration = 3 * time.Second
			dial := cfg.Dial
			cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dial(ctx, network, addr)
				return plain{c, &net.OpError{Op: "write", Err: fail}}, err
			}
			lost := of(s.play(cfg), Lost)[0]
			require.Equal(t, class, lost.Class)
			require.Equal(t, int64(1), lost.Frame)
			late := map[Class]time.Duration{EOF: afterthought}[class]
			require.Equal(t, 14*frame.Light.Duration()+late, lost.At)
		})
	}
}

// TestAResetIsToldOnce: the write that was told of it leaves an end of file to the reader.
func TestAResetIsToldOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			v.CloseWrite()
			v.take(0)
		})
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Duration = 3 * time.Second
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			return plain{c, &net.OpError{Op: "write", Err: syscall.ECONNRESET}}, err
		}
		require.Equal(t, Reset, of(s.play(cfg), Lost)[0].Class)
	})
}
