// Package balancer is the ingest balancer: it takes broadcasters' sources, finds
// each a recorder, and carries its bytes there for as long as the show lasts. A
// source that comes back goes to the recorder that has its show.
//
// It owns admission, the relay, TLS, its own health verdict, draining, and the
// routing of metadata and kill requests. The protocol of sources is package icecast,
// who may send is package account, who records what is package session, which
// recorders there are is package fleet. It keeps no audio, writes no files and knows
// no listeners.
package balancer

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"deadair/balancer/account"
	"deadair/balancer/env"
	"deadair/balancer/fleet"
	"deadair/balancer/session"
)

// Balancer is one balancer. Its methods are safe for concurrent use.
type Balancer struct {
	cfg   Config
	env   env.Env
	log   *slog.Logger
	began time.Time
	store session.Store
	close func() // of a store of our own

	choose   func(Choice) []fleet.Recorder
	watcher  *fleet.Watcher
	check    HealthCheck
	health   atomic.Pointer[checked] // nil before the first round
	probed   atomic.Int64            // probes of recorders so far
	checker  account.Checker         // given from outside; nil: accounts are of our own
	accounts atomic.Pointer[account.Checker]
	ids      *ids
	pending  *pending
	table    *table
	turns    chan struct{} // holds one token for each source that is claimed and offered
	requests chan struct{} // and one for each metadata or kill request
	leaving  chan struct{} // and one for each refused client that reads its answer
	draining atomic.Bool
	rollout  atomic.Pointer[Rollout]
	buffers  sync.Pool // of *[bufferSize]byte
	metrics  *metrics

	certificate atomic.Pointer[tls.Certificate] // nil: no TLS
}

// New makes a balancer from a configuration, which it checks. It starts nothing.
func New(cfg Config, e env.Env, parts Parts) (*Balancer, error) {
	cfg = cfg.WithDefaults(e.Host)
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	b := &Balancer{
		cfg: cfg, env: e, log: e.Log.With("balancer", cfg.Name), began: time.Now(),
		store: parts.Store, close: func() {}, choose: parts.Choose, check: parts.Health,
		checker:  parts.Accounts,
		ids:      &ids{rand: e.Rand("session"), wall: e.Wall},
		pending:  newPending(cfg.MaxPending),
		table:    newTable(cfg.MaxSources, cfg.MaxPerAccount, cfg.MaxWaiting),
		turns:    make(chan struct{}, cfg.MaxAdmitting),
		requests: make(chan struct{}, cfg.MaxRequests),
		leaving:  make(chan struct{}, cfg.MaxLeaving),
		buffers:  sync.Pool{New: func() any { return new([bufferSize]byte) }},
	}
	if b.checker != nil {
		b.accounts.Store(&b.checker)
	}
	if err := b.load(cfg); err != nil {
		return nil, err
	}
	if b.store == nil {
		store, err := b.redis()
		if err != nil {
			return nil, err
		}
		b.store, b.close = store, func() { store.Close() }
	}
	if b.choose == nil {
		b.choose = Choose
	}
	if b.check == nil {
		b.check = &deepCheck{}
	}
	b.watcher = fleet.NewWatcher(fleet.Config{
		Recorders: cfg.Recorders, Poll: cfg.RecorderPoll, Deadline: cfg.RecorderPollDeadline,
		Fall: cfg.RecorderFall, Rise: cfg.RecorderRise, Gone: b.recorderGone,
	}, e)
	b.metrics = newMetrics(b)
	return b, nil
}

func (b *Balancer) redis() (*session.Redis, error) {
	store, err := session.NewRedis(session.RedisConfig{
		Addr: b.cfg.Redis, Sentinels: b.cfg.RedisSentinels, Master: b.cfg.RedisMaster, Cluster: b.cfg.RedisCluster, Prefix: b.cfg.RedisKeys, Deadline: b.cfg.ClaimDeadline,
	}, b.env.DialContext)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	return store, nil
}

// Serve takes sources until ctx is done. It opens its listeners first and returns
// their errors; when ctx is done it resets what is connected, so that sources come
// back at once elsewhere, and returns nil after all has ended. For a quiet end call
// Drain and wait for WaitIdle first.
func (b *Balancer) Serve(ctx context.Context) error {
	defer b.close()
	defer func() { (*b.accounts.Load()).Close() }()
	ingest, err := b.env.Listen(ctx, "tcp", b.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for sources: %w", err)
	}
	defer ingest.Close()
	admin, err := b.env.Listen(ctx, "tcp", b.cfg.Admin)
	if err != nil {
		return fmt.Errorf("listen for operators: %w", err)
	}
	defer admin.Close()

	var all sync.WaitGroup
	defer all.Wait()
	b.listening("sources", ingest)
	b.listening("operators", admin)
	if b.cfg.Shoutcast != noPort {
		shoutcast, err := b.env.Listen(ctx, "tcp", b.cfg.Shoutcast)
		if err != nil {
			return fmt.Errorf("listen for SHOUTcast sources: %w", err)
		}
		b.listening("SHOUTcast sources", shoutcast)
		all.Go(func() { b.accept(ctx, shoutcast, b.handleShoutcast) })
	}
	all.Go(func() { b.watcher.Serve(ctx) })
	all.Go(func() { b.checkHealth(ctx) })
	all.Go(func() { b.serveAdmin(ctx, admin) })
	b.accept(ctx, ingest, b.handle)
	return nil
}

func (b *Balancer) listening(what string, l net.Listener) {
	b.log.Info("listening", "for", what, "addr", l.Addr().String())
}

// Drain stops taking shows on air: sources are held and then refused, shows on air
// go on, /health says failing so that DNS sends sources elsewhere.
func (b *Balancer) Drain() {
	if !b.draining.Swap(true) {
		b.log.Info("drain began", "sources", b.Sources())
	}
}

// Undrain ends Drain.
func (b *Balancer) Undrain() {
	if b.draining.Swap(false) {
		b.log.Info("drain ended", "sources", b.Sources())
	}
}

// Sources is how many sources are on air or waiting to be.
func (b *Balancer) Sources() int { return b.table.count() }

// WaitIdle returns nil when no source is on air or waiting to be, and ctx's error
// when that does not come true in time.
func (b *Balancer) WaitIdle(ctx context.Context) error { return b.table.waitIdle(ctx) }

// Config is the configuration with its defaults filled in.
func (b *Balancer) Config() Config { return b.cfg }

// recorderGone ends the shows on a recorder that no longer answers: their bytes go
// nowhere, and their sources find another recorder when they come back.
func (b *Balancer) recorderGone(recorder string) {
	for _, s := range b.table.on(recorder) {
		s.cut(endRecorderGone)
	}
}

// closeOnDone resets a connection when ctx is done, unless stop is called first.
func closeOnDone(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { abort(conn) })
}

// abort closes a connection with a reset where the network can, so that the other
// side notices within its next write instead of after its buffers are full.
func abort(conn net.Conn) {
	if s, ok := conn.(*secureConn); ok {
		conn = s.wire.Conn // no goodbye
	}
	if l, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		l.SetLinger(0)
	}
	conn.Close()
}
