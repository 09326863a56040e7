// Package sentinel is a Redis Sentinel as a node: it watches some Redis servers with its
// peers, has another one be the master when most of them find it dead, and tells
// clients which one it is.
//
// What it does is that of the real one in small: a master is down when it was silent for
// a while, a majority of all sentinels votes for who makes another one, and each
// decision has a number by which later ones win. It differs in that the sentinels know one another
// from the start and talk to each other directly, not by way of the servers; in that
// a replica is taken whatever it has; and in that it keeps nothing when it ends: then it
// learns from its peers. It has no TILT, no subscriptions and no commands but those that clients ask with.
package sentinel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"deadair/balancer/env"
)

// Addr is where it listens.
const Addr = ":26379"

// Config is the node's configuration.
type Config struct {
	Master    string        `json:"master"`     // what clients call it
	Servers   []string      `json:"servers"`    // "ip:port" of each Redis; the first is the master at the start
	Peers     []string      `json:"peers"`      // "ip:port" of each other sentinel
	Every     time.Duration `json:"every"`      // from one look at all of them to the next
	DownAfter time.Duration `json:"down_after"` // how long a server is silent until it is down
	Deadline  time.Duration `json:"deadline"`   // of each question
}

// decision is which server is the master; of two the one with the higher number is right.
type decision struct {
	epoch  int
	master string
}

// Sentinel is one of some. Its zero value is not usable.
type Sentinel struct {
	cfg Config
	env env.Env

	mu    sync.Mutex
	now   decision
	voted int                  // the highest number that a vote was given for
	seen  map[string]time.Time // when each server answered last
}

// New checks the configuration and starts nothing.
func New(cfg Config, e env.Env) (*Sentinel, error) {
	if cfg.Master == "" || len(cfg.Servers) == 0 || cfg.Every <= 0 || cfg.DownAfter <= cfg.Every || cfg.Deadline <= 0 {
		return nil, errors.New("configure sentinel: the master's name, servers, and how often and how long to look are needed")
	}
	return &Sentinel{cfg: cfg, env: e, now: decision{0, cfg.Servers[0]}, seen: map[string]time.Time{}}, nil
}

// Serve runs a node's Sentinel, configured by e.Config, until ctx is done.
func Serve(ctx context.Context, e env.Env) error {
	var cfg Config
	if err := json.Unmarshal(e.Config, &cfg); err != nil {
		return fmt.Errorf("configure sentinel: %w", err)
	}
	s, err := New(cfg, e)
	if err != nil {
		return err
	}
	return s.Serve(ctx)
}

// Serve listens and watches until ctx is done, and returns when all of it has ended.
func (s *Sentinel) Serve(ctx context.Context) error {
	listener, err := s.env.Listen(ctx, "tcp", Addr)
	if err != nil {
		return fmt.Errorf("listen for sentinel's clients: %w", err)
	}
	defer listener.Close()
	answers := server.NewServerConn()
	defer answers.Close()
	if err := answers.Register("SENTINEL", s.answer); err != nil {
		return fmt.Errorf("start sentinel: %w", err)
	}
	ctx, end := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer end()
	watching.Go(func() { s.watch(ctx) })
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept sentinel's client: %w", err)
		}
		answers.ServeConn(conn)
	}
}

// Words that sentinels say to one another, after SENTINEL. Real ones have others.
const (
	hello = "deadair.hello" // EPOCH MASTER: what the one knows; the answer is what the other knows then
	vote  = "deadair.vote"  // EPOCH: yes for who asks, if the master is down and there was no vote for so high a number; and the highest
)

// answer serves SENTINEL.
func (s *Sentinel) answer(peer *server.Peer, _ string, args []string) {
	if len(args) < 2 {
		peer.WriteError("ERR wrong number of arguments for 'sentinel' command")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	host, port, _ := net.SplitHostPort(s.now.master)
	switch what := strings.ToLower(args[0]); {
	case what == hello && len(args) == 3:
		epoch, _ := strconv.Atoi(args[1])
		s.learn(decision{epoch, args[2]})
		peer.WriteStrings([]string{strconv.Itoa(s.now.epoch), s.now.master})
	case what == vote:
		epoch, _ := strconv.Atoi(args[1])
		given := "no"
		if epoch > s.voted && s.down(s.now.master) {
			s.voted, given = epoch, "yes"
		}
		peer.WriteStrings([]string{given, strconv.Itoa(s.voted)})
	case what == "get-master-addr-by-name" && args[1] != s.cfg.Master:
		peer.WriteLen(-1)
	case what == "get-master-addr-by-name":
		peer.WriteStrings([]string{host, port})
	case what == "master" && args[1] != s.cfg.Master:
		peer.WriteError("ERR No such master with that name")
	case what == "master":
		peer.WriteStrings([]string{"name", s.cfg.Master, "ip", host, "port", port, "flags", "master", "config-epoch", strconv.Itoa(s.now.epoch)})
	default:
		peer.WriteError("ERR Unknown sentinel subcommand '" + args[0] + "'")
	}
}

// learn takes over a later decision. The caller holds mu.
func (s *Sentinel) learn(d decision) {
	if d.epoch > s.now.epoch && d.master != "" {
		s.now = d
		s.voted = max(s.voted, d.epoch)
	}
}

// down tells whether a server is silent for too long. The caller holds mu.
func (s *Sentinel) down(at string) bool {
	return time.Since(s.seen[at]) > s.cfg.DownAfter
}
