package recorder

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serveAdmin answers operators until ctx is done.
func (r *Recorder) serveAdmin(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", r.adminHealth)
	mux.HandleFunc("POST /drain", r.adminDrain(true))
	mux.HandleFunc("POST /undrain", r.adminDrain(false))
	mux.HandleFunc("POST /metadata", r.adminMetadata)
	mux.HandleFunc("POST /kill", r.adminKill)
	mux.HandleFunc("GET /template", r.adminTemplate)
	mux.HandleFunc("POST /template", r.adminTemplate)
	mux.HandleFunc("GET /holdings", r.adminHoldings)
	mux.HandleFunc("GET /segment", r.adminSegment)
	mux.Handle("GET /metrics", promhttp.HandlerFor(r.metrics.registry, promhttp.HandlerOpts{}))
	var inside sync.WaitGroup
	defer inside.Wait()
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			inside.Add(1)
			defer inside.Done()
			mux.ServeHTTP(w, q)
		}),
		ReadHeaderTimeout: r.cfg.HeadTimeout,
		WriteTimeout:      r.cfg.FetchDeadline, // a peer that fetches a segment has no longer either
		IdleTimeout:       r.cfg.RequestIdle,
		MaxHeaderBytes:    8 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(r.log.Handler(), slog.LevelWarn),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

func (r *Recorder) adminHealth(w http.ResponseWriter, _ *http.Request) {
	status, body := r.health()
	reply(w, status, body)
}

func (r *Recorder) adminDrain(draining bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		r.SetDraining(draining)
		_, body := r.health()
		reply(w, http.StatusOK, body)
	}
}

func (r *Recorder) adminMetadata(w http.ResponseWriter, q *http.Request) {
	ok, err := r.SetTitle(q.URL.Query().Get("mount"), q.URL.Query().Get("song"))
	r.replyFound(w, ok, err)
}

func (r *Recorder) adminKill(w http.ResponseWriter, q *http.Request) {
	ok, err := r.Kill(q.Context(), q.URL.Query().Get("mount"))
	r.replyFound(w, ok, err)
}

func (r *Recorder) replyFound(w http.ResponseWriter, ok bool, err error) {
	switch {
	case err != nil:
		reply(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
	case !ok:
		reply(w, http.StatusNotFound, map[string]string{"error": "nobody holds this mount here"})
	default:
		reply(w, http.StatusOK, map[string]string{"status": "ok"})
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the peer may be gone
}
