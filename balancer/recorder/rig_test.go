package recorder_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env"
	"deadair/balancer/env/envtest"
	"deadair/balancer/icecast"
	"deadair/balancer/recorder"
	"deadair/fakes/disk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ip        = "10.0.0.1"
	clientIP  = "10.0.0.2"
	frameTime = 72 * time.Millisecond
	frameSize = 72
)

// rig is a recorder on a host with a disk, in a bubble.
type rig struct {
	t     *testing.T
	net   *envtest.Net
	disk  *disk.Disk
	cfg   recorder.Config
	parts recorder.Parts
	wall  func() time.Time
	wraps func(env.Disk) env.Disk // what the recorder has in the place of the disk; nil: itself
	log   bytes.Buffer            // slog's handler writes one line at a time; read it when the source is gone

	mount  *disk.Mounted
	cancel context.CancelFunc
	ended  chan error
}

// inBubble runs a test in virtual time. Its rig's recorder is not started yet.
func inBubble(t *testing.T, f func(t *testing.T, g *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, err := disk.New(disk.Config{})
		require.NoError(t, err)
		g := &rig{t: t, net: new(envtest.Net), disk: d, wall: time.Now}
		f(t, g)
		g.stop()
		time.Sleep(time.Minute) // lingering and idle connections end
	})
}

// start starts the recorder, or starts it again, and waits until it listens.
func (g *rig) start() {
	g.t.Helper()
	g.startOn(g.disk.Mount())
}

func (g *rig) startOn(mount *disk.Mounted) {
	g.t.Helper()
	e := g.net.Env("recorder-1", ip, slog.New(slog.NewTextHandler(&g.log, nil)))
	g.mount, e.Disk, e.Wall = mount, mount, g.wall
	if g.wraps != nil {
		e.Disk = g.wraps(mount)
	}
	r, err := recorder.New(g.cfg, e, g.parts)
	require.NoError(g.t, err)
	ctx, cancel := context.WithCancel(g.t.Context())
	g.cancel, g.ended = cancel, make(chan error, 1)
	go func() { g.ended <- r.Serve(ctx) }()
	synctest.Wait()
}

// stop ends the recorder as SIGTERM does.
func (g *rig) stop() {
	g.t.Helper()
	if g.cancel == nil {
		return
	}
	g.cancel()
	require.NoError(g.t, <-g.ended)
	g.cancel = nil
}

// kill ends the recorder as SIGKILL does: it cannot write any more.
func (g *rig) kill() {
	g.t.Helper()
	g.mount.Unmount()
	g.net.Cut(ip, clientIP)
	g.cancel()
	<-g.ended
	g.cancel = nil
}

// powerCut is kill with the loss of all that was not synced.
func (g *rig) powerCut() {
	g.t.Helper()
	g.kill()
	g.disk.PowerCut()
}

// ask is what a balancer says of a source.
type ask struct {
	method, mount, session, account string
	epoch                           int64
	more                            icecast.Header
}

// live is a source that was accepted.
type live struct {
	t       *testing.T
	conn    net.Conn
	next    uint64 // number of the next frame
	epoch   int64
	session string
}

// offer offers a source and returns the answer.
func (g *rig) offer(a ask) (net.Conn, *icecast.Reply, error) {
	g.t.Helper()
	conn, err := g.net.Env("balancer-1", clientIP, nil).DialContext(g.t.Context(), "tcp", ip+":8000")
	if err != nil {
		return nil, nil, err
	}
	g.t.Cleanup(func() { _ = conn.Close() })
	h := icecast.Head{Method: a.method, Target: a.mount, Proto: "HTTP/1.1"}
	if h.Method == "" {
		h.Method = "PUT"
	}
	h.Header.Add("Deadair-Session", a.session)
	h.Header.Add("Deadair-Epoch", strconv.FormatInt(a.epoch, 10))
	h.Header.Add("Deadair-Account", a.account)
	h.Header.Add("Deadair-Mount", a.mount)
	h.Header.Add("Content-Type", "audio/mpeg")
	h.Header.Add("ice-name", "Late Show")
	h.Header = append(h.Header, a.more...)
	if _, err := h.WriteTo(conn); err != nil {
		return nil, nil, err
	}
	reply, err := icecast.ReadReply(conn)
	return conn, reply, err
}

