package recorder_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/icecast"
)

// ear is a listener.
type ear struct {
	t     *testing.T
	conn  net.Conn
	reply *icecast.Reply
	heard []byte // all of the stream so far
	over  bool   // the recorder has ended it in good order
}

// ask sends a request of a listener to a port and returns the answer.
func (g *rig) ask(port, request string) *ear {
	g.t.Helper()
	conn, err := g.net.Env("listener", clientIP, nil).DialContext(g.t.Context(), "tcp", ip+port)
	require.NoError(g.t, err)
	g.t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, request+"\r\n")
	require.NoError(g.t, err)
	reply, err := icecast.ReadReply(conn)
	require.NoError(g.t, err)
	return &ear{t: g.t, conn: conn, reply: reply, heard: reply.Rest}
}

// listen listens to /show.
func (g *rig) listen(fields ...string) *ear {
	g.t.Helper()
	e := g.ask(":8000", "GET /show HTTP/1.0\r\n"+strings.Join(fields, ""))
	require.Equal(g.t, 200, e.reply.Status, "%s", e.reply.Rest)
	return e
}

// hear reads what has been sent by now and within half a second.
func (e *ear) hear() []byte {
	e.t.Helper()
	require.NoError(e.t, e.conn.SetReadDeadline(time.Now().Add(500*time.Millisecond)))
	for p := make([]byte, 32<<10); ; {
		n, err := e.conn.Read(p)
		e.heard = append(e.heard, p[:n]...)
		if errors.Is(err, io.EOF) {
			e.over = true
		}
		if err != nil {
			return e.heard
		}
	}
}

// hangUp leaves, and waits until the recorder can have noticed.
func (e *ear) hangUp() {
	e.t.Helper()
	require.NoError(e.t, e.conn.Close())
	synctest.Wait()
}

// frames are the numbers of frames in a stream that begins with one and ends with one.
func frames(t *testing.T, stream []byte) []uint64 {
	t.Helper()
	return numbers(t, map[string][]byte{"1-1.mp3": stream})
}

func fromTo(from, to uint64) (all []uint64) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

func TestListener(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Burst = 16 * frameSize
		g.start()
		l := g.onAir(ask{mount: "/show", session: "s1", account: "anna", epoch: 1, more: icecast.Header{
			{Name: "ice-genre", Value: "Jazz"}, {Name: "ice-bitrate", Value: "8"}, {Name: "ice-url", Value: "http://x.test"},
			{Name: "ice-description", Value: "After dark"}, {Name: "ice-audio-info", Value: "bitrate=8"},
		}})
		_, err := l.conn.Write(frame(99)[30:]) // junk: the show begins within a frame
		require.NoError(t, err)
		l.play(10 * time.Second)
		e := g.listen("User-Agent: x\r\n")
		require.Equal(t, "HTTP/1.0 200 OK\r\n"+
			"Connection: Close\r\nDate: "+time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")+"\r\n"+
			"Content-Type: audio/mpeg\r\nCache-Control: no-cache, no-store\r\nExpires: Mon, 26 Jul 1997 05:00:00 GMT\r\n"+
			"Pragma: no-cache\r\nAccess-Control-Allow-Origin: *\r\n"+
			"icy-br: 8\r\nice-audio-info: bitrate=8\r\nicy-description: After dark\r\nicy-genre: Jazz\r\n"+
			"icy-name: Late Show\r\nicy-url: http://x.test\r\n\r\n", string(e.reply.AppendTo(nil)))
		require.Equal(t, fromTo(l.next-16, l.next), frames(t, e.hear()), "the burst")
		begin := l.next - 16
		l.play(10 * time.Second)
		another := g.listen()
		l.play(10 * time.Second)
		require.Equal(t, fromTo(begin, l.next), frames(t, e.hear()))
		heard := frames(t, another.hear())
		require.Equal(t, fromTo(heard[0], l.next), heard)
		l.send(5)
		require.Equal(t, fromTo(begin, l.next), frames(t, e.hear()))
		l.hangUp()
		require.Equal(t, upTo(l.next), numbers(t, g.segments("s1")))
	})
}

