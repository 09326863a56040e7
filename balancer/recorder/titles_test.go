package recorder_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/icecast"
	"deadair/balancer/recorder/icy"
)

// titles takes a stream apart: its bytes, and the titles that came between them.
func (e *ear) titles() (stream []byte, titles []string) {
	e.t.Helper()
	require.Equal(e.t, "16000", e.reply.Header.Get("icy-metaint"))
	b := e.hear()
	for len(b) > icy.Interval {
		stream = append(stream, b[:icy.Interval]...)
		b = b[icy.Interval:]
		n := 1 + 16*int(b[0])
		if n > 1 {
			titles = append(titles, strings.TrimRight(string(b[1:n]), "\x00"))
		}
		b = b[n:]
	}
	return append(stream, b...), titles
}

func TestListenerGetsTitles(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		const askTitles = "Icy-MetaData: 1\r\n"
		title := func(song string) {
			code, _ := g.admin("POST", "/metadata?mount=/show&song="+song)
			require.Equal(t, 200, code)
		}
		g.start()
		l := g.onAir(show("s1", 1))
		e, plain := g.listen(askTitles), g.listen()
		require.Empty(t, plain.reply.Header.Get("icy-metaint"))
		l.play(40 * time.Second)
		_, titles := e.titles()
		require.Empty(t, titles, "there is none")
		title("Don't%20'%3B%20Stop")
		l.play(time.Minute)
		title("Echoes")
		l.play(time.Minute)
		title("Echoes")
		l.play(time.Minute)
		l.hangUp()
		next := l.next
		l = g.onAir(show("s1", 2)) // most encoders do not repeat it
		l.next = next
		l.play(time.Minute)
		stream, titles := e.titles()
		require.Equal(t, upTo(l.next), frames(t, stream))
		require.Equal(t, []string{"StreamTitle='Don't ' ; Stop';", "StreamTitle='Echoes';"}, titles)
		require.Equal(t, upTo(l.next), frames(t, plain.hear()))
		title("")
		l.play(time.Minute)
		_, titles = e.titles()
		require.Equal(t, "StreamTitle='';", titles[len(titles)-1])
		title("Echoes")
		next = l.next

		g.kill()
		g.start()
		l = g.onAir(show("s1", 3))
		l.next = next
		e = g.listen(askTitles)
		l.play(20 * time.Second)
		stream, titles = e.titles()
		require.Equal(t, fromTo(next, l.next), frames(t, stream))
		require.Equal(t, []string{"StreamTitle='Echoes';"}, titles, "after a crash")
	})
}

// TestTitleComesAlong with a show that was elsewhere before.
func TestTitleComesAlong(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		with := func(epoch int64, field string) ask {
			a := show("s1", epoch)
			a.more = icecast.Header{{Name: "Deadair-Title", Value: field}}
			return a
		}
		playing := func() any {
			_, s := g.get("/sessions?mount=/show")
			return s["title"]
		}
		l := g.onAir(with(1, "Bj%C3%B6rk%20-%20J%C3%B3ga%0A"))
		require.Equal(t, "Björk - Jóga\n", playing())
		l.send(3)
		l.hangUp()
		g.onAir(show("s1", 2)).hangUp()
		require.Equal(t, "Björk - Jóga\n", playing(), "nobody says otherwise")
		g.onAir(with(3, "%zz")).hangUp()
		g.onAir(with(4, "%ff")).hangUp()
		require.Equal(t, "Björk - Jóga\n", playing(), "nonsense")
		g.onAir(with(5, "Echoes")).hangUp()
		require.Equal(t, "Echoes", playing(), "it changed while the show was elsewhere")
		require.Contains(t, g.types("s1"), "session source title segment")
		require.Equal(t, 2, strings.Count(g.types("s1"), "title"))
	})
}

// TestTitlesWithoutEnd are heard, and written down up to a limit.
func TestTitlesWithoutEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		g.onAir(show("s1", 1))
		const most = 8192
		for i := range most + 2 {
			code, _ := g.admin("POST", fmt.Sprintf("/metadata?mount=/show&song=%d", i))
			require.Equal(t, 200, code)
		}
		require.Equal(t, most, strings.Count(g.types("s1"), "title"))
		_, s := g.get("/sessions?mount=/show")
		require.Equal(t, strconv.Itoa(most+1), s["title"])
	})
}