// above is an ask for /show by anna without the index, that knows an epoch of another recorder.
func above(session string, epoch int64) ask {
	a := show(session, 0)
	a.more = icecast.Header{{Name: "Deadair-Above", Value: strconv.FormatInt(epoch, 10)}}
	return a
}

// show is an ask for /show by anna.
func show(session string, epoch int64) ask {
	return ask{mount: "/show", session: session, account: "anna", epoch: epoch}
}

// onAir offers a source that has to be accepted.
func (g *rig) onAir(a ask) *live {
	g.t.Helper()
	conn, reply, err := g.offer(a)
	require.NoError(g.t, err)
	require.Equal(g.t, 200, reply.Status, "%s %s", reply.Reason, reply.Rest)
	epoch, err := strconv.ParseInt(reply.Header.Get("Deadair-Epoch"), 10, 64)
	require.NoError(g.t, err)
	return &live{t: g.t, conn: conn, epoch: epoch, session: reply.Header.Get("Deadair-Session")}
}

// refused offers a source that has to be refused, and returns the answer.
func (g *rig) refused(a ask, status int) *icecast.Reply {
	g.t.Helper()
	conn, reply, err := g.offer(a)
	require.NoError(g.t, err)
	require.Equal(g.t, status, reply.Status, "%s", reply.Rest)
	_, err = io.Copy(io.Discard, conn)
	require.NoError(g.t, err, "the connection is closed in good order")
	_ = conn.Close()
	return reply
}

// frame is a playable frame with a number.
func frame(n uint64) []byte {
	b := make([]byte, frameSize)
	copy(b, []byte{0xFF, 0xE3, 0x18, 0xC4})
	binary.BigEndian.PutUint64(b[40:], n<<8) // far from looking like a header
	return b
}

// send sends frames at once.
func (l *live) send(n int) {
	l.t.Helper()
	var b []byte
	for range n {
		b = append(b, frame(l.next)...)
		l.next++
	}
	_, err := l.conn.Write(b)
	require.NoError(l.t, err)
	synctest.Wait()
}

// play sends frames in their own time.
func (l *live) play(d time.Duration) {
	l.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		l.send(1)
		time.Sleep(frameTime)
	}
}

// hangUp ends the source and waits until the recorder has noticed.
func (l *live) hangUp() {
	l.t.Helper()
	require.NoError(l.t, l.conn.Close())
	synctest.Wait()
}

// requireEnded checks that the recorder closed the connection.
func (l *live) requireEnded() {
	l.t.Helper()
	synctest.Wait()
	require.NoError(l.t, l.conn.SetReadDeadline(time.Now().Add(time.Second)))
	_, err := l.conn.Read(make([]byte, 1))
	require.Error(l.t, err)
	require.NotErrorIs(l.t, err, os.ErrDeadlineExceeded)
}

// get asks a question on the source port.
func (g *rig) get(target string) (int, map[string]any) {
	g.t.Helper()
	conn, err := g.net.Env("balancer-1", clientIP, nil).DialContext(g.t.Context(), "tcp", ip+":8000")
	require.NoError(g.t, err)
	defer conn.Close()
	return g.getOn(conn, target)
}

func (g *rig) getOn(conn net.Conn, target string) (int, map[string]any) {
	g.t.Helper()
	_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target)
	require.NoError(g.t, err)
	reply, err := icecast.ReadReply(conn)
	require.NoError(g.t, err)
	length, err := strconv.Atoi(reply.Header.Get("Content-Length"))
	require.NoError(g.t, err)
	body := append([]byte(nil), reply.Rest...)
	for len(body) < length {
		p := make([]byte, length-len(body))
		n, err := conn.Read(p)
		require.NoError(g.t, err)
		body = append(body, p[:n]...)
	}
	var fields map[string]any
	require.NoError(g.t, json.Unmarshal(body, &fields))
	return reply.Status, fields
}

// status is the word of GET /health.
func (g *rig) status() string {
	g.t.Helper()
	code, h := g.get("/health")
	if h["status"] == "failing" {
		require.Equal(g.t, 503, code)
	} else {
		require.Equal(g.t, 200, code)
	}
	return h["status"].(string)
}
