package broadcaster

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/broadcaster/frame"
)

// socket is a server on a real port that serves its connections one after the other.
type socket struct {
	net.Listener
	bodies [][]byte
	ended  []error
}

// serve accepts a connection for each function of the script, which is called
// when some audio has come.
func (s *socket) serve(script ...func(c *net.TCPConn)) {
	for _, act := range script {
		conn, err := s.Accept()
		if err != nil {
			return
		}
		c := conn.(*net.TCPConn)
		var head []byte
		for b := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, b...) {
			if _, err := c.Read(b); err != nil {
				break
			}
		}
		io.WriteString(c, ok100+ok200)
		body, err := io.ReadAll(io.LimitReader(c, 20_000))
		if err == nil {
			act(c)
			var rest []byte
			rest, err = io.ReadAll(c)
			body = append(body, rest...)
		}
		s.bodies, s.ended = append(s.bodies, body), append(s.ended, err)
		c.Close()
	}
}

// TestOnRealSockets plays a show twenty times as fast, through a reset, an end of
// file and a drop, to an end in the middle of a chunk.
func TestOnRealSockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &socket{Listener: l}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	p := named(t, "butt")
	p.Waits.FirstRetry = Wait{For: 50 * time.Millisecond, Tick: 25 * time.Millisecond}
	var all []Event
	b, err := New(Config{
		Name: "us-east-01", Account: "source", Password: "hackme", Mount: "/live", Persona: p, Kind: frame.Full,
		Port: int(at.Port()), Speed: 20,
		Resolve: func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{at.Addr()}, nil },
		Dial:    (&net.Dialer{}).DialContext,
		Observe: func(e Event) { all = append(all, e) },
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.serve(
			func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
			func(c *net.TCPConn) { c.Close() },
			func(c *net.TCPConn) { b.Drop() },
			func(c *net.TCPConn) { cancel() },
		)
	}()
	require.NoError(t, b.Run(ctx))
	l.Close()
	<-served
	checkSockets(t, s, all)
}

func checkSockets(t *testing.T, s *socket, all []Event) {
	var first, lost []Event
	for _, e := range all {
		switch e.Kind {
		case Attempt:
			require.Equal(t, Accepted, e.Class)
			first = append(first, e)
		case Lost:
			lost = append(lost, e)
		}
	}
	require.Len(t, first, 4)
	require.Len(t, lost, 3)
	require.Equal(t, Reset, lost[0].Class)
	require.Contains(t, []Class{EOF, Reset}, lost[1].Class, "a close before the last bytes were read resets")
	require.Equal(t, Dropped, lost[2].Class)
	require.ErrorIs(t, s.ended[2], syscall.ECONNRESET, "the dropped peer sees a reset")
	require.NoError(t, s.ended[3], "the last one sees the end of file")
	end := all[len(all)-1]
	require.Equal(t, OffAir, end.Kind)
	for i, body := range s.bodies {
		next := first[i].Frame
		tally, err := frame.Scan(bytes.NewReader(body), func(f frame.Found) {
			require.True(t, f.OK)
			require.Equal(t, uint64(next), f.Number)
			next++
		})
		require.NoError(t, err)
		require.Less(t, tally.Foreign, int64(frame.MaxSize))
		require.GreaterOrEqual(t, tally.Frames, int64(52))
		if i == 3 {
			require.Equal(t, end.Frame, next, "all that was produced")
			return
		}
		require.LessOrEqual(t, next, lost[i].Frame)
		require.Less(t, lost[i].Frame, first[i+1].Frame)
	}
}

// TestRefusedOnRealSockets: a port where nobody listens.
func TestRefusedOnRealSockets(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:1")
	var all []Event
	b, err := New(Config{
		Name: "us-east-01", Mount: "/live", Persona: named(t, "ffmpeg-fifo"), Port: int(at.Port()), Duration: 144 * time.Millisecond,
		Resolve: func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{at.Addr()}, nil },
		Dial:    (&net.Dialer{}).DialContext,
		Observe: func(e Event) { all = append(all, e) },
	})
	require.NoError(t, err)
	require.NoError(t, b.Run(t.Context()))
	require.Equal(t, Refused, all[2].Class)
}

// sink is a connection that takes everything, says nothing, and tells when it has enough.
type sink struct {
	net.Conn
	left   int64
	enough func()
	gone   chan struct{}
}

func (s *sink) Read([]byte) (int, error)         { <-s.gone; return 0, net.ErrClosed }
func (s *sink) Close() error                     { close(s.gone); return nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }
func (s *sink) Write(b []byte) (int, error) {
	if s.left -= int64(len(b)); s.left <= 0 {
		s.enough()
	}
	return len(b), nil
}

// BenchmarkChunk is the cost of one write: making its frames and handing them over.
func BenchmarkChunk(b *testing.B) {
	for _, k := range []frame.Kind{frame.Light, frame.Full} {
		b.Run(k.String(), func(b *testing.B) {
			caster, err := New(Config{
				Name: "us-east-01", Mount: "/live", Persona: named(b, "butt"), Kind: k,
				Resolve: func(context.Context, string) ([]netip.Addr, error) { return nil, nil },
				Dial:    (&net.Dialer{}).DialContext,
			})
			require.NoError(b, err)
			caster.timer = time.NewTimer(time.Hour)
			frames := int64(b.N * caster.cfg.Chunk)
			caster.clock = newClock(time.Now().Add(-time.Duration(frames)*k.Duration()), caster.cfg)
			show, cancel := context.WithCancel(b.Context())
			caster.clock.frames = frames
			c := caster.newConn(dialed{Conn: &sink{left: frames * int64(k.Size()), enough: cancel, gone: make(chan struct{})}}, Form{})
			c.next = 0
			b.ReportAllocs()
			b.ResetTimer()
			caster.stream(show, c)
			b.StopTimer()
			caster.close(c)
		})
	}
}
