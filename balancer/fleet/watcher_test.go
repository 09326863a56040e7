package fleet_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env/envtest"
	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	balancerIP = "10.0.0.1"
	recorderIP = "10.0.1.1"
	recorder   = "eu/recorder-1"
)

// responder is a scripted recorder: it answers every request with answer's text.
type responder struct {
	answer func(target string) string
	conns  atomic.Int64
	asked  atomic.Int64
}

func (r *responder) serve(t *testing.T, n *envtest.Net, ip string) {
	l, err := n.Env("recorder", ip, nil).Listen(t.Context(), "tcp", ":8000")
	require.NoError(t, err)
	context.AfterFunc(t.Context(), func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.conns.Add(1)
			stop := context.AfterFunc(t.Context(), func() { c.Close() })
			go func() {
				defer stop()
				defer c.Close()
				r.converse(c)
			}()
		}
	}()
}

func (r *responder) converse(c net.Conn) {
	for {
		head, err := icecast.ReadHead(c)
		if err != nil {
			return
		}
		r.asked.Add(1)
		answer := r.answer(head.Target)
		if answer == "" {
			return // closes without a word
		}
		io.WriteString(c, answer)
	}
}

func answer(status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

func healthy(status string, sources int) string {
	return answer(200, fmt.Sprintf(`{"status":%q,"capacity":20,"sources":%d,"free":%d}`, status, sources, 20-sources))
}

func watch(t *testing.T, n *envtest.Net, gone func(string)) *fleet.Watcher {
	return watchUntil(t, n, 2, gone)
}

// watchUntil watches a recorder that is down after fall failed looks.
func watchUntil(t *testing.T, n *envtest.Net, fall int, gone func(string)) *fleet.Watcher {
	w := fleet.NewWatcher(fleet.Config{
		Recorders: []fleet.Recorder{{Name: recorder, Datacenter: "eu", Addr: recorderIP + ":8000"}},
		Poll:      2 * time.Second, Deadline: time.Second, Fall: fall, Rise: 2, Gone: gone,
	}, n.Env("balancer", balancerIP, nil))
	go w.Serve(t.Context())
	return w
}

// after lets virtual time pass and tells the recorder's state then.
func after(t *testing.T, w *fleet.Watcher, d time.Duration) fleet.State {
	time.Sleep(d)
	synctest.Wait()
	s, ok := w.Status(recorder)
	require.True(t, ok)
	return s.State
}

func TestWatcherSeesWhatTheRecorderSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, r := new(envtest.Net), new(responder)
		var says atomic.Value
		says.Store(healthy("ok", 3))
		r.answer = func(string) string { return says.Load().(string) }
		r.serve(t, n, recorderIP)
		w := watch(t, n, nil)
		require.Equal(t, fleet.Unknown, w.View()[0].State)
		require.Equal(t, fleet.Up, after(t, w, 100*time.Millisecond), "the first look comes soon")
		require.Equal(t, 3, w.View()[0].Sources)
		require.Equal(t, 20, w.View()[0].Capacity)

		for word, state := range map[string]fleet.State{"full": fleet.Full, "draining": fleet.Draining, "failing": fleet.Failing} {
			says.Store(healthy(word, 20))
			require.Equal(t, state, after(t, w, 2*time.Second), word)
		}
		says.Store(answer(503, `{"status":"failing"}`))
		require.Equal(t, fleet.Failing, after(t, w, 2*time.Second))
		says.Store(healthy("ok", 0))
		require.Equal(t, fleet.Up, after(t, w, 2*time.Second), "what answers is believed at once")
	})
}

func TestWatcherKeepsItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, r := new(envtest.Net), &responder{answer: func(string) string { return healthy("ok", 0) }}
		r.serve(t, n, recorderIP)
		w := watch(t, n, nil)
		after(t, w, time.Hour)
		require.InDelta(t, 1800, r.asked.Load(), 2)
		require.EqualValues(t, 1, r.conns.Load())
	})
}

// A recorder that closed an idle connection is not down for that.
func TestWatcherReplacesAClosedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(envtest.Net)
		var asked atomic.Int64
		r := &responder{answer: func(string) string {
			if asked.Add(1)%2 == 1 {
				return healthy("ok", 0)
			}
			return ""
		}}
		r.serve(t, n, recorderIP)
		w := watchUntil(t, n, 1, nil)
		for range 20 {
			require.Equal(t, fleet.Up, after(t, w, 2*time.Second))
		}
		require.Greater(t, r.conns.Load(), int64(10))
	})
}

func TestWatcherTakesSilentRecordersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, r := new(envtest.Net), &responder{answer: func(string) string { return healthy("ok", 0) }}
		r.serve(t, n, recorderIP)
		var gone []string
		w := watch(t, n, func(name string) { gone = append(gone, name) })
		require.Equal(t, fleet.Up, after(t, w, 10*time.Second))

		n.Set(recorderIP, envtest.Silent)
		start := time.Now()
		for after(t, w, 10*time.Millisecond) == fleet.Up {
		}
		require.LessOrEqual(t, time.Since(start), 2*2*time.Second+time.Second+10*time.Millisecond, "Fall looks and a deadline")
		require.GreaterOrEqual(t, time.Since(start), 3*time.Second, "one silent look is not enough")
		require.Equal(t, []string{recorder}, gone)
		require.Equal(t, fleet.Down, after(t, w, time.Minute))
		require.Len(t, gone, 1, "told once")

		n.Set(recorderIP, envtest.Normal)
		start = time.Now()
		for after(t, w, 10*time.Millisecond) == fleet.Down {
		}
		require.Greater(t, time.Since(start), 2*time.Second, "one good look is not enough")
		require.LessOrEqual(t, time.Since(start), 5*time.Second)
	})
}