func TestListenerBeforeTheFirstFrame(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		e := g.listen()
		require.Equal(t, "audio/mpeg", e.reply.Header.Get("Content-Type"))
		require.Empty(t, e.hear())
		l.play(time.Second)
		require.Equal(t, upTo(l.next), frames(t, e.hear()))
	})
}

// TestListenerStays while the source comes and goes within the window, and after it
// does not.
func TestListenerStays(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.SegmentLength = 3 * time.Second
		g.start()
		l := g.onAir(show("s1", 1))
		e := g.listen()
		for epoch := range int64(3) {
			l.play(10 * time.Second)
			_, err := l.conn.Write(frame(l.next)[:20]) // cut off
			require.NoError(t, err)
			l.hangUp()
			late := g.listen()
			require.Empty(t, late.hear(), "there is no burst of what is long over")
			time.Sleep(4 * time.Minute)
			next := l.next
			l = g.onAir(show("s1", epoch+2))
			l.next = next
			l.play(time.Second)
			require.Equal(t, upTo(l.next), frames(t, e.hear()))
			require.Equal(t, fromTo(next, l.next), frames(t, late.hear()))
			late.hangUp()
		}
		takeover := g.onAir(show("s1", 9))
		takeover.next = l.next
		takeover.send(10)
		require.Equal(t, upTo(takeover.next), frames(t, e.hear()))
		takeover.hangUp()
		time.Sleep(5*time.Minute + 6*time.Second)
		e.hear()
		require.True(t, e.over)
		require.Equal(t, 404, g.ask(":8000", "GET /show HTTP/1.0\r\n").reply.Status)
		g.onAir(show("s2", 10)).hangUp()
		require.Empty(t, g.listen().hear())
	})
}

func TestHeadOfAMount(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(time.Second)
		e := g.ask(":8000", "HEAD /show HTTP/1.1\r\nIcy-MetaData: 1\r\n")
		require.Equal(t, "audio/mpeg", e.reply.Header.Get("Content-Type"))
		require.Equal(t, "16000", e.reply.Header.Get("icy-metaint"))
		require.Empty(t, e.hear())
		require.True(t, e.over)
		e = g.ask(":8000", "HEAD /health HTTP/1.1\r\n")
		require.Equal(t, 200, e.reply.Status)
		require.NotEqual(t, "0", e.reply.Header.Get("Content-Length"))
		require.Empty(t, e.hear())
		require.False(t, e.over, "another question may follow")
		require.Equal(t, 404, g.ask(":8000", "HEAD /nothing HTTP/1.1\r\n").reply.Status)
		require.Equal(t, 404, g.ask(":8000", "GET /show/ HTTP/1.1\r\n").reply.Status)
		require.Equal(t, 200, g.ask(":8000", "GET /sh%6fw?x=1 HTTP/1.1\r\n").reply.Status)
	})
}

// TestStreamTurnsIntoSomethingElse: listeners were told what they get.
func TestStreamTurnsIntoSomethingElse(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.send(10)
		e := g.listen()
		require.Equal(t, upTo(10), frames(t, e.hear()))
		l.hangUp()
		l = g.onAir(show("s1", 2))
		_, err := l.conn.Write(make([]byte, 100_000))
		require.NoError(t, err)
		require.Equal(t, upTo(10), frames(t, e.hear()))
		require.True(t, e.over)
		again := g.listen()
		require.Equal(t, "audio/mpeg", again.reply.Header.Get("Content-Type"), "nobody knows better than the source")
		require.NotEmpty(t, again.hear())
	})
}

// TestRecorderThatEnds ends its listeners.
func TestRecorderThatEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.send(10)
		e := g.listen()
		synctest.Wait() // he was sent the burst: what the recorder has not sent when it ends is not owed
		g.stop()
		require.Equal(t, upTo(10), frames(t, e.hear()))
		require.True(t, e.over)
	})
}
