package broadcaster

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/broadcaster/frame"
)

func bubble(t *testing.T, f func(*testing.T)) { t.Helper(); synctest.Test(t, f) }

// TestShowFromOnAirToOffAir: all that is produced after the connection arrives, in order, and nothing else.
func TestShowFromOnAirToOffAir(t *testing.T) {
	for _, k := range []frame.Kind{frame.Light, frame.Full} {
		for _, p := range Personas() {
			t.Run(p.Name+" "+k.String(), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := newStage(t, welcome)
					cfg := s.config(p)
					cfg.Kind, cfg.Duration = k, time.Minute
					all := s.play(cfg)
					frames := int64(time.Minute / k.Duration())
					want := []seen{{0, Event{Kind: OnAir}}}
					for range p.Forms {
						if len(want) > 1 && p.Name == "butt" {
							continue // it had no need of the second
						}
						want = append(want, seen{0, Event{Kind: Resolved, Hosts: []netip.Addr{hostA}}})
					}
					require.Equal(t, append(want,
						seen{0, Event{Kind: Attempt, Class: Accepted, Peer: hostA, Frame: 1}},
						seen{time.Duration(frames) * k.Duration(), Event{Kind: OffAir, Frame: frames}},
					), all)
					synctest.Wait()
					require.Len(t, s.visits, 1)
					require.Equal(t, run(1, frames), s.frames(s.visits[0], p.Preamble))
					require.Equal(t, io.EOF, s.visits[0].Ended, "it half-closed at the end")
				})
			})
		}
	}
}

// TestFramesFollowTheShowsClock: written when the last of a chunk is produced, at any speed.
func TestFramesFollowTheShowsClock(t *testing.T) {
	for _, speed := range []float64{1, 10, 2.5} {
		bubble(t, func(t *testing.T) {
			var arrived []time.Duration
			var sizes []int
			s := newStage(t, nil)
			s.hosts[hostA] = func(v *visit) {
				v.answerAs()
				b := make([]byte, 64<<10)
				for {
					n, err := v.Read(b)
					if err != nil {
						return
					}
					sizes = append(sizes, n)
					arrived = append(arrived, time.Since(s.begun))
				}
			}
			cfg := s.config(named(t, "butt"))
			cfg.Kind, cfg.Chunk, cfg.Speed, cfg.Duration, cfg.Phase = frame.Full, 5, speed, 1224*time.Millisecond, 3*time.Millisecond
			all := s.play(cfg)
			synctest.Wait()
			require.Equal(t, 3*time.Millisecond, all[0].At, "the phase comes before on air")
			require.Equal(t, int64(51), all[len(all)-1].Frame)
			for _, n := range sizes {
				require.Equal(t, 5*frame.Full.Size(), n)
			}
			var want []time.Duration
			for last := 5; last <= 50; last += 5 {
				want = append(want, 3*time.Millisecond+time.Duration(float64(last)*24e6/speed))
			}
			require.Equal(t, want, arrived)
		})
	}
}

func TestShowWithoutEndStopsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, welcome)
		cfg := s.config(named(t, "butt"))
		cfg.Duration = 0
		b, err := New(cfg)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.NoError(t, b.Run(ctx))
		synctest.Wait()
		all := s.events()
		require.Equal(t, seen{10 * time.Second, Event{Kind: OffAir, Frame: 139}}, all[len(all)-1], "frame 138 was produced at 9.936 s")
		require.Equal(t, run(1, 139), s.frames(s.visits[0], ""), "a chunk that was not full yet went out too")
		require.Equal(t, io.EOF, s.visits[0].Ended)
	})
}

func TestStoppedBeforeOnAirNothingIsReported(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, welcome)
		cfg := s.config(named(t, "butt"))
		cfg.Phase = time.Second
		b, err := New(cfg)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.NoError(t, b.Run(ctx))
		require.Empty(t, s.events())
	})
}

// TestEndOfTheShowInterrupts whatever the client is doing then; nothing is reported of it.
func TestEndOfTheShowInterrupts(t *testing.T) {
	const length = 7200 * time.Millisecond // 100 frames
	cases := map[string]struct {
		persona string
		set     func(*stage)
		last    Kind // the event before off air
	}{
		"a connection": {"butt", func(s *stage) { s.hosts[hostA] = nil }, Resolved},
		"an answer":    {"ffmpeg-fifo", func(s *stage) { s.hosts[hostA] = func(v *visit) { v.take(0) } }, Resolved},
		"a rest":       {"liquidsoap", func(s *stage) { delete(s.hosts, hostA) }, Attempt},
		"a write": {"ffmpeg-fifo", func(s *stage) {
			s.window = 512
			s.hosts[hostA] = func(v *visit) { v.answerAs(); time.Sleep(time.Minute) }
		}, Attempt},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t, nil)
				c.set(s)
				cfg := s.config(named(t, c.persona))
				cfg.Duration = length
				all := s.play(cfg)
				require.Equal(t, seen{length, Event{Kind: OffAir, Frame: 100}}, all[len(all)-1])
				require.Equal(t, c.last, all[len(all)-2].Kind, "%v", all)
				require.LessOrEqual(t, time.Since(s.begun), length+2*goodbye, "and it is gone soon")
				time.Sleep(time.Minute)
			})
		})
	}
}

