package fleet

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
	"deadair/balancer/icecast"
)

// slowClock is a connection whose silence is noticed late.
type slowClock struct {
	net.Conn
	late time.Duration
	by   time.Time
}

func (c *slowClock) SetDeadline(t time.Time) error {
	c.by = t
	return nil
}

func (c *slowClock) Write(p []byte) (int, error) { return len(p), nil }

func (c *slowClock) Read([]byte) (int, error) {
	time.Sleep(time.Until(c.by) + c.late)
	return 0, os.ErrDeadlineExceeded
}

func (c *slowClock) Close() error { return nil }

// A process that gets no time to run must not take recorders for dead.
func TestLookThatComesLateProvesNothing(t *testing.T) {
	for late, proves := range map[time.Duration]bool{0: true, 20 * time.Millisecond: true, time.Second: false} {
		synctest.Test(t, func(t *testing.T) {
			l := looker{deadline: time.Second, dial: func(context.Context, string, string) (net.Conn, error) {
				return &slowClock{late: late}, nil
			}}
			_, _, err := l.look(t.Context())
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.Equal(t, proves, !errors.Is(err, errLate), "%v late", late)

			w := NewWatcher(Config{Recorders: []Recorder{{Name: "r"}}, Fall: 1, Rise: 1}, new(envtest.Net).Env("b", "10.0.0.1", nil))
			w.look(t.Context(), 0, &l)
			require.Equal(t, proves, w.View()[0].State == Down)
		})
	}
}

// BenchmarkLook is one look over a kept connection, both sides: a balancer of nine
// recorders takes four and a half per second.
func BenchmarkLook(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	go func() {
		c, err := l.Accept()
		for err == nil {
			if _, err = icecast.ReadHead(c); err == nil {
				_, err = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 68\r\n\r\n{\"status\":\"ok\",\"capacity\":20,\"sources\":3,\"free\":17,\"checked_at\":\"x\"}")
			}
		}
	}()
	watched := looker{dial: new(net.Dialer).DialContext, addr: l.Addr().String(), deadline: time.Second}
	defer watched.close()
	b.ReportAllocs()
	for b.Loop() {
		_, state, err := watched.look(context.Background())
		require.NoError(b, err)
		require.Equal(b, Up, state)
	}
}
