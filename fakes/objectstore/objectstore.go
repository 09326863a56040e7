// Package objectstore is an S3 store as a node: one bucket, over HTTP, on the disk of
// its host. On request it fails as such stores do: it answers 503, is slow, gives an
// error inside a 200, does what it was asked and the answer is lost, rejects parts, has
// no bucket, or finds the client's clock wrong.
//
// It keeps every version of every object and a journal of when each appeared, so that
// whoever collects evidence reads both from its disk ([Read]). What was answered is
// durable.
//
// It does not check signatures, only who signed and when; it knows path-style
// addresses only, and neither ACLs nor versions, lifecycles or copies.
package objectstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"deadair/balancer/env"
	"deadair/fakes/httpd"
)

// Addr is where it listens.
const Addr = ":9000"

// MinPart is the least size of a part that is not its upload's last, in bytes.
const MinPart = 5 << 20

// maxSkew is how far a client's clock may be off.
const maxSkew = 15 * time.Minute

// Config is the node's configuration.
type Config struct {
	Bucket  string `json:"bucket"`   // the only one
	Key     string `json:"key"`      // of the only client; its secret is not looked at
	Admin   string `json:"admin"`    // where operators switch faults; "" for nowhere
	Fault   Fault  `json:"fault"`    // from the start; "" is healthy
	MinPart int64  `json:"min_part"` // bytes; 0 means MinPart
}

// Store is one server. Its zero value is not usable.
type Store struct {
	cfg  Config
	env  env.Env
	sick sickness

	turn chan struct{} // of one: held by whoever changes what is there; unlike mu it is held during I/O

	mu      sync.Mutex         // guards what follows
	now     map[string]Version // by key: what is there
	uploads map[string]*upload
	next    int // number of the last blob or upload
}

// New checks the configuration and starts nothing.
func New(cfg Config, e env.Env) (*Store, error) {
	if cfg.Bucket == "" {
		return nil, errors.New("configure object store: it needs a bucket")
	}
	if cfg.MinPart == 0 {
		cfg.MinPart = MinPart
	}
	s := &Store{cfg: cfg, env: e, turn: make(chan struct{}, 1), now: map[string]Version{}, uploads: map[string]*upload{}}
	if err := s.sick.set(cfg.Fault, 0); err != nil {
		return nil, fmt.Errorf("configure object store: %w", err)
	}
	return s, nil
}

// Serve runs a node's store, configured by e.Config, until ctx is done.
func Serve(ctx context.Context, e env.Env) error {
	var cfg Config
	if err := json.Unmarshal(e.Config, &cfg); err != nil {
		return fmt.Errorf("configure object store: %w", err)
	}
	s, err := New(cfg, e)
	if err != nil {
		return err
	}
	return s.Serve(ctx)
}

// Serve listens until ctx is done, and returns when all requests have ended. It serves
// once.
func (s *Store) Serve(ctx context.Context) error {
	if err := s.open(); err != nil {
		return fmt.Errorf("open object store: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	ports := []struct {
		addr    string
		handler http.Handler
	}{{Addr, http.HandlerFunc(s.serve)}, {s.cfg.Admin, s.operators()}}
	for _, p := range ports {
		if p.addr == "" {
			continue
		}
		l, err := s.env.Listen(ctx, "tcp", p.addr)
		if err != nil {
			return errors.Join(fmt.Errorf("listen at %s: %w", p.addr, err), ctx.Err())
		}
		group.Go(func() error { return httpd.Serve(ctx, l, p.handler, s.env.Log) })
	}
	return group.Wait()
}
