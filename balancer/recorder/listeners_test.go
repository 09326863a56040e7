package recorder_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSlowListener is dropped; others and the recording notice nothing.
func TestSlowListener(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Backlog = 32 << 10
		g.start()
		l := g.onAir(show("s1", 1))
		slow, stuck, good := g.listen(), g.listen(), g.listen()
		began := time.Now()
		for range 2000 { // half a megabyte
			l.send(4)
			time.Sleep(4 * frameTime)
			good.hear()
			if l.next < 7000 {
				_, err := slow.conn.Read(make([]byte, 10)) // he takes something, but not enough
				require.NoError(t, err)
			}
		}
		l.hangUp()
		require.Equal(t, upTo(8000), numbers(t, g.segments("s1")))
		require.Equal(t, upTo(8000), frames(t, good.hear()))
		require.Less(t, time.Since(began), 2000*(4*frameTime+501*time.Millisecond), "sending never waited")
		_, metrics := g.admin("GET", "/metrics")
		require.Contains(t, metrics, `deadair_recorder_listeners_ended_total{cause="slow"} 2`)
		require.Contains(t, metrics, "deadair_recorder_listeners 1\n")
		require.Less(t, len(stuck.hear()), 400_000)
		require.True(t, stuck.over)
	})
}

func TestListenerLimits(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.MaxListeners, g.cfg.MaxMountListeners = 3, 2
		g.start()
		l := g.onAir(show("s1", 1))
		other := g.onAir(ask{mount: "/other", session: "s2", account: "anna", epoch: 1})
		l.play(time.Second)
		other.play(time.Second)
		refused := func(mount string) {
			e := g.ask(":8000", "GET "+mount+" HTTP/1.1\r\n")
			require.Equal(t, 503, e.reply.Status)
			e.hear()
			require.True(t, e.over)
			require.Contains(t, string(e.heard), "too many listeners")
		}
		one := g.listen()
		g.listen()
		refused("/show")
		third := g.ask(":8000", "GET /other HTTP/1.1\r\n")
		require.Equal(t, 200, third.reply.Status)
		refused("/other")
		require.Equal(t, 200, g.ask(":8000", "HEAD /other HTTP/1.1\r\n").reply.Status, "this is no listener")
		one.hangUp()
		l.play(2 * time.Second)
		g.listen()
		refused("/show")
		_, metrics := g.admin("GET", "/metrics")
		for _, line := range []string{
			"deadair_recorder_listeners 3\n", "deadair_recorder_listeners_total 4\n",
			`deadair_recorder_listeners_refused_total{reason="listeners"} 2`,
			`deadair_recorder_listeners_refused_total{reason="mount-listeners"} 1`,
			`deadair_recorder_listeners_ended_total{cause="gone"} 1`,
		} {
			require.Contains(t, metrics, line)
		}
	})
}

// TestPublicPort is for listeners and nothing else.
func TestPublicPort(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Public, g.cfg.Capacity, g.cfg.MaxConns = ":8002", 2, 3
		g.start()
		l := g.onAir(show("s1", 1))
		for request, status := range map[string]int{
			"GET /show HTTP/1.1\r\n":                 200,
			"GET /status-json.xsl HTTP/1.1\r\n":      200,
			"GET /health HTTP/1.1\r\n":               404,
			"GET /sessions?mount=/show HTTP/1.1\r\n": 404,
			"PUT /show HTTP/1.1\r\nDeadair-Session: s1\r\nDeadair-Epoch: 2\r\nDeadair-Account: anna\r\n": 405,
		} {
			e := g.ask(":8002", request)
			require.Equal(t, status, e.reply.Status, request)
			e.hangUp()
		}
		l.play(time.Second)
		for range 10 { // listeners are counted by themselves
			require.Equal(t, 200, g.ask(":8002", "GET /show HTTP/1.1\r\n").reply.Status)
		}
		dial := g.net.Env("flood", clientIP, nil).DialContext
		for range 20 {
			conn, err := dial(t.Context(), "tcp", ip+":8002")
			require.NoError(t, err)
			defer conn.Close()
		}
		synctest.Wait()
		g.onAir(ask{mount: "/other", session: "s2", account: "anna", epoch: 1}).hangUp()
		l.send(1)
		l.hangUp()
	})
}

// TestBurstCannotBeRead: the listener is told nothing wrong, and may try again.
func TestBurstCannotBeRead(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.send(10)
		require.NoError(t, g.mount.Remove("s1/1-1.mp3"))
		e := g.listen()
		require.Empty(t, e.hear())
		require.True(t, e.over)
	})
}

func TestDiskThatIsSlowKeepsListenersOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		l.play(time.Second)
		e := g.listen()
		e.hear()
		began := binary.BigEndian.Uint64(e.heard[40:]) >> 8
		g.disk.SetDelay(50 * time.Millisecond)
		late := g.listen()
		l.play(3 * time.Second)
		g.disk.SetDelay(0)
		require.Equal(t, fromTo(began, l.next), frames(t, e.hear()))
		heard := frames(t, late.hear())
		require.Equal(t, fromTo(heard[0], l.next), heard)
	})
}

// TestManyListeners of one mount get the same.
func TestManyListeners(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		var ears []*ear
		for n := range 20 {
			ears = append(ears, g.listen([]string{"", "Icy-MetaData: 1\r\n"}[n%2]))
			l.play(200 * time.Millisecond)
		}
		l.play(30 * time.Second)
		for n, e := range ears {
			stream := e.hear()
			if n%2 == 1 {
				stream, _ = e.titles()
			}
			require.Equal(t, upTo(l.next), frames(t, stream))
		}
		_, health := g.get("/health")
		require.EqualValues(t, 1, health["sources"], fmt.Sprint("listeners take no slot: ", health))
	})
}
