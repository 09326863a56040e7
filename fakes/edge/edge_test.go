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
		get := func(url string) (int, string) {
			q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://10.0.0.3"+url, nil)
			require.NoError(t, err)
			answer, err := client.Do(q)
			require.NoError(t, err)
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			return answer.StatusCode, string(body)
		}
		for _, url := range []string{"/health", ":8002/health"} {
			status, _ := get(url)
			require.Equal(t, 200, status)
		}
		status, _ := get("/live/rome")
		require.Equal(t, 404, status, "nobody is on air")
		second.onAir.Store(true)
		time.Sleep(5 * time.Second)
		for range 3 {
			status, body := get("/live/rome")
			require.Equal(t, 200, status)
			require.Contains(t, body, "audio")
		}
		require.EqualValues(t, 1, second.asked.Load(), "it is taken once, for all")
		second.onAir.Store(false)
		first.onAir.Store(true)
		time.Sleep(5 * time.Second)
		status, _ = get("/live/rome")
		require.Equal(t, 200, status, "it goes on elsewhere")
		first.onAir.Store(false)
		time.Sleep(15 * time.Second)
		status, _ = get("/live/rome")
		require.Equal(t, 404, status, "what came long ago is no live show")
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
