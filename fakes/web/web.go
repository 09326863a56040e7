// Package web is one server of an operator's website or of its API, as a node: pages
// for visitors, answers for apps, a health check. On request it answers one status to
// everything, as a server does whose application is gone.
//
// It does not do: sessions, shows (it says yes to whatever an app does with one), content that anybody would read. Of SSL 3.0 it knows the
// hello. Nothing stands between it and who asks: its pool is made by DNS.
package web

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"

	"golang.org/x/sync/errgroup"

	"deadair/balancer/env"
	"deadair/fakes/httpd"
)

// Addr is where it listens.
const Addr = ":80"

// Where it answers; anything else is 404.
const (
	PagePath   = "/"
	IngestPath = "/v1/ingest" // where sources connect, for whoever asks
	ShowsPath  = "/v1/shows"  // followed by a mount: an app's show is begun (POST), asked for news (GET), ended (DELETE)
	HealthPath = "/health"
)

// Config is the node's configuration.
type Config struct {
	Pool   string `json:"pool"`   // what it is: "website" or "api"
	Ingest string `json:"ingest"` // where sources connect, "host:port", for apps that ask
	Floor  string `json:"floor"`  // the oldest way to speak TLS that it agrees to at SecureAddr, of Floors; "" for no TLS
	Admin  string `json:"admin"`  // where operators have it answer one status; "" for nowhere
}

// Server is one server.
type Server struct {
	cfg Config
	env env.Env

	certificate tls.Certificate

	mu    sync.Mutex // guards state and floor
	state State
	floor string
}

// State is what operators are told, and tell: POST /answer at the admin port with its
// JSON switches, GET /answer answers it.
type State struct {
	Status int `json:"status"` // of the answer to everything; 0: it works
	Hit    int `json:"hit"`    // requests that were answered so since
}

// New checks the configuration and starts nothing.
func New(cfg Config, e env.Env) (*Server, error) {
	if cfg.Pool != "website" && cfg.Pool != "api" {
		return nil, fmt.Errorf("configure web server: pool %q is neither website nor api", cfg.Pool)
	}
	s := &Server{cfg: cfg, env: e, floor: cfg.Floor}
	if cfg.Floor == "" {
		return s, nil
	}
	if err := s.Raise(cfg.Floor); err != nil {
		return nil, fmt.Errorf("configure web server: %w", err)
	}
	var err error
	s.certificate, err = SelfSigned()
	return s, err
}

// Serve runs a node's server, configured by e.Config, until ctx is done.
func Serve(ctx context.Context, e env.Env) error {
	var cfg Config
	if err := json.Unmarshal(e.Config, &cfg); err != nil {
		return fmt.Errorf("configure web server: %w", err)
	}
	s, err := New(cfg, e)
	if err != nil {
		return err
	}
	return s.Serve(ctx)
}

// Serve listens until ctx is done, and returns when all requests have ended.
func (s *Server) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	serve := func(addr string, handler http.Handler, listen func(context.Context) (net.Listener, error)) {
		group.Go(func() error {
			l, err := listen(ctx)
			if err != nil {
				return fmt.Errorf("listen at %s: %w", addr, err)
			}
			return httpd.Serve(ctx, l, handler, s.env.Log)
		})
	}
	serve(Addr, s.spoilt(s.public()), s.listener(Addr))
	if s.cfg.Admin != "" {
		serve(s.cfg.Admin, s.operators(), s.listener(s.cfg.Admin))
	}
	if s.cfg.Floor != "" {
		serve(SecureAddr, s.spoilt(s.public()), s.listenSecurely)
	}
	return group.Wait()
}

// listener listens at a port as it is.
func (s *Server) listener(addr string) func(context.Context) (net.Listener, error) {
	return func(ctx context.Context) (net.Listener, error) { return s.env.Listen(ctx, "tcp", addr) }
}

// page is what a visitor gets.
const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Live now</title><h1>Live now</h1><p>Shows of people like you.</p></html>
`

// public is what the server says when it works.
func (s *Server) public() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+HealthPath, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	if s.cfg.Pool == "api" {
		mux.HandleFunc("GET "+IngestPath, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]string{"ingest": s.cfg.Ingest})
		})
		mux.HandleFunc("POST "+ShowsPath+"/{mount...}", func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]string{"ingest": s.cfg.Ingest})
		})
		mux.HandleFunc("GET "+ShowsPath+"/{mount...}", func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string][]string{"messages": {}})
		})
		mux.HandleFunc("DELETE "+ShowsPath+"/{mount...}", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		})
		return mux
	}
	mux.HandleFunc("GET "+PagePath+"{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
	})
	return mux
}

// spoilt answers the status that operators have asked for, to every request.
func (s *Server) spoilt(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := s.hit(); status != 0 {
			http.Error(w, http.StatusText(status), status)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// hit counts a request that is answered with the one status, which it returns; 0 if it is not.
func (s *Server) hit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Status != 0 {
		s.state.Hit++
	}
	return s.state.Status
}
