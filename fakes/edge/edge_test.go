package edge_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env/envtest"
	"deadair/fakes/edge"
	"deadair/fakes/httpd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder has one show on air, or none, and counts who takes it.
type recorder struct {
	onAir atomic.Bool
	asked atomic.Int32
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if q.URL.Path != "/rome" || !r.onAir.Load() {
		http.NotFound(w, q)
		return
	}
	r.asked.Add(1)
	for r.onAir.Load() {
		_, _ = io.WriteString(w, "audio ")
		w.(http.Flusher).Flush()
		time.Sleep(100 * time.Millisecond)
	}
}

// TestDelivers what a recorder has on air, wherever it is, and says so when nobody is.
func TestDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(envtest.Net)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 3)
		first, second := &recorder{}, &recorder{}
		for ip, r := range map[string]*recorder{"10.0.0.1": first, "10.0.0.2": second} {
			e := n.Env(ip, ip, nil)
			l, err := e.Listen(ctx, "tcp", ":8000")
			require.NoError(t, err)
			go func() { ended <- httpd.Serve(ctx, l, r, e.Log) }()
		}
		e := n.Env("edge", "10.0.0.3", nil)
		var err error
		e.Config, err = json.Marshal(edge.Config{Recorders: []string{"10.0.0.1:8000", "10.0.0.2:8000"}, Admin: ":8002"})
		require.NoError(t, err)
		go func() { ended <- edge.Serve(ctx, e) }()
		synctest.Wait()
		client := &http.Client{Transport: &http.Transport{DialContext: n.Env("listener", "10.0.0.9", nil).DialContext, DisableKeepAlives: true}}
		open := func(ctx context.Context, url string) *http.Response {
			q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://10.0.0.3"+url, nil)
			require.NoError(t, err)
			answer, err := client.Do(q)
			require.NoError(t, err)
			return answer
		}
		get := func(url string) int {
			answer := open(ctx, url)
			defer answer.Body.Close()
			return answer.StatusCode
		}
		hears := func(stream io.Reader, d time.Duration) (bytes int) {
			for began := time.Now(); time.Since(began) < d; {
				data := make([]byte, 1<<10)
				got, err := stream.Read(data)
				if bytes += got; err != nil {
					break
				}
			}
			return bytes
		}
		require.Equal(t, 200, get("/health"))
		require.Equal(t, 200, get(":8002/health"))
		require.Equal(t, 404, get("/live/rome"), "nobody is on air")
		second.onAir.Store(true)
		time.Sleep(5 * time.Second)
		kept := open(ctx, "/live/rome")
		require.Equal(t, 200, kept.StatusCode)
		require.InDelta(t, 900, hears(kept.Body, 10*time.Second), 120, "what was kept, and what comes")
		require.Equal(t, 200, get("/live/rome"))
		require.EqualValues(t, 1, second.asked.Load(), "it is taken once, for all")
		second.onAir.Store(false)
		first.onAir.Store(true)
		time.Sleep(5 * time.Second)
		require.Positive(t, hears(kept.Body, 5*time.Second), "it goes on elsewhere, on the same connection")
		first.onAir.Store(false)
		time.Sleep(15 * time.Second)
		require.Equal(t, 404, get("/live/rome"), "what came long ago is no live show")
		began := time.Now()
		_, err = io.Copy(io.Discard, kept.Body)
		require.NoError(t, err)
		require.Less(t, time.Since(began), time.Minute, "its connections are closed after a while")
		kept.Body.Close()
		stop()
		for range 3 {
			require.NoError(t, <-ended)
		}
		time.Sleep(time.Second) // net/http's connections linger after an answer that closes them
	})
}

func TestConfigIsChecked(t *testing.T) {
	for config, want := range map[string]string{`{`: "configure edge", `{}`: "it needs recorders"} {
		e := new(envtest.Net).Env("edge", "10.0.0.3", nil)
		e.Config = []byte(config)
		require.ErrorContains(t, edge.Serve(t.Context(), e), want)
	}
}

// TestPortTaken: a server that cannot have one of its ports ends, with all that it started.
func TestPortTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(envtest.Net).Env("host", "10.0.0.9", nil)
		l, err := e.Listen(t.Context(), "tcp", ":8002")
		require.NoError(t, err)
		defer l.Close()
		e.Config, err = json.Marshal(edge.Config{Recorders: []string{"10.0.0.1:9000"}, Admin: ":8002"})
		require.NoError(t, err)
		require.ErrorContains(t, edge.Serve(t.Context(), e), "listen at :8002: ")
		other, err := e.Listen(t.Context(), "tcp", edge.Addr)
		require.NoError(t, err, "its other port is free again")
		require.NoError(t, other.Close())
	})
}
