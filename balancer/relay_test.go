package balancer_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/env/envtest"
)

func TestHalfCloseReachesTheRecorder(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		io.WriteString(c, "to the very end")
		require.NoError(t, c.Conn.(*envtest.Conn).CloseWrite())
		require.ErrorIs(t, c.gone(), io.EOF, "a proper end, no reset")
		show := rec.show("/show")
		require.Equal(t, "to the very end", show.body)
		require.True(t, show.ended, "the recorder saw a proper end")
		require.False(t, show.live)
		require.NotEmpty(t, r.store.row("/show").ID, "the session goes on")
		synctest.Wait()
		require.Zero(t, r.balancer.Sources())
	})
}

func TestVanishedClientLeavesItsRecorder(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		io.WriteString(c, "up to here")
		synctest.Wait()
		c.Conn.(*envtest.Conn).Reset()
		synctest.Wait()
		require.Equal(t, "up to here", rec.show("/show").body)
		require.False(t, rec.show("/show").live)
		require.Zero(t, r.balancer.Sources())
	})
}

func TestRecorderThatHangsUpResetsTheClient(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		began := time.Now()
		rec.hangUp("/show")
		require.True(t, isReset(c.gone()))
		require.Zero(t, time.Since(began))
	})
}

func TestSilentRecorderLosesItsShows(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		other, _ := r.live("/other")
		r.net.Set(rec.ip, envtest.Silent)
		began := time.Now()
		if r.holding("/other") != rec {
			defer func() {
				io.WriteString(other, "still here")
				require.Equal(t, "still here", r.heard(r.holding("/other"), "/other"))
			}()
		}
		require.True(t, isReset(c.gone()))
		require.LessOrEqual(t, time.Since(began), 5*time.Second, "two looks and a deadline")
		again := r.ask(put("/show", "anna", "secret"))
		require.Equal(t, 200, again.code)
		require.Zero(t, again.took, "it is known to be down")
	})
}

// A recorder that says it is full or failing keeps what it records.
func TestHealthAloneMovesNoShow(t *testing.T) {
	for _, mode := range []string{"full", "draining", "failing"} {
		t.Run(mode, func(t *testing.T) {
			play(t, nil, func(t *testing.T, r *rig) {
				c, rec := r.live("/show")
				rec.set(mode)
				time.Sleep(10 * time.Minute)
				io.WriteString(c, "on air")
				require.Equal(t, "on air", r.heard(rec, "/show"))
			})
		})
	}
}

func TestRefusedDialsAloneMoveNoShow(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		r.net.Set(rec.ip, envtest.Refuse)
		for range 5 {
			require.Equal(t, 200, r.ask(put("/x", "bert", "geheim")).code)
		}
		io.WriteString(c, "on air")
		require.Equal(t, "on air", r.heard(rec, "/show"))
	})
}

// The connection to the recorder carries nothing, and nobody says so: a full
// window is what gives it away.
func TestStalledRecorderIsGivenUp(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.RecorderPoll = time.Hour }, func(t *testing.T, r *rig) {
		show, rec := r.live("/show")
		rec.pause("/show")
		began := time.Now()
		go io.Copy(show, endless{})
		require.True(t, isReset(show.gone()))
		require.GreaterOrEqual(t, time.Since(began), 10*time.Second)
		require.LessOrEqual(t, time.Since(began), 10*time.Second+10*time.Second/16)
	})
}

// A show that goes on is not one that stalls, however long ago it began.
func TestLongShowIsNoStall(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		show, rec := r.live("/show")
		for range 60 {
			io.WriteString(show, "x")
			time.Sleep(time.Second)
		}
		require.Len(t, r.heard(rec, "/show"), 60)
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestBatchingGathersAndFlushesTheTail(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.Batch = 200 * time.Millisecond }, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		most := 0
		for i := range 100 {
			io.WriteString(c, "12345")
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			lag := (i+1)*5 - len(rec.show("/show").body)
			require.LessOrEqual(t, lag, 21*5, "no byte waits for longer than a batch")
			most = max(most, lag)
		}
		require.Greater(t, most, 15*5, "bytes do gather")
		time.Sleep(200 * time.Millisecond)
		require.Len(t, r.heard(rec, "/show"), 500, "the tail is flushed though nothing follows")
		body := strings.Repeat("b", 100_000)
		io.WriteString(c, body)
		time.Sleep(time.Millisecond)
		require.Len(t, r.heard(rec, "/show"), 100_500, "a backlog does not wait")
	})
}

func TestServeEndsWithShowsOnAir(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		held := r.connect("PUT") // half a head
		r.all("full")
		waiting := r.connect(source("/held", "anna", "secret"))
		synctest.Wait()
		began := time.Now()
		r.stop()
		require.True(t, isReset(c.gone()), "so that it comes back elsewhere at once")
		require.Error(t, held.gone())
		require.Error(t, waiting.gone())
		synctest.Wait()
		require.False(t, rec.show("/show").live)
		require.Zero(t, time.Since(began))
	})
}

func TestServeEndsWhileARecorderTakesTheRest(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		rec.pause("/show")
		io.WriteString(c, "the end")
		require.NoError(t, c.Conn.(*envtest.Conn).CloseWrite())
		synctest.Wait()
		began := time.Now()
		r.stop()
		require.Error(t, c.gone())
		err := <-r.served
		require.Zero(t, time.Since(began))
		r.served <- err
	})
}

func TestManyShowsAtOnce(t *testing.T) {
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.MaxPerAccount = 1000 }, func(t *testing.T, r *rig) {
		var clients []*client
		mounts := make([]string, 60)
		for i := range mounts {
			mounts[i] = "/show-" + strings.Repeat("x", i)
			clients = append(clients, r.connect(put(mounts[i], "anna", "secret")))
		}
		for _, c := range clients {
			c.answer()
			require.Equal(t, 200, c.code)
		}
		for i, c := range clients {
			io.WriteString(c, mounts[i])
		}
		synctest.Wait()
		for _, m := range mounts {
			require.Equal(t, m, r.holding(m).show(m).body)
		}
		require.Equal(t, 60, r.balancer.Sources())
	})
}

// A client that ends its connection and makes the next one at once loses nothing of the
// first, although a batch was not over yet.
func TestAConnectionHandsItsLastBytesOnBeforeItsSuccessor(t *testing.T) {
	for name, end := range map[string]func(c *client){
		"ended":   func(c *client) { c.Conn.(*envtest.Conn).CloseWrite() },
		"closed":  func(c *client) { c.Conn.Close() },
		"a ghost": func(*client) {},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(c *balancer.Config, _ *balancer.Parts) { c.Batch = 200 * time.Millisecond }, func(t *testing.T, r *rig) {
				first, rec := r.live("/show")
				io.WriteString(first, "the first bytes")
				synctest.Wait()
				time.Sleep(10 * time.Millisecond)
				io.WriteString(first, " and the last")
				end(first)
				r.store.delay(5 * time.Millisecond)
				second := r.ask(put("/show", "anna", "secret"))
				require.Equal(t, 200, second.code)
				require.Equal(t, "the first bytes and the last", r.heard(rec, "/show"))
			})
		})
	}
}
