package broadcaster

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAnswersAreReadAsTheClientsDo: what is a success differs.
func TestAnswersAreReadAsTheClientsDo(t *testing.T) {
	cases := []struct {
		persona, answer string
		accepted        bool
		class           Class
		status          int
	}{
		{"ffmpeg-fifo", "HTTP/1.1 100 Continue\r\n\r\n", true, Accepted, 0},
		{"ffmpeg-fifo", ok200, true, Accepted, 0},
		{"ffmpeg-fifo", ok100 + ok200, true, Accepted, 0},
		{"ffmpeg-fifo", "HTTP/1.1 100 Continue\n\n", true, Accepted, 0},
		{"ffmpeg-fifo", refusal(401), false, Answered, 401},
		{"ffmpeg-fifo", refusal(302), false, Answered, 302},
		{"ffmpeg-fifo", "", false, EOF, 0},
		{"ffmpeg-fifo", "HTTP/1.0 403 Forbidden\r\n", false, Answered, 403},
		{"ffmpeg-fifo", "OK2\r\nicy-caps:11\r\n\r\n", false, Answered, 0},
		{"ffmpeg-fifo", "HTTP/1.1 1x0 Odd\r\n\r\n", false, Answered, 0},
		{"liquidsoap", ok200, true, Accepted, 0},
		{"liquidsoap", "HTTP/1.1 100 Continue\r\n\r\n", false, Answered, 100},
		{"liquidsoap-put", ok100 + ok200, true, Accepted, 0},
		{"liquidsoap-put", ok200, false, Answered, 200},
		{"liquidsoap-chunked", ok100 + ok200, true, Accepted, 0},
		{"liquidsoap-chunked", ok200, false, Answered, 200},
		{"darkice", ok200, true, Accepted, 0},
		{"darkice", "HTTP/1.1 200 OK\r\n\r\n", true, Accepted, 0},
		{"darkice", "HTTP/1.1 100 Continue\r\n\r\n", false, Answered, 100},
		{"darkice", "HTTP/1.0 201 Created\r\n\r\n", false, Answered, 201},
		{"ezstream", ok200, true, Accepted, 0},
		{"ezstream", "HTTP/1.0 201 Created\r\n\r\n", true, Accepted, 0},
		{"ezstream", refusal(302), false, Answered, 302},
		{"butt", "HTTP/1.1 100 Continue\r\n\r\n", true, Accepted, 0},
		{"butt", ok200, true, Accepted, 0},
		{"butt", "HTTP/1.0 201 Created\r\n\r\n", false, Answered, 201},
	}
	for _, c := range cases {
		t.Run(c.persona+" "+c.answer, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t, func(v *visit) {
					v.say(c.answer)
					if c.accepted {
						v.take(0)
					}
				})
				cfg := s.config(named(t, c.persona))
				cfg.Duration = 144 * time.Millisecond
				first := of(s.play(cfg), Attempt)[0]
				want := Event{Kind: Attempt, Peer: hostA, Class: c.class, Status: c.status}
				if c.accepted {
					want.Frame = 1
				}
				require.Equal(t, want, first.Event)
			})
		})
	}
}

// TestAnswersInPieces are put together.
func TestAnswersInPieces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {
			for _, c := range ok200 {
				v.say(string(c))
				time.Sleep(10 * time.Millisecond)
			}
			v.take(0)
		})
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Duration = time.Second
		first := of(s.play(cfg), Attempt)[0]
		require.Equal(t, Event{Kind: Attempt, Peer: hostA, Class: Accepted, Took: 180 * time.Millisecond, Frame: 3}, first.Event)
	})
}

// TestAnEndlessAnswerIsNoAnswer but not read without limit either.
func TestAnEndlessAnswerIsNoAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) { v.say(strings.Repeat("x", 100_000)) })
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Duration = time.Second
		require.Equal(t, Answered, of(s.play(cfg), Attempt)[0].Class)
	})
}

// TestNextAddress: the first does not listen, or does not even refuse.
func TestNextAddress(t *testing.T) {
	for _, p := range Personas() {
		t.Run(p.Name+", first refuses", func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t, nil)
				s.names = []netip.Addr{hostA, hostB}
				s.hosts = map[netip.Addr]func(*visit){hostB: welcome}
				cfg := s.config(p)
				cfg.Duration = 10 * time.Second
				all := s.play(cfg)
				tries := of(all, Attempt)
				if p.Addresses == FirstAddress {
					require.Equal(t, []seen{{0, Event{Kind: Attempt, Peer: hostA, Class: Refused}}}, tries)
					require.Len(t, of(all, GaveUp), 1)
					return
				}
				want := []seen{}
				for range of(all, Resolved) {
					if p.Addresses == AllAddresses {
						want = append(want, seen{0, Event{Kind: Attempt, Peer: hostA, Class: Refused}})
					}
				}
				require.Equal(t, append(want, seen{0, Event{Kind: Attempt, Peer: hostB, Class: Accepted, Frame: 1}}), tries)
			})
		})
	}
	t.Run("only the first is known", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newStage(t, nil)
			s.names = []netip.Addr{hostA, hostB}
			s.hosts = map[netip.Addr]func(*visit){hostB: welcome}
			p := named(t, "ffmpeg-fifo")
			p.Addresses = FirstAddress
			cfg := s.config(p)
			cfg.Duration = 10 * time.Second
			for _, e := range of(s.play(cfg), Attempt) {
				require.Equal(t, hostA, e.Peer)
			}
		})
	})
}

