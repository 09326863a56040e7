package recorder_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestFence goes through connections of one mount, one after the other.
func TestFence(t *testing.T) {
	other := ask{mount: "/show", session: "s9", account: "bert", epoch: 99}
	for name, c := range map[string]struct {
		first  []ask // accepted and hung up
		then   ask
		status int
		epoch  int64 // told in the answer
		id     string
	}{
		"first":                   {nil, show("s1", 3), 200, 3, "s1"},
		"first without the index": {nil, show("s1", 0), 200, 1, "s1"},
		"higher":                  {[]ask{show("s1", 3)}, show("s1", 4), 200, 4, "s1"},
		"much higher":             {[]ask{show("s1", 3)}, show("s1", 400), 200, 400, "s1"},
		"same":                    {[]ask{show("s1", 3)}, show("s1", 3), 409, 3, "s1"},
		"lower":                   {[]ask{show("s1", 3)}, show("s1", 2), 409, 3, "s1"},
		"lower, another session":  {[]ask{show("s1", 3)}, show("s2", 2), 409, 3, "s1"},
		"guess goes on":           {[]ask{show("s1", 3)}, show("s2", 0), 200, 4, "s1"},
		"guess above another's":   {[]ask{show("s1", 3)}, above("s1", 7), 200, 8, "s1"},
		"guess above its own":     {[]ask{show("s1", 9)}, above("s1", 7), 200, 10, "s1"},
		"known after a guess":     {[]ask{show("s1", 3), show("s1", 0)}, show("s1", 4), 409, 4, "s1"},
		"known above the guess":   {[]ask{show("s1", 3), show("s1", 0)}, show("s1", 5), 200, 5, "s1"},
		"another session":         {[]ask{show("s1", 3)}, show("s2", 4), 200, 4, "s2"},
		"another account":         {[]ask{show("s1", 3)}, other, 423, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *rig) {
				g.start()
				for _, a := range c.first {
					g.onAir(a).hangUp()
				}
				if c.status != 200 {
					reply := g.refused(c.then, c.status)
					require.Equal(t, c.id, reply.Header.Get("Deadair-Session"))
					if c.epoch > 0 {
						require.Equal(t, fmt.Sprint(c.epoch), reply.Header.Get("Deadair-Epoch"))
					}
					return
				}
				l := g.onAir(c.then)
				require.Equal(t, c.epoch, l.epoch)
				require.Equal(t, c.id, l.session)
				_, s := g.get("/sessions?mount=/show")
				require.Equal(t, c.then.epoch == 0, s["guessed"])
				l.hangUp()
			})
		})
	}
}

func TestOtherAccountMayHaveTheMountLater(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		g.onAir(show("s1", 1)).hangUp()
		other := ask{mount: "/show", session: "s2", account: "bert", epoch: 2}
		time.Sleep(5*time.Minute - time.Second)
		g.refused(other, 423)
		time.Sleep(time.Second)
		g.onAir(other).hangUp()
		require.Contains(t, g.types("s1"), "finished:")
		g.refused(show("s1", 3), 423)
	})
}

// TestSessionOfAnotherMount: a session id names one show's directory.
func TestSessionOfAnotherMount(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		g.onAir(show("s1", 1)).hangUp()
		g.refused(ask{mount: "/other", session: "s1", account: "anna", epoch: 1}, 423)
		time.Sleep(time.Hour)
		g.refused(ask{mount: "/show", session: "s1", account: "bert", epoch: 2}, 423)
		require.Equal(t, "session source ended:eof finished:window", g.types("s1"))
		_, h := g.get("/health")
		require.EqualValues(t, 0, h["sources"])
		require.Equal(t, "ok", h["status"])
	})
}

// TestTakeover: the old connection is closed, what it had sent comes first, and
// nothing of it after.
func TestTakeover(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.cfg.Capacity = 1
		g.start()
		old := g.onAir(show("s1", 1))
		old.send(5)
		_, err := old.conn.Write(frame(old.next)[:30])
		require.NoError(t, err)
		start := time.Now()
		l := g.onAir(show("s1", 2)) // although the only slot is taken
		require.Equal(t, 20*time.Millisecond, time.Since(start))
		require.Equal(t, "session source segment sealed:takeover ended:takeover source", g.types("s1"))
		_, _ = old.conn.Write(frame(77))
		old.requireEnded()
		l.next = 5
		l.send(5)
		require.Equal(t, upTo(10), numbers(t, g.segments("s1")))
		_, h := g.get("/health")
		require.EqualValues(t, 1, h["sources"])
		require.Equal(t, "full", h["status"])
		l.hangUp()
		require.EqualValues(t, 30, g.lines("s1")[4].Torn)
		g.requireSealed("s1")
	})
}

// TestTakeoverBySession: the same account begins another show while the first one
// still seems to be there.
func TestTakeoverBySession(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		old := g.onAir(show("s1", 1))
		old.send(5)
		l := g.onAir(show("s2", 2))
		old.requireEnded()
		l.send(5)
		l.hangUp()
		require.Equal(t, "session source segment sealed:takeover ended:takeover finished:superseded", g.types("s1"))
		require.Equal(t, "session source segment sealed:eof ended:eof", g.types("s2"))
	})
}

// TestTwoAtOnce: of connections that race, the highest epoch wins, whatever the order.
func TestTwoAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		g.start()
		statuses := make(chan int, 8)
		for epoch := range int64(8) {
			go func() {
				_, reply, err := g.offer(show("s1", epoch+1))
				if err != nil {
					statuses <- 0
					return
				}
				statuses <- reply.Status
			}()
		}
		accepted := 0
		for range 8 {
			status := <-statuses
			require.Contains(t, []int{200, 409}, status)
			if status == 200 {
				accepted++
			}
		}
		require.Positive(t, accepted)
		synctest.Wait()
		_, s := g.get("/sessions?mount=/show")
		require.EqualValues(t, 8, s["epoch"])
		_, h := g.get("/health")
		require.EqualValues(t, 1, h["sources"])
	})
}