// Connections that exist swallow bytes, new ones work: one look is lost, the
// recorder stays.
func TestWatcherLeavesAMutedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, r := new(envtest.Net), &responder{answer: func(string) string { return healthy("ok", 0) }}
		r.serve(t, n, recorderIP)
		w := watch(t, n, func(string) { t.Error("not gone") })
		after(t, w, 10*time.Second)
		n.Mute(balancerIP, recorderIP)
		for range 10 {
			require.Equal(t, fleet.Up, after(t, w, time.Second))
		}
		require.EqualValues(t, 2, r.conns.Load())
	})
}

func TestWatcherCountsDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, r := new(envtest.Net), &responder{answer: func(string) string { return healthy("ok", 0) }}
		r.serve(t, n, recorderIP)
		w := watch(t, n, func(string) { t.Error("dials alone must not cut what is connected") })
		after(t, w, 10*time.Second)
		w.Failed(recorder)
		require.Equal(t, fleet.Up, after(t, w, 0))
		w.Failed(recorder)
		require.Equal(t, fleet.Down, after(t, w, 0))
		require.Equal(t, fleet.Up, after(t, w, 4*time.Second))

		w.Failed(recorder)
		w.Took(recorder)
		w.Failed(recorder)
		require.Equal(t, fleet.Up, after(t, w, 0), "a success in between")
		require.Equal(t, 1, w.View()[0].Sources)
		w.Told(recorder, fleet.Full)
		require.Equal(t, fleet.Full, after(t, w, 0))
		require.Equal(t, fleet.Up, after(t, w, 2*time.Second), "until the next look")
		w.Failed("nobody")
	})
}

func TestWatcherDoesNotTakeDialsForSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, r := new(envtest.Net), &responder{answer: func(string) string { return healthy("ok", 0) }}
		r.serve(t, n, recorderIP)
		w := watch(t, n, func(string) { t.Error("one silent look is not enough, whatever dials say") })
		after(t, w, 10*time.Second)
		n.Mute(balancerIP, recorderIP)
		w.Failed(recorder)
		time.Sleep(10 * time.Second)
		require.Equal(t, fleet.Up, after(t, w, 0))
	})
}

func TestWatcherSurvivesNonsense(t *testing.T) {
	for name, nonsense := range map[string]string{
		"text":        "hello\r\n\r\n",
		"no length":   "HTTP/1.1 200 OK\r\n\r\n",
		"huge length": "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
		"negative":    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"too much":    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabcdef",
		"short":       "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabcdef",
		"no json":     answer(200, "OK"),
		"no status":   answer(200, "{}"),
		"new status":  healthy("sleepy", 0),
		"404":         answer(404, `{"status":"ok"}`),
		"huge head":   "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20_000) + "\r\n\r\n",
		"nothing":     "",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, r := new(envtest.Net), &responder{answer: func(string) string { return nonsense }}
				r.serve(t, n, recorderIP)
				w := watch(t, n, nil)
				want := fleet.Failing
				if name == "short" || name == "nothing" { // no answer at all
					want = fleet.Down
				}
				require.Equal(t, want, after(t, w, 6*time.Second))
			})
		})
	}
}

func TestWatcherEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(envtest.Net)
		n.Set(recorderIP, envtest.Silent)
		w := fleet.NewWatcher(fleet.Config{
			Recorders: []fleet.Recorder{{Name: recorder, Addr: recorderIP + ":8000"}},
			Poll:      2 * time.Second, Deadline: time.Hour, Fall: 2, Rise: 2,
		}, n.Env("balancer", balancerIP, nil))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		w.Serve(ctx)
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}

// A recorder whose health nobody understands gets no new shows. It is there: those
// that it has are not given up.
func TestWatcherDoesNotGiveUpWhatItDoesNotUnderstand(t *testing.T) {
	for name, says := range map[string]string{
		"another word": healthy("warming-up", 0), "a status": answer(404, "{}"), "no HTTP": "SSH-2.0-OpenSSH_9\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, r := new(envtest.Net), new(responder)
				var now atomic.Value
				now.Store(healthy("ok", 3))
				r.answer = func(string) string { return now.Load().(string) }
				r.serve(t, n, recorderIP)
				gone := 0
				w := watch(t, n, func(string) { gone++ })
				require.Equal(t, fleet.Up, after(t, w, 10*time.Second))
				now.Store(says)
				require.Equal(t, fleet.Failing, after(t, w, time.Minute))
				require.Zero(t, gone)
				n.Set(recorderIP, envtest.Silent)
				require.Equal(t, fleet.Down, after(t, w, 10*time.Second), "silence is another thing")
				require.Equal(t, 1, gone)
				n.Set(recorderIP, envtest.Normal)
				require.Equal(t, fleet.Down, after(t, w, time.Minute), "nonsense brings nobody back")
				now.Store(healthy("ok", 3))
				require.Equal(t, fleet.Up, after(t, w, 10*time.Second))
			})
		})
	}
}
