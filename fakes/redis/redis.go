// Package redis is a Redis server as a node: miniredis, reached through the
// world's network, its clock the world's. On request it refuses as Redis does that
// loads, is a replica, is full, and so on.
//
// It does not keep its data when it ends: it comes back empty, as a Redis without
// persistence. It has no cluster and no memory limit of its own. A replica is told
// by REPLICAOF, copies its master's hashes and nothing else, all of them at each
// turn, and so is always a little behind; it keeps no backlog. Sentinels are package
// sentinel's. Commands that miniredis lacks are unknown; an error within a script
// comes wrapped ("ERR … READONLY …"), as from Redis before version 7; blocked
// clients may hold up the end of virtual time, so do not use BLPOP and its kin.
package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"deadair/balancer/env"
)

// Addr is where it listens.
const Addr = ":6379"

// AnswerCommand is a command of this fake's own, with an Answer as its argument: it
// switches as SetAnswer does, from another process. It is served whatever the answer.
const AnswerCommand = "DEADAIR.ANSWER"

// RefusedCommand is another one: how many commands and connections were refused
// since the answer was switched last. It is served whatever the answer.
const RefusedCommand = "DEADAIR.REFUSED"

// Config is the node's configuration.
type Config struct {
	Answer    Answer        `json:"answer"`     // from the start; "" is healthy
	ReplicaOf string        `json:"replica_of"` // "ip:port" of its master at the start; "" is none
	CopyEvery time.Duration `json:"copy_every"` // how often a replica copies; 0 is 500 ms
}

// WithDefaults is the configuration with what was left out.
func (c Config) WithDefaults() Config {
	if c.CopyEvery == 0 {
		c.CopyEvery = 500 * time.Millisecond
	}
	return c
}

// Redis is one server. Its zero value is not usable.
type Redis struct {
	env    env.Env
	cfg    Config
	answer atomic.Pointer[refusal]

	mu     sync.Mutex
	master string        // whom it follows; "" is a master
	turned chan struct{} // holds one: the master is another one
}

// New checks the configuration and starts nothing.
func New(cfg Config, e env.Env) (*Redis, error) {
	r := &Redis{env: e, cfg: cfg.WithDefaults(), master: cfg.ReplicaOf, turned: make(chan struct{}, 1)}
	if err := r.SetAnswer(cfg.Answer); err != nil {
		return nil, fmt.Errorf("configure redis: %w", err)
	}
	return r, nil
}

// Serve runs a node's Redis, configured by e.Config, until ctx is done.
func Serve(ctx context.Context, e env.Env) error {
	var cfg Config
	if len(e.Config) > 0 {
		if err := json.Unmarshal(e.Config, &cfg); err != nil {
			return fmt.Errorf("configure redis: %w", err)
		}
	}
	r, err := New(cfg, e)
	if err != nil {
		return err
	}
	return r.Serve(ctx)
}

// SetAnswer changes what clients are told from now on. It may be called at any time.
func (r *Redis) SetAnswer(a Answer) error {
	refusal, err := a.refusal()
	if err != nil {
		return err
	}
	r.answer.Store(refusal)
	return nil
}

// Serve listens until ctx is done, and returns when all connections have ended. It
// serves once.
func (r *Redis) Serve(ctx context.Context) error {
	listener, err := r.env.Listen(ctx, "tcp", Addr)
	if err != nil {
		return fmt.Errorf("listen for redis clients: %w", err)
	}
	defer listener.Close()
	mini, err := r.start()
	if err != nil {
		return err
	}
	defer mini.Close()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	var following sync.WaitGroup
	defer following.Wait()
	serving, end := context.WithCancel(ctx)
	defer end()
	following.Go(func() { r.follow(serving, mini) })
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return closeIf(conn)
		}
		if err != nil {
			return fmt.Errorf("accept redis client: %w", err)
		}
		r.admit(mini.Server(), conn)
	}
}

// start starts a miniredis without a listener.
func (r *Redis) start() (*miniredis.Miniredis, error) {
	mini := miniredis.NewMiniRedis()
	mini.ClockTTL(true)
	mini.Seed(int(r.env.Rand("redis").Uint32()))
	conn, err := mini.Dial() // this is what starts it
	if err != nil {
		return nil, fmt.Errorf("start miniredis: %w", err)
	}
	_ = conn.Close()
	mini.Server().SetPreHook(r.refuse)
	for name, serve := range map[string]server.Cmd{
		AnswerCommand: r.switchAnswer, RefusedCommand: r.tellRefused, "REPLICAOF": r.serveReplicaOf, "ROLE": r.serveRole,
	} {
		err = errors.Join(err, mini.Server().Register(name, serve))
	}
	if err != nil {
		mini.Close()
		return nil, fmt.Errorf("start miniredis: %w", err)
	}
	return mini, nil
}

// admit serves a connection, unless there are too many.
func (r *Redis) admit(s *server.Server, conn net.Conn) {
	if refusal := r.answer.Load(); refusal.connections {
		refusal.count.Add(1)
		_, _ = fmt.Fprintf(conn, "-%s\r\n", refusal.text)
		_ = conn.Close()
		return
	}
	s.ServeConn(conn)
}

// refuse answers in place of a command, if the answer is not to be a healthy one.
func (r *Redis) refuse(peer *server.Peer, command string, _ ...string) bool {
	refusal := r.answer.Load()
	if command == AnswerCommand || command == RefusedCommand {
		return false
	}
	if r.Master() != "" && writes(command) {
		peer.WriteError(readOnly)
		return true
	}
	if !refusal.refuses(command) {
		return false
	}
	refusal.count.Add(1)
	peer.WriteError(refusal.text)
	return true
}

// tellRefused serves RefusedCommand.
func (r *Redis) tellRefused(peer *server.Peer, _ string, _ []string) {
	peer.WriteInt(int(r.answer.Load().count.Load()))
}

// switchAnswer serves AnswerCommand.
func (r *Redis) switchAnswer(peer *server.Peer, _ string, args []string) {
	if len(args) != 1 {
		peer.WriteError("ERR wrong number of arguments: give one answer")
		return
	}
	if err := r.SetAnswer(Answer(args[0])); err != nil {
		peer.WriteError("ERR " + err.Error())
		return
	}
	peer.WriteOK()
}

func closeIf(conn net.Conn) error {
	if conn != nil {
		_ = conn.Close()
	}
	return nil
}
