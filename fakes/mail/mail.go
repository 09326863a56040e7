// Package mail is a relay as a node: it takes every mail by SMTP, over TCP, and keeps it
// on the disk of its host, where whoever collects evidence reads it ([Read]). What it said
// yes to is durable. On request it fails as relays do: it is too busy for now, or takes a
// mail and the answer is lost.
//
// It delivers nothing, knows no mailboxes, and does not speak TLS.
package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/errgroup"

	"deadair/balancer/env"
	"deadair/fakes/httpd"
)

// Addr is where it listens.
const Addr = ":25"

// Limits of a client.
const (
	maxMail = 1 << 20 // bytes of a mail
	maxTo   = 100     // who gets it
	silence = 5 * time.Minute
)

// Config is the node's configuration.
type Config struct {
	Name  string `json:"name"`  // as it greets
	Admin string `json:"admin"` // where operators switch faults; "" for nowhere
}

// Relay is one server. Its zero value is not usable.
type Relay struct {
	cfg  Config
	env  env.Env
	sick sickness
	turn chan struct{} // of one: held by whoever writes to the disk
	torn bool          // the last line may be half a line; for who has the turn
}

// New checks the configuration and starts nothing.
func New(cfg Config, e env.Env) (*Relay, error) {
	if cfg.Name == "" {
		return nil, errors.New("configure relay: it needs a name")
	}
	return &Relay{cfg: cfg, env: e, turn: make(chan struct{}, 1)}, nil
}

// Serve runs a node's relay, configured by e.Config, until ctx is done.
func Serve(ctx context.Context, e env.Env) error {
	var cfg Config
	if err := json.Unmarshal(e.Config, &cfg); err != nil {
		return fmt.Errorf("configure relay: %w", err)
	}
	r, err := New(cfg, e)
	if err != nil {
		return err
	}
	return r.Serve(ctx)
}

// Serve listens until ctx is done, and returns when all clients are gone. It serves once.
func (r *Relay) Serve(ctx context.Context) error {
	if err := mend(r.env.Disk); err != nil {
		return fmt.Errorf("open the mails: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	ports := []struct {
		addr  string
		serve func(net.Listener) error
	}{
		{Addr, func(l net.Listener) error { return r.speak(ctx, l) }},
		{r.cfg.Admin, func(l net.Listener) error { return httpd.Serve(ctx, l, r.operators(), r.env.Log) }},
	}
	for _, p := range ports {
		if p.addr == "" {
			continue
		}
		group.Go(func() error {
			l, err := r.env.Listen(ctx, "tcp", p.addr)
			if err != nil {
				return fmt.Errorf("listen at %s: %w", p.addr, err)
			}
			return p.serve(l)
		})
	}
	return group.Wait()
}

// speak is SMTP on a listener until ctx is done.
func (r *Relay) speak(ctx context.Context, l net.Listener) error {
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &client{relay: r, conn: c.Conn()}, nil
	}))
	server.Domain = r.cfg.Name
	server.MaxMessageBytes, server.MaxRecipients = maxMail, maxTo
	server.ReadTimeout, server.WriteTimeout = silence, silence
	server.ErrorLog = slog.NewLogLogger(r.env.Log.Handler(), slog.LevelDebug)
	open := &tracked{Listener: l, conns: map[net.Conn]bool{}}
	defer context.AfterFunc(ctx, open.end)()
	err := server.Serve(open)
	open.end()
	_ = server.Shutdown(context.WithoutCancel(ctx)) // the listener is closed: it waits for the clients
	if ctx.Err() == nil {
		return fmt.Errorf("serve smtp: %w", err)
	}
	return nil
}

// operators answers at the admin port.
func (r *Relay) operators() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { tell(w, r.sick.state()) })
	mux.HandleFunc("GET /fault", func(w http.ResponseWriter, _ *http.Request) { tell(w, r.sick.state()) })
	mux.HandleFunc("POST /fault", func(w http.ResponseWriter, q *http.Request) {
		var want State
		err := json.NewDecoder(http.MaxBytesReader(w, q.Body, 4<<10)).Decode(&want)
		if err == nil {
			err = r.sick.set(want.Fault)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		tell(w, r.sick.state())
	})
	return mux
}

func tell(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the peer may be gone
}
