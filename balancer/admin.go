package balancer

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serveAdmin serves operators until ctx is done: GET /health, /metrics, /recorders,
// /rollout, POST /drain, /undrain, /rollout.
func (b *Balancer) serveAdmin(ctx context.Context, l net.Listener) {
	server := &http.Server{
		Handler:           b.adminHandler(),
		ReadHeaderTimeout: b.cfg.HeadTimeout,
		ReadTimeout:       b.cfg.HeadTimeout,
		WriteTimeout:      2 * b.cfg.HeadTimeout,
		IdleTimeout:       2 * b.cfg.HeadTimeout,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(b.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		server.Close()
		close(stopped)
	})
	if err := server.Serve(l); ctx.Err() == nil {
		b.log.Error("admin port ended", "err", err)
	}
	if !stop() {
		<-stopped
	}
}

func (b *Balancer) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		status, body := b.healthAnswer()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		w.Write(body) //nolint:errcheck // an operator who has gone needs no answer
	})
	mux.HandleFunc("GET /recorders", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(b.watcher.View()) //nolint:errcheck // an operator who has gone needs no answer
	})
	mux.HandleFunc("POST /drain", func(w http.ResponseWriter, _ *http.Request) { b.Drain() })
	mux.HandleFunc("POST /undrain", func(w http.ResponseWriter, _ *http.Request) { b.Undrain() })
	mux.HandleFunc("GET /rollout", b.tellRollout)
	mux.HandleFunc("POST /rollout", b.takeRollout)
	mux.Handle("GET /metrics", promhttp.HandlerFor(b.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}