// TestSilentAddress: nothing answers at the first address. ffmpeg tries the
// second beside it, BUTT when its system gives up.
func TestSilentAddress(t *testing.T) {
	for persona, want := range map[string]time.Duration{
		"ffmpeg-fifo": 200 * time.Millisecond, "butt": 127 * time.Second,
	} {
		t.Run(persona, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t, nil)
				s.names = []netip.Addr{hostA, hostB}
				s.hosts = map[netip.Addr]func(*visit){hostA: nil, hostB: welcome}
				cfg := s.config(named(t, persona))
				cfg.Duration = 3 * time.Minute
				tries := of(s.play(cfg), Attempt)
				last := tries[len(tries)-1]
				require.Equal(t, want, last.At)
				require.Equal(t, Accepted, last.Class)
				require.Equal(t, hostB, last.Peer)
				require.Zero(t, last.Took, "reckoned from its own beginning")
				if persona != "ffmpeg-fifo" {
					require.Equal(t, seen{want, Event{Kind: Attempt, Peer: hostA, Class: Timeout, Took: want}}, tries[0])
				}
			})
		})
	}
	t.Run("the only one", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newStage(t, nil)
			cfg := s.config(named(t, "ffmpeg-fifo"))
			cfg.Duration = 20 * time.Second
			tries := of(s.play(cfg), Attempt)
			require.Equal(t, seen{5 * time.Second, Event{Kind: Attempt, Peer: hostA, Class: Timeout, Took: 5 * time.Second}}, tries[0])
			require.InDelta(t, 6, gaps(instants(tries))[0].Seconds(), 0.01)
		})
	})
}

// TestALateSecondConnectionIsClosed: both addresses connect, the slow one loses.
func TestALateSecondConnectionIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, welcome)
		s.names = []netip.Addr{hostA, hostB}
		s.hosts[hostB] = func(v *visit) { v.take(0) }
		cfg := s.config(named(t, "ffmpeg-fifo"))
		cfg.Duration = 5 * time.Second
		slowly := cfg.Dial
		cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if strings.HasPrefix(addr, hostA.String()) {
				time.Sleep(300 * time.Millisecond) // deaf to ctx, and connects all the same
			} else {
				time.Sleep(50 * time.Millisecond)
			}
			return slowly(ctx, network, addr)
		}
		all := s.play(cfg)
		synctest.Wait()
		require.Len(t, s.visits, 2)
		for _, v := range s.visits {
			require.Error(t, v.Ended, "no connection is left open")
		}
		require.Empty(t, of(all, Attempt), "B was asked, and has not answered to the end")
	})
}

// TestUnresolved names are tried again.
func TestUnresolved(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		class Class
	}{
		"no such name": {errNoSuchName, Unresolved},
		"no address":   {nil, Unresolved},
		"timeout":      {timedOut{}, Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newStage(t, welcome)
				s.names, s.noDNS = nil, c.err
				cfg := s.config(named(t, "liquidsoap"))
				cfg.Duration = 10 * time.Second
				all := s.play(cfg)
				require.Equal(t, Event{Kind: Resolved, Class: c.class}, all[1].Event)
				require.Equal(t, Event{Kind: Attempt, Class: Unresolved}, all[2].Event)
				require.Len(t, of(all, Attempt), 3)
				require.Empty(t, of(all, GaveUp))
			})
		})
	}
}

type timedOut struct{}

func (timedOut) Error() string   { return "late" }
func (timedOut) Timeout() bool   { return true }
func (timedOut) Temporary() bool { return true }

// TestEachTryLooksUp anew, also for the second form.
func TestEachTryLooksUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, func(v *visit) {})
		cfg := s.config(named(t, "butt"))
		cfg.Duration = 150 * time.Millisecond
		s.play(cfg)
		require.Len(t, s.lookups, 2)
		require.Equal(t, []byte("PUT"), s.visits[0].Head[:3])
		require.Equal(t, []byte("SOURCE"), s.visits[1].Head[:6])
	})
}

// TestAHundredAddresses are too many: the first sixteen are tried.
func TestAHundredAddresses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, nil)
		delete(s.hosts, hostA)
		s.names = nil
		for i := range 100 {
			s.names = append(s.names, netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}))
		}
		cfg := s.config(named(t, "ffmpeg-fifo"))
		cfg.Duration = 500 * time.Millisecond
		all := s.play(cfg)
		require.Len(t, of(all, Resolved)[0].Hosts, 16)
		require.Len(t, of(all, Attempt), 16)
	})
}
