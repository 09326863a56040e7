package recorder_test

import (
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestIdleConnectionsMakeRoom: who keeps connections open shuts nobody out.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	for name, c := range map[string]struct {
		says   string
		rounds int // of ten seconds, between two of them
	}{
		"questions":        {"GET /status-json.xsl?mount=/x HTTP/1.1\r\n\r\n", 11},
		"incomplete heads": {"GET /status-json.xsl HTTP/1.1\r\n", 1},
		"silence":          {"", 1},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *rig) {
				g.cfg.Public, g.cfg.MaxConns, g.cfg.Capacity = ":8080", 5, 5
				g.start()
				l := g.onAir(show("s1", 1))
				l.play(time.Second)
				early := g.ask(":8080", "GET /show HTTP/1.1\r\n")
				public, sources := g.crowd(":8080", 5), g.crowd(":8000", 4)
				for range 3 {
					for _, conn := range append(public, sources...) {
						_, _ = io.WriteString(conn, c.says) // those that had to go are closed
					}
					for range c.rounds {
						l.play(10 * time.Second)
						early.hear()
					}
					require.Equal(t, 200, g.ask(":8080", "GET /show HTTP/1.1\r\n").reply.Status)
					require.Equal(t, 200, g.ask(":8000", "GET /show HTTP/1.1\r\n").reply.Status)
				}
				other := g.onAir(ask{mount: "/other", session: "s2", account: "anna", epoch: 1})
				other.play(time.Second)
				l.send(1)
				require.Equal(t, upTo(l.next), frames(t, early.hear()), "who has a request stays")
			})
		})
	}
}

// crowd is many connections to a port.
func (g *rig) crowd(port string, n int) (conns []net.Conn) {
	g.t.Helper()
	for range n {
		conn, err := g.net.Env("crowd", clientIP, nil).DialContext(g.t.Context(), "tcp", ip+port)
		require.NoError(g.t, err)
		g.t.Cleanup(func() { _ = conn.Close() })
		conns = append(conns, conn)
	}
	synctest.Wait()
	return conns
}

// TestLongestIdleMakesRoom and nobody else: not who has asked since, and not who has
// only come.
func TestLongestIdleMakesRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.MaxConns, g.cfg.Capacity = 3, 1
		g.start()
		conns := g.crowd(":8000", 3)
		time.Sleep(time.Second)
		g.getOn(conns[0], "/health")
		time.Sleep(time.Second)
		require.Equal(t, "ok", g.status())
		_, err := conns[1].Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		g.getOn(conns[0], "/health")
		g.getOn(conns[2], "/health")
		g.crowd(":8000", 1)
		late := g.crowd(":8000", 1)[0]
		_, err = late.Read(make([]byte, 1))
		require.Error(t, err, "all have just been heard of")
		_, metrics := g.admin("GET", "/metrics")
		for reason, n := range map[string]int{"idle": 1, "connections": 1} {
			require.Contains(t, metrics, fmt.Sprintf("deadair_recorder_sources_refused_total{reason=%q} %d\n", reason, n))
		}
	})
}
