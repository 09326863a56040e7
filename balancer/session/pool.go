package session

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"deadair/balancer/env"
)

// errClosed is for calls after Close.
var errClosed = errors.New("store closed")

// pool keeps the connections, one go-redis client each. It stands in for
// go-redis' own pool, which cannot tell a stale connection from a slow server,
// dials on after the caller has gone, and refuses for a second after dials failed.
//
// All connections are of a generation. When one fails, its whole generation is
// thrown away: what broke one has most likely broken them all, and finding that
// out one by one would cost a deadline each.
type pool struct {
	cfg   RedisConfig
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	where *sentinels
	clock *clock
	turns chan struct{} // one for each call under way

	mu         sync.Mutex
	idle       []*conn // the last used last
	generation int
	closed     bool
}

// conn is a connection in use by one call, or idle.
type conn struct {
	client     *redis.Client
	socket     net.Conn // closed on its own, too: the client may not have taken it yet
	generation int
	usedAt     time.Time
}

// Eval implements Client.
func (c *conn) Eval(ctx context.Context, script, key string, args []any) ([]any, error) {
	return c.client.Eval(ctx, script, []string{key}, args...).Slice()
}

// Now implements Client.
func (c *conn) Now(ctx context.Context) (time.Time, error) { return c.client.Time(ctx).Result() }

func newPool(cfg RedisConfig, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *pool {
	return &pool{cfg: cfg, dial: dial, where: &sentinels{cfg: cfg, dial: dial}, clock: newClock(cfg), turns: make(chan struct{}, cfg.Connections)}
}

// do makes a call: on a connection that was used before if there is one, for at
// most StaleAfter, and if that fails once more on a fresh one.
func (p *pool) do(ctx context.Context, _ string, call func(context.Context, node) error) error {
	if err := p.enter(ctx); err != nil {
		return err
	}
	defer p.leave()
	if c := p.take(); c != nil {
		stale, cancel := context.WithTimeout(ctx, p.cfg.StaleAfter)
		err := p.try(stale, c, call)
		cancel()
		if err == nil || env.Ended(ctx) {
			return err
		}
	}
	c, err := p.open(ctx)
	if err != nil {
		return err
	}
	return p.try(ctx, c, call)
}

// confirm makes sure that the connections are to the master of now.
func (p *pool) confirm(ctx context.Context) {
	p.mu.Lock()
	generation := p.generation
	p.mu.Unlock()
	if p.where.moved(ctx) {
		p.retire(generation)
	}
}

// probes is one: all of the index is in one place.
func (p *pool) probes() []string { return []string{probeMount} }

// enter waits until fewer calls than the limit are under way.
func (p *pool) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case p.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) leave() { <-p.turns }

// try makes a call on a connection, and keeps it only if all went well.
func (p *pool) try(ctx context.Context, c *conn, call func(context.Context, node) error) error {
	err := call(ctx, node{c, p.clock})
	if err == nil {
		p.put(c)
		return nil
	}
	p.where.doubt()
	p.retire(c.generation)
	c.close()
	return err
}

// take is the connection used last, or nil.
func (p *pool) take() *conn {
	defer p.trim()
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle) - 1
	if n < 0 || time.Since(p.idle[n].usedAt) > p.cfg.IdleTimeout {
		return nil
	}
	c := p.idle[n]
	p.idle = p.idle[:n]
	return c
}

// put keeps a connection for the next call, unless its generation is over.
func (p *pool) put(c *conn) {
	c.usedAt = time.Now()
	p.mu.Lock()
	keep := !p.closed && c.generation == p.generation
	if keep {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		c.close()
	}
}

// trim closes connections that nothing has used for too long.
func (p *pool) trim() {
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].usedAt) > p.cfg.IdleTimeout {
		n++
	}
	old := p.idle[:n:n]
	p.idle = p.idle[n:]
	p.mu.Unlock()
	closeAll(old)
}

// retire ends a generation, if it is not over already.
func (p *pool) retire(generation int) {
	p.mu.Lock()
	var old []*conn
	if generation == p.generation {
		old, p.idle = p.idle, nil
		p.generation++
	}
	p.mu.Unlock()
	closeAll(old)
}

// close closes what is idle now and what is in use when its call is over.
func (p *pool) close() {
	p.mu.Lock()
	old := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	closeAll(old)
}

// open connects.
func (p *pool) open(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	generation, closed := p.generation, p.closed
	p.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	at, err := p.where.addr(ctx)
	if err != nil {
		return nil, err
	}
	socket, err := p.dial(ctx, "tcp", at)
	if err != nil {
		p.where.doubt()
		return nil, err
	}
	return &conn{client: newClient(p.cfg, socket), socket: socket, generation: generation}, nil
}

// newClient is a go-redis client for one connection and not for another one after it.
func newClient(cfg RedisConfig, socket net.Conn) *redis.Client {
	sockets := make(chan net.Conn, 1)
	sockets <- plain{socket}
	return redis.NewClient(&redis.Options{
		Addr:                     cfg.Addr,
		Username:                 cfg.Username,
		Password:                 cfg.Password,
		DB:                       cfg.DB,
		Protocol:                 2,
		Dialer:                   nextOf(sockets),
		DialerRetries:            1,
		DialTimeout:              cfg.Deadline,
		ReadTimeout:              cfg.Deadline,
		WriteTimeout:             cfg.Deadline,
		ContextTimeoutEnabled:    true,
		MaxRetries:               -1,
		PoolSize:                 2, // at 1 a dial that fails would start a goroutine that dials on
		PipelinePoolSize:         -1,
		ConnMaxIdleTime:          -1,
		ReadBufferSize:           4 << 10,
		WriteBufferSize:          4 << 10,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// nextOf is a dialer that hands out what is there and fails after that.
func nextOf(sockets <-chan net.Conn) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		select {
		case socket := <-sockets:
			return socket, nil
		default:
			return nil, net.ErrClosed
		}
	}
}

// plain hides that a connection is a socket: go-redis would look whether it is
// still open and try to dial. That it is not shows when it is used.
type plain struct{ net.Conn }

func (c *conn) close() {
	_ = c.client.Close()
	_ = c.socket.Close()
}

func closeAll(conns []*conn) {
	for _, c := range conns {
		c.close()
	}
}
