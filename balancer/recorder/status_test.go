package recorder_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/icecast"
)

func TestStatus(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Datacenter = "eu-west"
		g.start()
		began := time.Now().UTC()
		status := func(query string) map[string]any {
			code, answer := g.get("/status-json.xsl" + query)
			require.Equal(t, 200, code)
			return answer["icestats"].(map[string]any)
		}
		times := func(of time.Time, stats map[string]any, prefix string) {
			require.Equal(t, of.Format("Mon, 02 Jan 2006 15:04:05 +0000"), stats[prefix])
			require.Equal(t, of.Format("2006-01-02T15:04:05+0000"), stats[prefix+"_iso8601"])
			delete(stats, prefix)
			delete(stats, prefix+"_iso8601")
		}
		stats := status("")
		times(began, stats, "server_start")
		require.Equal(t, map[string]any{"host": "recorder-1", "location": "eu-west", "server_id": "Dead Air"}, stats)

		time.Sleep(time.Minute)
		l := g.onAir(ask{mount: "/späte", session: "s1", account: "anna", epoch: 1, more: icecast.Header{
			{Name: "icy-br", Value: "128"}, {Name: "ice-description", Value: "After dark"},
		}})
		began = time.Now().UTC()
		l.send(10)
		e := g.ask(":8000", "GET /sp%C3%A4te HTTP/1.1\r\n")
		g.ask(":8000", "GET /sp%C3%A4te HTTP/1.1\r\n").hangUp()
		l.play(time.Second)
		code, _ := g.admin("POST", "/metadata?mount=/sp%C3%A4te&song=%3CEchoes%3E")
		require.Equal(t, 200, code)
		source := status("")["source"].(map[string]any)
		times(began, source, "stream_start")
		require.Equal(t, map[string]any{
			"bitrate": 128.0, "genre": "", "listener_peak": 2.0, "listeners": 1.0, "listenurl": "http://x/sp%C3%A4te",
			"server_description": "After dark", "server_name": "Late Show", "server_type": "audio/mpeg", "title": "<Echoes>",
		}, source)
		require.NotEmpty(t, e.hear())

		other := g.onAir(show("s2", 1))
		require.Len(t, status("")["source"], 2)
		require.Equal(t, "http://x/show", status("?mount=/show")["source"].(map[string]any)["listenurl"])
		require.NotContains(t, status("?mount=/nothing"), "source")
		other.hangUp()
		l.hangUp()
		require.NotContains(t, status(""), "source", "nobody is on air")
	})
}
