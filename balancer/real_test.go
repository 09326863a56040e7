package balancer_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/env"
)

// patience is how long a test on real sockets waits for what must come, on a slow
// machine, too.
const patience = 30 * time.Second

// realRig is a balancer on real sockets with one scripted recorder and the given
// index.
type realRig struct {
	t        *testing.T
	balancer *balancer.Balancer
	recorder *fakeRecorder
	ingest   string
}

func newRealRig(t *testing.T, redis string, change func(*balancer.Config)) *realRig {
	ctx, stop := context.WithCancel(t.Context())
	r := &realRig{t: t, recorder: newFakeRecorder("eu/recorder-1", "127.0.0.1")}
	r.recorder.stop, r.recorder.done = stop, ctx.Done()
	r.recorder.addr = serveReal(ctx, t, r.recorder.serve)
	r.recorder.admin = serveReal(ctx, t, r.recorder.operate)
	cfg := balancer.Config{
		Datacenter: "eu", Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Redis: redis,
		Accounts: map[string]string{"anna": "secret"}, Batch: 20 * time.Millisecond,
		HoldPut: patience, HoldSource: patience, ClaimDeadline: patience, DialDeadline: patience, AskDeadline: patience,
	}
	cfg.Recorders = append(cfg.Recorders, r.recorder.recorder())
	if change != nil {
		change(&cfg)
	}
	e := env.System("balancer", t.TempDir(), nil)
	ports := make(chan string, 2)
	listen := e.Listen
	e.Listen = func(ctx context.Context, network, addr string) (net.Listener, error) {
		l, err := listen(ctx, network, addr)
		if err == nil {
			ports <- l.Addr().String()
		}
		return l, err
	}
	b, err := balancer.New(cfg, e, balancer.Parts{})
	require.NoError(t, err)
	r.balancer = b
	served := make(chan error, 1)
	go func() { served <- b.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
	r.ingest = <-ports
	return r
}

func serveReal(ctx context.Context, t *testing.T, serve service) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	accept(ctx, l, serve)
	return l.Addr().String()
}

func (r *realRig) ask(text string) *client {
	conn, err := net.Dial("tcp", r.ingest)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * patience))
	_, err = io.WriteString(conn, text)
	require.NoError(r.t, err)
	c := &client{Conn: conn, r: bufio.NewReader(conn), t: r.t}
	c.answer()
	return c
}

func TestRealSocketsCarryEveryByte(t *testing.T) {
	r := newRealRig(t, miniredis.RunT(t).Addr(), nil)
	c := r.ask(put("/show", "anna", "secret"))
	require.Equal(t, 200, c.code)
	sent := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(sent)
	for rest := sent; len(rest) > 0; {
		n := min(len(rest), 1+rand.New(random).IntN(100_000))
		_, err := c.Write(rest[:n])
		require.NoError(t, err)
		rest = rest[n:]
	}
	require.NoError(t, c.Conn.(*net.TCPConn).CloseWrite())
	require.ErrorIs(t, c.gone(), io.EOF)
	show := r.recorder.show("/show")
	require.True(t, bytes.Equal(sent, []byte(show.body)), "%d bytes of %d", len(show.body), len(sent))
	require.True(t, show.ended)
}

// A source that falls silent has sent its last bytes: they do not wait for more.
func TestRealTailIsFlushed(t *testing.T) {
	r := newRealRig(t, miniredis.RunT(t).Addr(), func(c *balancer.Config) { c.Batch = 50 * time.Millisecond })
	c := r.ask(put("/show", "anna", "secret"))
	require.Equal(t, 200, c.code)
	sent := 0
	for range 5 {
		for range 20 {
			_, err := c.Write(make([]byte, 100))
			require.NoError(t, err)
			sent += 100
			time.Sleep(5 * time.Millisecond)
		}
		require.Eventually(t, func() bool { return len(r.recorder.show("/show").body) == sent }, 5*time.Second, time.Millisecond)
	}
}

func TestRealClientIsResetWhenItsRecorderDies(t *testing.T) {
	r := newRealRig(t, miniredis.RunT(t).Addr(), nil)
	c := r.ask(put("/show", "anna", "secret"))
	r.recorder.hangUp("/show")
	began := time.Now()
	require.True(t, isReset(c.gone()))
	require.Less(t, time.Since(began), patience, "it is not left to the client's own patience")
}

// Trouble of the index must never come out as 401, and never keeps a show off the
// air while a recorder answers.
func TestRealIndexInTroubleDoesNotKeepShowsOffTheAir(t *testing.T) {
	for name, says := range map[string]string{
		"loading":   "-LOADING Redis is loading the dataset in memory\r\n",
		"read-only": "-READONLY You can't write against a read only replica.\r\n",
		"err":       "-ERR READONLY You can't write\r\n",
		"memory":    "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
		"misconf":   "-MISCONF Redis is configured to save RDB snapshots\r\n",
		"noauth":    "-NOAUTH Authentication required.\r\n",
		"clients":   "-ERR max number of clients reached\r\n",
		"garbage":   "HTTP/1.1 400 Bad Request\r\n\r\n",
		"wrong":     "+OK\r\n",
		"nothing":   "",
		"hangs up":  "hang up",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRealRig(t, redisThatSays(t, says), func(c *balancer.Config) { c.ClaimDeadline = 100 * time.Millisecond })
			c := r.ask(put("/show", "anna", "secret"))
			require.Equal(t, 200, c.code, c.body)
			require.True(t, r.recorder.show("/show").guessd)
			require.Equal(t, 401, r.ask(put("/show", "anna", "wrong")).code)
		})
	}
	t.Run("refused", func(t *testing.T) {
		r := newRealRig(t, "127.0.0.1:1", nil)
		require.Equal(t, 200, r.ask(put("/show", "anna", "secret")).code)
	})
}

// redisThatSays answers every command with a text: "" is silence.
func redisThatSays(t *testing.T, text string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx := t.Context()
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { c.Close() })
			go func() {
				defer stop()
				defer c.Close()
				buf := make([]byte, 64<<10)
				for {
					if _, err := c.Read(buf); err != nil || text == "hang up" {
						return
					}
					io.WriteString(c, text)
				}
			}()
		}
	}()
	return l.Addr().String()
}