// TestGoodbyeIsShort: a peer that does not close is left after a moment.
func TestGoodbyeIsShort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			welcome(v)
			time.Sleep(time.Hour)
		})
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Duration = 720 * time.Millisecond
		s.play(cfg)
		require.Equal(t, cfg.Duration+goodbye, time.Since(s.begun))
		time.Sleep(2 * time.Hour)
	})
}

// TestNoTwoActAtTheSameInstant: phases keep them apart, on air, in writes and in retries.
func TestNoTwoActAtTheSameInstant(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, nil)
		delete(s.hosts, hostA)
		done := make(chan error)
		for i := range 20 {
			cfg := s.config(Personas()[i%len(Personas())])
			cfg.Name += string(rune('a' + i))
			cfg.Duration = 30 * time.Second
			cfg.Phase = time.Duration(i*3)*time.Millisecond + time.Duration(i)
			b, err := New(cfg)
			require.NoError(t, err)
			go func() { done <- b.Run(t.Context()) }()
		}
		for range 20 {
			require.NoError(t, <-done)
		}
		seen := map[time.Duration]bool{}
		for _, at := range s.lookups {
			require.False(t, seen[at], "two looked up at %v", at)
			seen[at] = true
		}
		require.Greater(t, len(seen), 500)
	})
}

func TestNewExplainsWhatIsWrong(t *testing.T) {
	s := newStage(t, welcome)
	cases := map[string]func(*Config){
		"needs a name":                func(c *Config) { c.Name = "" },
		`mount "live" must start`:     func(c *Config) { c.Mount = "live" },
		"no frames of kind 9":         func(c *Config) { c.Kind = 9 },
		"take one from Personas":      func(c *Config) { c.Persona = Persona{} },
		"needs Resolve and Dial":      func(c *Config) { c.Dial = nil },
		"speed -1 must be a positive": func(c *Config) { c.Speed = -1 },
		"chunk 1001 must be 1 to":     func(c *Config) { c.Chunk = 1001 },
		"must not be negative":        func(c *Config) { c.Phase = -1 },
	}
	for want, spoil := range cases {
		cfg := s.config(named(t, "butt"))
		spoil(&cfg)
		_, err := New(cfg)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "configure broadcaster ")
	}
}

func TestClockCountsWhatItProduced(t *testing.T) {
	start := time.Date(2014, 10, 2, 9, 0, 0, 0, time.UTC)
	for _, k := range []frame.Kind{frame.Light, frame.Full} {
		for _, speed := range []float64{1, 3, 10, 0.7} {
			c := newClock(start, Config{Kind: k, Speed: speed, Duration: 91 * 24 * time.Hour})
			require.Equal(t, int64(0), c.produced(start.Add(-1)))
			for _, n := range []int64{0, 1, 2, 1000, 12_345_678, c.frames - 1} {
				at := c.at(n)
				require.Equal(t, n+1, c.produced(at), "%v %v %d", k, speed, n)
				require.Equal(t, n, c.produced(at.Add(-1)), "%v %v %d", k, speed, n)
			}
			require.Equal(t, c.frames, c.produced(c.at(c.frames+100)))
		}
	}
}

func TestWaitsEndAtATick(t *testing.T) {
	c := newClock(time.Unix(1000, 0), Config{Speed: 1})
	w := Wait{For: 3 * time.Second, Tick: time.Second}
	for after, want := range map[time.Duration]time.Duration{
		0: 4 * time.Second, 1: 4*time.Second - 1, 300 * time.Millisecond: 3700 * time.Millisecond, 999 * time.Millisecond: 3001 * time.Millisecond,
	} {
		require.Equal(t, want, c.waiting(c.start.Add(after), w), "%v", after)
		require.LessOrEqual(t, want, w.For+w.Tick)
	}
	require.Equal(t, time.Second, c.waiting(c.start.Add(7), Wait{For: time.Second}))
	require.Zero(t, c.waiting(c.start.Add(7), Wait{}))
}

// TestNothingFollowsAPieceOfAFrame: the end came in the middle of one.
func TestNothingFollowsAPieceOfAFrame(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			time.Sleep(7500 * time.Millisecond)
			v.take(0)
		})
		s.window = 2000 // two chunks are more
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Duration = 7200 * time.Millisecond
		s.play(cfg)
		synctest.Wait()
		require.Len(t, s.visits[0].Body, s.window)
		require.Equal(t, run(1, 28), s.frames(s.visits[0], ""))
		require.Equal(t, io.EOF, s.visits[0].Ended)
	})
}

// lateDeadline sets a deadline a moment after it was asked to, when the show is over.
type lateDeadline struct {
	net.Conn
	end func()
}

func (l lateDeadline) CloseWrite() error { return l.Conn.(*end).CloseWrite() }
func (l lateDeadline) SetWriteDeadline(t time.Time) error {
	if t.After(time.Now()) {
		l.end()
		time.Sleep(time.Millisecond)
	}
	return l.Conn.SetWriteDeadline(t)
}

// TestEndOfTheShowBesideADeadline: the client's own limit must not undo the end's.
func TestEndOfTheShowBesideADeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			v.answerAs()
			time.Sleep(time.Minute)
		})
		s.window = 100
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		cfg := s.config(named(t, "liquidsoap"))
		dial := cfg.Dial
		cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			return lateDeadline{c, cancel}, err
		}
		b, err := New(cfg)
		require.NoError(t, err)
		require.NoError(t, b.Run(ctx))
		require.Less(t, time.Since(s.begun), 5*time.Second)
		time.Sleep(time.Minute)
	})
}
