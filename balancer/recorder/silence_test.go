package recorder_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
)

// TestListenersWhoLeaveInSilence do not fill the limits until the window is over.
func TestListenersWhoLeaveInSilence(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, conn net.Conn){
		"close": func(t *testing.T, conn net.Conn) { require.NoError(t, conn.Close()) },
		"reset": func(_ *testing.T, conn net.Conn) { conn.(*envtest.Conn).Reset() },
		"close after more than was asked": func(t *testing.T, conn net.Conn) {
			_, err := conn.Write(make([]byte, 10<<10))
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *rig) {
				g.cfg.MaxListeners = 3
				g.start()
				l := g.onAir(show("s1", 1))
				other := g.onAir(ask{mount: "/other", session: "s2", account: "anna", epoch: 1})
				other.play(time.Second)
				l.play(time.Second)
				l.hangUp()
				for range 3 {
					leave(t, g.listen().conn)
				}
				other.play(5 * time.Second)
				require.Equal(t, 200, g.ask(":8000", "GET /other HTTP/1.1\r\n").reply.Status)
				_, metrics := g.admin("GET", "/metrics")
				require.Contains(t, metrics, `deadair_recorder_listeners_ended_total{cause="gone"} 3`)
				require.Contains(t, metrics, "deadair_recorder_listeners 1\n")
			})
		})
	}
}

// TestListenersWhoTalk are listeners: what they send is nobody's business.
func TestListenersWhoTalk(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(time.Second)
		e := g.listen()
		l.hangUp()
		for range 60 {
			_, err := io.WriteString(e.conn, "GET /show HTTP/1.0\r\n\r\n")
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		next := l.next
		l = g.onAir(show("s1", 2))
		l.next = next
		l.play(time.Second)
		require.Equal(t, upTo(l.next), frames(t, e.hear()))
	})
}

// TestHalfClosedListener hears on while there is something to hear, also after a pause
// of a reconnecting source.
func TestHalfClosedListener(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		e := g.listen()
		require.NoError(t, e.conn.(*envtest.Conn).CloseWrite())
		l.play(10 * time.Second)
		l.hangUp()
		time.Sleep(time.Second)
		next := l.next
		l = g.onAir(show("s1", 2))
		l.next = next
		l.play(10 * time.Second)
		require.Equal(t, upTo(l.next), frames(t, e.hear()))
		l.hangUp()
		time.Sleep(5 * time.Second)
		e.hear()
		require.True(t, e.over, "in silence he counts as gone")
	})
}
