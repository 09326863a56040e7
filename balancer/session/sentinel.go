package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"
)

// sentinels find the master of a Redis that fails over. What was found is used until a
// connection fails: a demoted master that still lives refuses writes, a dead or frozen
// one keeps silent, and both have all sentinels asked again. One that was cut off from
// its sentinels still takes writes, so each probe asks as well. Nothing is subscribed
// to: a subscription can be deaf for as long as it likes.
//
// Who is cut off together with the old master goes on with it while its connections
// live: that the sentinels are silent is no reason to leave a master that answers. What it is
// told then is lost when the network heals, unless that Redis is configured to refuse
// writes that no replica has (min-replicas-to-write); the recorders know it all the same.
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

// moved asks the sentinels again, and tells whether they name another master than the one
// that was used. Where no majority answers nothing is known to be wrong.
func (s *sentinels) moved(ctx context.Context) bool {
	if len(s.cfg.Sentinels) == 0 {
		return false
	}
	found, err := s.ask(ctx)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := s.master != "" && s.master != found
	s.master = found
	return moved
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
	epoch  int64 // of the sentinels' decision for it: a later one has a higher
	err    error
}

// ask asks all sentinels at once, and believes the first majority that answers: fewer may
// all have been cut off from the others, and know a master whose writes will be lost. Among
// the majority's answers the latest decision counts, for which a majority has voted. Without
// one there is no master: the index is not reached, which the balancer can live with.
func (s *sentinels) ask(ctx context.Context) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := len(s.cfg.Sentinels)
	answers := make(chan answer, all)
	for _, at := range s.cfg.Sentinels {
		go func() { answers <- s.askOne(ctx, at) }()
	}
	var got []answer
	var errs []error
	for len(got)+len(errs) < all && 2*len(errs) < all {
		a := <-answers
		if a.err != nil {
			errs = append(errs, a.err)
			continue
		}
		got = append(got, a)
		if master := latest(got); master != "" && 2*len(got) > all {
			return master, nil
		}
	}
	return "", errors.Join(append(errs, errors.New("no majority of the sentinels agrees"))...)
}

// latest is the master of the latest decision; "" if that names two.
func latest(all []answer) string {
	last := slices.MaxFunc(all, func(a, b answer) int { return cmp.Compare(a.epoch, b.epoch) })
	if slices.ContainsFunc(all, func(a answer) bool { return a.epoch == last.epoch && a.master != last.master }) {
		return ""
	}
	return last.master
}

// askOne asks one sentinel, on a connection of its own: it is asked seldom, and a
// connection that was kept could be stale.
func (s *sentinels) askOne(ctx context.Context, at string) answer {
	socket, err := s.dial(ctx, "tcp", at)
	if err != nil {
		return answer{err: err}
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	cfg := s.cfg
	cfg.Addr, cfg.Username, cfg.Password, cfg.DB = at, "", "", 0
	client := newClient(cfg, socket)
	defer client.Close()
	a, err := decision(ctx, client, s.cfg.Master)
	if err != nil {
		return answer{err: fmt.Errorf("ask sentinel %s: %w", at, err)}
	}
	return a
}

// decision asks for the number of the latest decision before it asks for the master: the
// other way round, one that is made in between would be taken for the master before it.
// The address in the first answer is the master's before while a failover is under way.
func decision(ctx context.Context, client *redis.Client, master string) (a answer, err error) {
	state := redis.NewMapStringStringCmd(ctx, "SENTINEL", "MASTER", master)
	at := redis.NewStringSliceCmd(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", master)
	_, err = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		return errors.Join(p.Process(ctx, state), p.Process(ctx, at))
	})
	switch {
	case errors.Is(at.Err(), redis.Nil):
		return a, fmt.Errorf("it knows no master %q", master)
	case err != nil:
		return a, err
	case len(at.Val()) != 2:
		return a, fmt.Errorf("it answered %d values", len(at.Val()))
	}
	if a.epoch, err = strconv.ParseInt(state.Val()["config-epoch"], 10, 64); err != nil {
		return a, fmt.Errorf("read its config-epoch: %w", err)
	}
	a.master = net.JoinHostPort(at.Val()[0], at.Val()[1])
	return a, nil
}
