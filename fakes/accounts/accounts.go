// Package accounts is an operator's account service as a node: it tells whose
// password is right, in the words of Icecast's URL authentication, and which plan the
// account has.
//
// It does not know mounts or bans, and it has no faults of its own: as a node it is
// killed, frozen and cut off like any other.
package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"deadair/balancer/env"
	"deadair/fakes/httpd"
)

const (
	// Addr is where it listens.
	Addr = ":8080"
	// Path is where it is asked, by POST.
	Path = "/auth"
)

// maxForm is the longest question that is read, in bytes.
const maxForm = 16 << 10

// Config is the node's configuration.
type Config struct {
	Passwords map[string]string `json:"passwords"`       // by user
	Plans     map[string]string `json:"plans,omitempty"` // by user; whoever has none is not told to have one
	Admin     string            `json:"admin"`           // where GET /health is answered as well; "" for nowhere
}

// Serve runs a node's account service, configured by e.Config, until ctx is done and
// all questions under way have been answered.
func Serve(ctx context.Context, e env.Env) error {
	var cfg Config
	if err := json.Unmarshal(e.Config, &cfg); err != nil {
		return fmt.Errorf("configure account service: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, addr := range []string{Addr, cfg.Admin} {
		if addr == "" {
			continue
		}
		l, err := e.Listen(ctx, "tcp", addr)
		if err != nil {
			return fmt.Errorf("listen for questions: %w", err)
		}
		group.Go(func() error { return httpd.Serve(ctx, l, cfg.handler(), e.Log) })
	}
	return group.Wait()
}

func (c Config) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST "+Path, c.answer)
	return mux
}

// answer says yes or no. A question that it does not understand is no proof of either.
func (c Config) answer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil || r.PostForm.Get("action") != "stream_auth" {
		http.Error(w, "give action=stream_auth, user and pass", http.StatusBadRequest)
		return
	}
	password, known := c.Passwords[r.PostForm.Get("user")]
	said := "0"
	if known && password == r.PostForm.Get("pass") {
		said = "1"
		if plan := c.Plans[r.PostForm.Get("user")]; plan != "" {
			w.Header().Set("Deadair-Plan", plan)
		}
	}
	w.Header().Set("Icecast-Auth-User", said)
}
