package stack_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world"
)

// oneServer is a world on paper in which every address leads to one server.
type oneServer struct {
	world.World
	addr string
}

func (w oneServer) Env(host string) env.Env {
	e := w.World.Env(host)
	e.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, w.addr)
	}
	return e
}

// TestOperatorIsToldTheReason: what a node says of itself is what a person needs.
func TestOperatorIsToldTheReason(t *testing.T) {
	for body, want := range map[string]string{
		`{"status": "failing", "reason": "disk full"}`: "ask eu-west/recorder-1 to drain: it answered 503 Service Unavailable: disk full",
		`{"error": "nobody holds this mount here"}`:    "ask eu-west/recorder-1 to drain: it answered 503 Service Unavailable: nobody holds this mount here",
		`{}`:        "ask eu-west/recorder-1 to drain: it answered 503 Service Unavailable",
		`<html>`:    "ask eu-west/recorder-1 to drain: it answered 503 Service Unavailable",
		`{"reason"`: "ask eu-west/recorder-1 to drain: it answered 503 Service Unavailable",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, body) // who asked sees what is missing
		}))
		p, err := scenario.Expand(parse(t, minimal), "today", "virtual", 1, 1)
		require.NoError(t, err)
		w := oneServer{stack.NewPaper(p), server.Listener.Addr().String()}
		s, err := stack.New(p, w, history.NewLog(w.Now), slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		require.EqualError(t, s.Operate(t.Context(), "eu-west/recorder-1", "drain"), want)
		server.Close()
	}
}
