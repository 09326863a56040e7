package recorder_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/icecast"
	"deadair/balancer/recorder"
	"deadair/balancer/recorder/manifest"
)

func TestMalformedRequests(t *testing.T) {
	put := func(target, session, epoch, account string) string {
		return fmt.Sprintf("PUT %s HTTP/1.1\r\nDeadair-Session: %s\r\nDeadair-Epoch: %s\r\nDeadair-Account: %s\r\n\r\n", target, session, epoch, account)
	}
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		for name, c := range map[string]struct{ request, want string }{
			"no head":           {"\x16\x03\x01", "400"},
			"too large":         {"PUT /show HTTP/1.1\r\nx: " + strings.Repeat("x", 9000), "400"},
			"no session":        {put("/show", "", "1", "anna"), "Deadair-Session"},
			"session with path": {put("/show", "../x", "1", "anna"), "Deadair-Session"},
			"hidden session":    {put("/show", ".x", "1", "anna"), "Deadair-Session"},
			"long session":      {put("/show", strings.Repeat("x", 129), "1", "anna"), "Deadair-Session"},
			"no epoch":          {put("/show", "s", "", "anna"), "Deadair-Epoch"},
			"garbage above":     {strings.Replace(put("/show", "s", "0", "anna"), "Deadair-Account", "Deadair-Above: x\r\nDeadair-Account", 1), "Deadair-Above"},
			"negative epoch":    {put("/show", "s", "-1", "anna"), "Deadair-Epoch"},
			"no account":        {put("/show", "s", "1", ""), "Deadair-Account"},
			"bad mount":         {put("/show/../x", "s", "1", "anna"), "mount invalid"},
			"not a question":    {"DELETE /show HTTP/1.1\r\n\r\n", "405"},
			"unknown question":  {"GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n", "404"},
			"no mount":          {"GET /sessions HTTP/1.0\r\n\r\n", "404"},
		} {
			conn, err := g.net.Env("balancer-1", clientIP, nil).DialContext(t.Context(), "tcp", ip+":8000")
			require.NoError(t, err)
			_, err = io.WriteString(conn, c.request)
			require.NoError(t, err)
			answer, err := io.ReadAll(conn)
			require.NoError(t, err, name)
			require.Contains(t, string(answer), c.want, name)
			_ = conn.Close()
		}
		m := g.disk.Mount()
		entries, err := m.ReadDir(".")
		require.NoError(t, err)
		require.Len(t, entries, 1, "only the check's file")
	})
}

func TestQuestionsShareAConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Window = 24 * time.Hour
		g.start()
		g.onAir(show("s1", 1)).hangUp()
		conn, err := g.net.Env("balancer-1", clientIP, nil).DialContext(t.Context(), "tcp", ip+":8000")
		require.NoError(t, err)
		for range 100 {
			_, h := g.getOn(conn, "/health")
			require.Equal(t, "ok", h["status"])
			_, s := g.getOn(conn, "/sessions?mount=%2Fshow")
			require.Equal(t, "s1", s["session"])
			code, _ := g.getOn(conn, "/sessions?mount=/other")
			require.Equal(t, 404, code)
			time.Sleep(time.Minute)
		}
		time.Sleep(2 * time.Minute)
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "idle for too long")

		conn, err = g.net.Env("balancer-1", clientIP, nil).DialContext(t.Context(), "tcp", ip+":8000")
		require.NoError(t, err)
		_, err = io.WriteString(conn, "GET /health HTTP/1.1\r\n\r\nGET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		both, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Equal(t, 2, strings.Count(string(both), "200 OK"), "two in one packet")
	})
}

// TestAudioGluedToTheHead is not lost.
func TestAudioGluedToTheHead(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		conn, err := g.net.Env("balancer-1", clientIP, nil).DialContext(t.Context(), "tcp", ip+":8000")
		require.NoError(t, err)
		head := "PUT /show HTTP/1.1\r\nDeadair-Session: s1\r\nDeadair-Epoch: 1\r\nDeadair-Account: anna\r\n\r\n"
		_, err = conn.Write(append([]byte(head), append(frame(0), frame(1)...)...))
		require.NoError(t, err)
		_, err = icecast.ReadReply(conn)
		require.NoError(t, err)
		_ = conn.Close()
		synctest.Wait()
		require.Equal(t, upTo(2), numbers(t, g.segments("s1")))
	})
}

func TestSilentConnectionsAreClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Capacity, g.cfg.MaxConns = 1, 2
		g.start()
		e := g.net.Env("balancer-1", clientIP, nil)
		start := time.Now()
		silent, err := e.DialContext(t.Context(), "tcp", ip+":8000")
		require.NoError(t, err)
		_, err = io.WriteString(silent, "GET /hea")
		require.NoError(t, err)
		another, err := e.DialContext(t.Context(), "tcp", ip+":8000")
		require.NoError(t, err)
		synctest.Wait()
		third, err := e.DialContext(t.Context(), "tcp", ip+":8000")
		require.NoError(t, err)
		_, err = third.Read(make([]byte, 1))
		require.Error(t, err)
		require.Zero(t, time.Since(start), "too many are closed at once")
		_, err = silent.Read(make([]byte, 1))
		require.Error(t, err)
		require.Equal(t, 15*time.Second, time.Since(start))
		_ = another.Close()
		require.Equal(t, "ok", g.status())
	})
}

// admin sends a request to the operators' port.
func (g *rig) admin(method, target string) (int, string) {
	g.t.Helper()
	transport := &http.Transport{DialContext: g.net.Env("operator", clientIP, nil).DialContext}
	defer transport.CloseIdleConnections()
	q, err := http.NewRequestWithContext(g.t.Context(), method, "http://"+ip+":8001"+target, nil)
	require.NoError(g.t, err)
	answer, err := transport.RoundTrip(q)
	require.NoError(g.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(g.t, err)
	return answer.StatusCode, string(body)
}

func TestDrain(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 1))
		code, _ := g.admin("GET", "/drain")
		require.Equal(t, 405, code)
		code, _ = g.admin("POST", "/drain")
		require.Equal(t, 200, code)
		require.Equal(t, "draining", g.status())
		g.refused(ask{mount: "/b", session: "b", account: "anna", epoch: 1}, 503)
		g.refused(show("s2", 2), 503)
		l.send(5)
		l.hangUp()
		l = g.onAir(show("s1", 2)) // it goes on here
		l.hangUp()
		code, _ = g.admin("POST", "/undrain")
		require.Equal(t, 200, code)
		require.Equal(t, "ok", g.status())
		g.onAir(show("s2", 3)).hangUp()
	})
}

func TestTitle(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.SegmentLength = 2 * time.Second
		g.start()
		code, _ := g.admin("POST", "/metadata?mount=/show&song=x")
		require.Equal(t, 404, code)
		l := g.onAir(show("s1", 1))
		l.play(time.Second)
		code, _ = g.admin("POST", "/metadata?mount=/show&song=Echoes")
		require.Equal(t, 200, code)
		code, _ = g.admin("POST", "/metadata?mount=/show&song=Echoes")
		require.Equal(t, 200, code)
		l.play(2 * time.Second)
		code, _ = g.admin("POST", "/metadata?mount=/show&song="+strings.Repeat("%C3%A6", 600))
		require.Equal(t, 200, code)
		l.play(time.Second)
		g.kill()
		g.start()
		l = g.onAir(show("s1", 2)) // it need not send its title again
		l.send(3)
		l.hangUp()
		state, ok := manifest.Replay(g.lines("s1"))
		require.True(t, ok)
		var titles []string
		for _, p := range state.Segments {
			titles = append(titles, p.Sealed.Title)
		}
		long := strings.Repeat("æ", 512)
		require.Equal(t, []string{"Echoes", long, long}, titles)
		require.Equal(t, 2, strings.Count(g.types("s1"), "title"))
	})
}

func TestKillRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		code, _ := g.admin("POST", "/kill?mount=/show")
		require.Equal(t, 404, code)
		l := g.onAir(show("s1", 1))
		l.send(5)
		code, _ = g.admin("POST", "/kill?mount=/show")
		require.Equal(t, 200, code)
		l.requireEnded()
		require.Equal(t, "session source segment sealed:kill ended:kill finished:kill", g.types("s1"))
		status, _ := g.get("/sessions?mount=/show")
		require.Equal(t, 404, status)
		g.refused(show("s1", 1), 409)
		g.refused(show("s1", 2), 410)
		g.onAir(ask{mount: "/show", session: "s2", account: "bert", epoch: 3}).hangUp()
		code, _ = g.admin("POST", "/kill?mount=/show") // within the window, nobody is live
		require.Equal(t, 200, code)
	})
}

func TestMetrics(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		l := g.onAir(show("s1", 2))
		l.play(time.Second)
		g.refused(show("s1", 1), 409)
		code, text := g.admin("GET", "/metrics")
		require.Equal(t, 200, code)
		for _, line := range []string{
			"deadair_recorder_sources 1\n",
			"deadair_recorder_capacity 20\n",
			"deadair_recorder_sources_accepted_total 1\n",
			`deadair_recorder_sources_refused_total{reason="fenced"} 1` + "\n",
			fmt.Sprintf("deadair_recorder_written_bytes_total %d\n", 72*l.next),
		} {
			require.Contains(t, text, line)
		}
		_, health := g.admin("GET", "/health")
		require.Contains(t, health, `"sources":1`)
		l.hangUp()
	})
}

// noFence lets everybody in: what a recorder must not do.
type noFence struct{}

func (noFence) Decide(_, asked int64) (int64, bool) { return asked, true }

// TestFenceIsAPart: without one a leftover with an old epoch takes the mount, and who
// has the newer epoch is not ended for it but recorded beside it.
func TestFenceIsAPart(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.parts = recorder.Parts{Fence: noFence{}}
		g.start()
		l := g.onAir(show("s1", 2))
		l.send(5)
		old := g.onAir(show("s1", 1))
		old.send(5)
		l.send(5)
		again := g.onAir(show("s1", 2)) // its files do not replace those of the first
		old.requireEnded()
		again.send(5)
		again.hangUp()
		l.hangUp()
		segments := g.segments("s1")
		require.Len(t, segments, 3)
		require.Len(t, segments["2-1.mp3"], 10*frameSize)
		_, h := g.get("/health")
		require.EqualValues(t, 0, h["sources"])
	})
}

// TestMountsAreForgotten when they are too many, and after a day.
func TestMountsAreForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Capacity, g.cfg.MaxMounts, g.cfg.Window = 2, 2, time.Minute
		g.start()
		at := func(i int, epoch int64) ask {
			return ask{mount: fmt.Sprintf("/%d", i), session: fmt.Sprintf("s%d", i), account: "anna", epoch: epoch}
		}
		g.onAir(at(1, 5)).hangUp()
		g.onAir(at(2, 5)).hangUp()
		g.refused(at(3, 5), 507) // both are still held
		time.Sleep(2 * time.Minute)
		g.refused(at(1, 5), 409)
		g.onAir(at(3, 5)).hangUp()
		g.onAir(at(1, 4)).hangUp()
		time.Sleep(25 * time.Hour)
		g.onAir(at(3, 4)).hangUp()
	})
}

// TestOperatorWhoDoesNotRead is given up after the time that a segment may take.
func TestOperatorWhoDoesNotRead(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		conn, err := g.net.Env("operator", clientIP, nil).DialContext(t.Context(), "tcp", ip+":8001")
		require.NoError(t, err)
		defer conn.Close()
		const asked = 200
		_, err = io.WriteString(conn, strings.Repeat("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", asked))
		require.NoError(t, err)
		time.Sleep(2*time.Minute + time.Second)
		got, _ := io.ReadAll(conn)
		require.Less(t, strings.Count(string(got), "HTTP/1.1 200 OK"), asked)
	})
}
