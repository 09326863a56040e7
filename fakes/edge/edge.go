// Package edge is one server that delivers shows to listeners, as a node: it takes each
// show that somebody asks for from the recorder that has it on air, once, and sends it on
// to whoever keeps a connection, what came last first.
//
// It does not do: playlists, formats, caches between servers, accounts. It begins wherever
// what it kept begins, not at a frame. Who takes it too slowly misses some. It finds the
// recorder by asking one after the other.
package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"deadair/balancer/env"
	"deadair/fakes/httpd"
)

// Addr is where it listens.
const Addr = ":80"

// Where it answers; anything else is 404.
const (
	LivePath   = "/live" // followed by a mount
	HealthPath = "/health"
)

// Limits.
const (
	maxShows     = 100              // that are taken at once
	maxListeners = 1000             // at once
	maxKept      = 64 << 10         // bytes of a show
	fresh        = 10 * time.Second // what came before is no live show any more
	idle         = time.Minute      // until the connections of a show that brings nothing are closed
	slow         = 10 * time.Second // until a listener who takes nothing is left
	again        = time.Second      // between two rounds of asking the recorders
	deaf         = 2 * time.Second  // until a recorder that does not answer is left alone
)

// Config is the node's configuration.
type Config struct {
	Recorders []string `json:"recorders"` // "ip:port" of where each takes listeners
	Admin     string   `json:"admin"`     // where GET /health is answered as well; "" for nowhere
}

// Server is one server.
type Server struct {
	cfg    Config
	env    env.Env
	client *http.Client
	places chan struct{} // holds one token for each listener

	mu    sync.Mutex // guards what follows; not held during I/O
	shows map[string]*show
	group *errgroup.Group
	ctx   context.Context //nolint:containedctx // of Serve: what is taken ends with it
}

// New checks the configuration and starts nothing.
func New(cfg Config, e env.Env) (*Server, error) {
	if len(cfg.Recorders) == 0 {
		return nil, errors.New("configure edge: it needs recorders")
	}
	transport := &http.Transport{DialContext: e.DialContext, DisableKeepAlives: true, ResponseHeaderTimeout: deaf}
	return &Server{cfg: cfg, env: e, client: &http.Client{Transport: transport}, places: make(chan struct{}, maxListeners), shows: map[string]*show{}}, nil
}

// Serve runs a node's server, configured by e.Config, until ctx is done.
func Serve(ctx context.Context, e env.Env) error {
	var cfg Config
	if err := json.Unmarshal(e.Config, &cfg); err != nil {
		return fmt.Errorf("configure edge: %w", err)
	}
	s, err := New(cfg, e)
	if err != nil {
		return err
	}
	return s.Serve(ctx)
}

// Serve listens until ctx is done, and returns when all requests have ended and no show
// is taken any more. It serves once.
func (s *Server) Serve(ctx context.Context) error {
	s.group, s.ctx = errgroup.WithContext(ctx)
	defer s.client.CloseIdleConnections()
	for _, addr := range []string{Addr, s.cfg.Admin} {
		if addr == "" {
			continue
		}
		s.group.Go(func() error {
			l, err := s.env.Listen(s.ctx, "tcp", addr)
			if err != nil {
				return fmt.Errorf("listen at %s: %w", addr, err)
			}
			return httpd.Serve(s.ctx, l, s.handler(), s.env.Log)
		})
	}
	return s.group.Wait()
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+HealthPath, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET "+LivePath+"/", s.stream)
	return mux
}

// stream sends a show on as it comes, once something has come, until it brings nothing
// any more or the listener is gone.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		http.Error(w, "too many listeners", http.StatusServiceUnavailable)
		return
	}
	one := s.show(strings.TrimPrefix(r.URL.Path, LivePath))
	if one == nil {
		http.Error(w, "too many shows", http.StatusServiceUnavailable)
		return
	}
	audio, next := one.after(r.Context(), 0, deaf)
	if len(audio) == 0 || !one.live() {
		http.Error(w, "nobody is on air there", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "audio/mpeg")
	out := http.NewResponseController(w)
	for len(audio) > 0 {
		_ = out.SetWriteDeadline(time.Now().Add(slow)) // one that cannot be set shows at once
		if _, err := w.Write(audio); err != nil {
			return
		}
		if out.Flush() != nil {
			return
		}
		_ = out.SetWriteDeadline(time.Time{})
		audio, next = one.after(r.Context(), next, idle)
	}
}

// show is what is taken of a mount; nil when there is room for no more.
func (s *Server) show(mount string) *show {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.shows[mount]
	if one == nil && len(s.shows) < maxShows {
		one = &show{mount: mount, more: make(chan struct{})}
		s.shows[mount] = one
		s.group.Go(func() error { s.take(s.ctx, one); return nil })
	}
	return one
}
