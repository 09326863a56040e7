package stack

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"deadair/harness/stack/console"
)

// RedisPasswordEnv names the environment variable with a foreign Redis' password.
// It does not stand in the URL, for that is in the plan and in the report.
const RedisPasswordEnv = "DEADAIR_REDIS_PASSWORD"

const (
	gatewayDial  = 5 * time.Second // to the foreign Redis, its greetings included
	gatewayConns = 1024            // at once; more are closed
)

// gateway stands on the host of Redis and leads to a foreign one, so that every
// way to it is a link of the world like any other. It makes itself known to the
// foreign Redis; who comes through it finds the right database open.
type gateway struct {
	to   *redis.Options // where it is; nothing else of it counts but who asks and for which database
	keys string         // what the run's keys begin with: other runs, and others, use the same Redis
	log  *slog.Logger
}

func newGateway(address string, log *slog.Logger) (*gateway, error) {
	to, err := redis.ParseURL(address)
	if err != nil {
		return nil, fmt.Errorf("read the URL of redis: %w", err)
	}
	return &gateway{to: to, keys: "deadair:run-" + strings.ToLower(rand.Text()) + ":", log: log}, nil
}

// checkURL tells why a word cannot be the URL of a foreign Redis.
func checkURL(which string) error {
	u, err := url.Parse(which)
	if err != nil || u.Scheme == "" {
		return fmt.Errorf("--redis %q: choose embedded, server or a URL such as redis://10.0.0.7:6379/0", which)
	}
	if _, secret := u.User.Password(); secret {
		return fmt.Errorf("--redis %s: give the password in $%s, for the URL stands in the report", u.Redacted(), RedisPasswordEnv)
	}
	if _, err := redis.ParseURL(which); err != nil {
		return fmt.Errorf("--redis %s: %w", which, err)
	}
	return nil
}

// dial connects to the foreign Redis and makes itself known.
func (g *gateway) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, gatewayDial)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, g.to.Network, g.to.Addr)
	if err != nil {
		return nil, fmt.Errorf("reach the foreign redis: %w", err)
	}
	if g.to.TLSConfig != nil {
		conn = tls.Client(conn, g.to.TLSConfig)
	}
	c := console.New(conn)
	for _, words := range g.greetings() {
		if _, err := c.Do(ctx, words...); err != nil {
			return nil, errors.Join(fmt.Errorf("%s at the foreign redis %s: %w", words[0], g.to.Addr, err), conn.Close())
		}
	}
	return conn, conn.SetDeadline(time.Time{})
}

// greetings are what a connection begins with.
func (g *gateway) greetings() [][]string {
	var all [][]string
	switch password := os.Getenv(RedisPasswordEnv); {
	case g.to.Username != "":
		all = append(all, []string{"AUTH", g.to.Username, password})
	case password != "":
		all = append(all, []string{"AUTH", password})
	}
	return append(all, []string{"SELECT", strconv.Itoa(g.to.DB)}, []string{"PING"})
}

// serve leads connections on until ctx is done, and returns when all have ended.
func (g *gateway) serve(ctx context.Context, l net.Listener) {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	room := make(chan struct{}, gatewayConns)
	var all sync.WaitGroup
	defer all.Wait()
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case room <- struct{}{}:
		default:
			near.Close()
			continue
		}
		all.Go(func() {
			defer func() { <-room }()
			defer near.Close()
			if err := g.lead(ctx, near); err != nil && ctx.Err() == nil {
				g.log.Warn("no way to the foreign redis", "error", err)
			}
		})
	}
}

// lead carries one connection.
func (g *gateway) lead(ctx context.Context, near net.Conn) error {
	far, err := g.dial(ctx)
	if err != nil {
		return err
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { near.Close(); far.Close() })()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{far, near}, {near, far}} {
		both.Go(func() { copyWay(way[0], way[1]) })
	}
	both.Wait()
	return nil
}

// copyWay copies one direction and hands on how it ended.
func copyWay(dst, src net.Conn) {
	_, err := io.Copy(dst, src)
	if half, ok := dst.(interface{ CloseWrite() error }); ok && err == nil && half.CloseWrite() == nil {
		return
	}
	dst.Close()
	src.Close()
}

// sweep removes what a run has left in the foreign Redis: the entries of its
// mounts, and what probes and witnesses wrote. What it cannot remove expires.
func (g *gateway) sweep(ctx context.Context, names []string) error {
	conn, err := g.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	words := []string{"DEL"}
	for _, n := range names {
		words = append(words, g.keys+n)
	}
	_, err = console.New(conn).Do(ctx, words...)
	return err
}

// openGateway makes sure that the foreign Redis is there, and leads to it until
// actors is done.
func (s *Stack) openGateway(ctx, actors context.Context) error {
	if err := s.gateway.sweep(ctx, s.keys()); err != nil {
		return err
	}
	l, err := s.world.Env(redisHost).Listen(actors, "tcp", fmt.Sprintf(":%d", redisPort))
	if err != nil {
		return fmt.Errorf("lead to the foreign redis: %w", err)
	}
	s.actors.Go(func() { s.gateway.serve(actors, l) })
	return nil
}

// keys are all keys of the index that the run may write, without what they begin with.
func (s *Stack) keys() []string {
	all := []string{"{probe}"}
	for _, b := range s.plan.Broadcasters {
		all = append(all, "{"+b.Mount+"}")
	}
	for _, w := range witnessed(s.plan) {
		all = append(all, "witness:"+w)
	}
	return all
}

// keysBegin is what the run's keys in Redis begin with.
func (s *Stack) keysBegin() string {
	if s.gateway != nil {
		return s.gateway.keys
	}
	return "deadair:"
}
