package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/redis/go-redis/v9"
)

// sentinels find the master of a Redis that fails over. What was found is used until a
// connection fails: a demoted master that still lives refuses writes, a dead or frozen
// one keeps silent, and both have all sentinels asked again. Nothing is subscribed to: a
// subscription can be deaf for as long as it likes.
type sentinels struct {
	cfg  RedisConfig
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu     sync.Mutex
	master string // "" is not known, or in doubt
}

// addr is where to connect.
func (s *sentinels) addr(ctx context.Context) (string, error) {
	if len(s.cfg.Sentinels) == 0 {
		return s.cfg.Addr, nil
	}
	s.mu.Lock()
	known := s.master
	s.mu.Unlock()
	if known != "" {
		return known, nil
	}
	found, err := s.ask(ctx)
	if err != nil {
		return "", fmt.Errorf("find the master: %w", err)
	}
	s.mu.Lock()
	s.master = found
	s.mu.Unlock()
	return found, nil
}

// doubt has the sentinels asked before the next connection is made.
func (s *sentinels) doubt() {
	s.mu.Lock()
	s.master = ""
	s.mu.Unlock()
}

// answer is what a sentinel says.
type answer struct {
	master string
	err    error
}

// ask asks all sentinels at once and takes what most of them say: one that was cut off
// from the others still names the master of then. It waits until
// a majority agrees, or for a quarter of a call's deadline.
func (s *sentinels) ask(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	patient, cancel := context.WithTimeout(ctx, s.cfg.Deadline/4)
	defer cancel()
	all := len(s.cfg.Sentinels)
	answers := make(chan answer, all)
	for _, at := range s.cfg.Sentinels {
		go func() {
			master, err := s.askOne(patient, at)
			answers <- answer{master, err}
		}()
	}
	votes := map[string]int{}
	leader := ""
	var errs []error
	for left := all; left > 0 && 2*votes[leader] <= all; left-- {
		a := <-answers
		if a.err != nil {
			errs = append(errs, a.err)
			continue
		}
		votes[a.master]++
		if votes[a.master] > votes[leader] {
			leader = a.master
		}
	}
	if leader == "" {
		return "", errors.Join(errs...)
	}
	return leader, nil
}

// askOne asks one sentinel, on a connection of its own: it is asked seldom, and a
// connection that was kept could be stale.
func (s *sentinels) askOne(ctx context.Context, at string) (string, error) {
	socket, err := s.dial(ctx, "tcp", at)
	if err != nil {
		return "", err
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	cfg := s.cfg
	cfg.Addr, cfg.Username, cfg.Password, cfg.DB = at, "", "", 0
	client := newClient(cfg, socket)
	defer client.Close()
	got := redis.NewStringSliceCmd(ctx, "SENTINEL", "get-master-addr-by-name", s.cfg.Master)
	if err := client.Process(ctx, got); err != nil {
		if errors.Is(err, redis.Nil) {
			err = fmt.Errorf("it knows no master %q", s.cfg.Master)
		}
		return "", fmt.Errorf("ask sentinel %s: %w", at, err)
	}
	if len(got.Val()) != 2 {
		return "", fmt.Errorf("ask sentinel %s: it answered %d values", at, len(got.Val()))
	}
	return net.JoinHostPort(got.Val()[0], got.Val()[1]), nil
}
