package web_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env/envtest"
	"deadair/fakes/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const host = "10.0.5.1"

// serve runs a test in virtual time while a server of a pool answers.
func serve(t *testing.T, pool string, f func(t *testing.T, do func(method, url, body string) (int, string))) {
	synctest.Test(t, func(t *testing.T) {
		n := new(envtest.Net)
		e := n.Env("web-1", host, nil)
		var err error
		e.Config, err = json.Marshal(web.Config{Pool: pool, Ingest: "ingest.deadair.test:8000", Admin: ":8002"})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- web.Serve(ctx, e) }()
		synctest.Wait()
		client := &http.Client{Transport: &http.Transport{DialContext: n.Env("asker", "10.0.0.2", nil).DialContext, DisableKeepAlives: true}}
		f(t, func(method, url, body string) (int, string) {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+url, strings.NewReader(body))
			require.NoError(t, err)
			answer, err := client.Do(r)
			require.NoError(t, err)
			defer answer.Body.Close()
			said, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			return answer.StatusCode, string(said)
		})
		stop()
		require.NoError(t, <-ended)
		time.Sleep(time.Second) // net/http's connections linger after an answer that closes them
	})
}

func TestPools(t *testing.T) {
	serve(t, "website", func(t *testing.T, do func(string, string, string) (int, string)) {
		status, body := do("GET", "/", "")
		require.Equal(t, 200, status)
		require.Contains(t, body, "<!doctype html>")
		status, _ = do("GET", web.HealthPath, "")
		require.Equal(t, 200, status)
		status, _ = do("GET", web.IngestPath, "")
		require.Equal(t, 404, status)
	})
	serve(t, "api", func(t *testing.T, do func(string, string, string) (int, string)) {
		status, body := do("GET", web.IngestPath, "")
		require.Equal(t, 200, status)
		require.JSONEq(t, `{"ingest":"ingest.deadair.test:8000"}`, body)
		for method, says := range map[string]string{"POST": `{"ingest":"ingest.deadair.test:8000"}`, "GET": `{"messages":[]}`, "DELETE": ""} {
			status, body = do(method, web.ShowsPath+"/rome-01", "")
			require.Less(t, status, 300, method)
			require.Equal(t, says, strings.TrimSpace(body), method)
		}
		status, _ = do("GET", "/", "")
		require.Equal(t, 404, status)
	})
}

func TestOneStatusToEverything(t *testing.T) {
	serve(t, "website", func(t *testing.T, do func(string, string, string) (int, string)) {
		status, _ := do("POST", ":8002/answer", `{"status": 503}`)
		require.Equal(t, 200, status)
		for _, path := range []string{"/", web.HealthPath, "/nowhere"} {
			status, _ = do("GET", path, "")
			require.Equal(t, 503, status, path)
		}
		_, said := do("GET", ":8002/answer", "")
		require.JSONEq(t, `{"status": 503, "hit": 3}`, said)
		status, _ = do("POST", ":8002/answer", `{"status": 0}`)
		require.Equal(t, 200, status)
		status, _ = do("GET", "/", "")
		require.Equal(t, 200, status)
		for _, wrong := range []string{`{"status": 200}`, `{"status": 600}`, `{"status": -1}`, `{`, `503`} {
			status, _ = do("POST", ":8002/answer", wrong)
			require.Equal(t, 400, status, wrong)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for config, want := range map[string]string{`{`: "configure web server", `{"pool": "shop"}`: `pool "shop" is neither`} {
		e := new(envtest.Net).Env("web-1", host, nil)
		e.Config = []byte(config)
		require.ErrorContains(t, web.Serve(t.Context(), e), want)
	}
}

// TestPortTaken: a server that cannot have one of its ports ends, with all that it started.
func TestPortTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := new(envtest.Net).Env("host", host, nil)
		l, err := e.Listen(t.Context(), "tcp", ":8002")
		require.NoError(t, err)
		defer l.Close()
		e.Config, err = json.Marshal(web.Config{Pool: "api", Admin: ":8002"})
		require.NoError(t, err)
		require.ErrorContains(t, web.Serve(t.Context(), e), "listen at :8002: ")
		other, err := e.Listen(t.Context(), "tcp", web.Addr)
		require.NoError(t, err, "its other port is free again")
		require.NoError(t, other.Close())
	})
}
