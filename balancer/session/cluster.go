package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// maxHops is how many servers one call may be sent to.
const maxHops = 4

// cluster is an index that is spread over the masters of a Redis cluster: all of a mount is
// in one slot, and a slot on one master. Who has which is learned from the first server that
// answers and is part of the majority, and in doubt after each call that was sent elsewhere
// or failed. Each probe asks as well, and writes to every master.
//
// A slot that moves while it is used costs a call another round trip. A master that dies or is
// cut off fails the calls for its slots until a replica has taken them over; what it alone knew
// then is lost, as with sentinels, and the recorders know it all the same.
type cluster struct {
	cfg  RedisConfig
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu     sync.Mutex
	table  *table           // nil is not known, or in doubt
	pools  map[string]*pool // by address: of masters, and where calls were sent since the last probe
	closed bool
}

func newCluster(cfg RedisConfig, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *cluster {
	return &cluster{cfg: cfg, dial: dial, pools: map[string]*pool{}}
}

// do makes a call where the key is.
func (c *cluster) do(ctx context.Context, key string, call func(context.Context, node) error) error {
	slot := slotOf(key)
	at, err := c.owner(ctx, slot)
	if err != nil {
		return err
	}
	asking := false
	for range maxHops {
		to, err := c.try(ctx, at, asking, call)
		if err == nil && to.at == "" {
			return nil
		}
		if !to.once { // the slot stays elsewhere, or nothing is known any more
			c.doubt()
		}
		if err == nil {
			at, asking = to.at, to.once
			continue
		}
		next, lost := c.owner(ctx, slot)
		if lost != nil || next == at {
			return err
		}
		at, asking = next, false
	}
	return errors.New("the cluster sends a question from one to another")
}

// redirect is where a server says that a slot is.
type redirect struct {
	at   string // "" is here
	once bool   // only for this question: the slot is on its way there
}

// try makes a call to one server. That it sends the question elsewhere is no error.
func (c *cluster) try(ctx context.Context, at string, asking bool, call func(context.Context, node) error) (to redirect, err error) {
	p, err := c.pool(at)
	if err != nil {
		return to, err
	}
	err = p.do(ctx, "", func(ctx context.Context, n node) error {
		to = redirect{}
		if asking {
			n.Client = asker{n.Client}
		}
		err := call(ctx, n)
		if found, ok := redirected(at, err); ok {
			to = found
			return nil // the connection is well
		}
		return err
	})
	return to, err
}

// redirected reads MOVED and ASK.
func redirected(at string, err error) (to redirect, ok bool) {
	var said redis.Error
	if !errors.As(err, &said) {
		return to, false
	}
	words := strings.Fields(said.Error())
	if len(words) != 3 || words[0] != "MOVED" && words[0] != "ASK" {
		return to, false
	}
	return redirect{at: sameHost(words[2], at), once: words[0] == "ASK"}, true
}

// sameHost fills in the host of who said it, as an address without one means.
func sameHost(addr, said string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != "" {
		return addr
	}
	host, _, _ = net.SplitHostPort(said)
	return net.JoinHostPort(host, port)
}

// asker has a server answer for a slot that is on its way to it.
type asker struct{ Client }

// Eval implements Client.
func (a asker) Eval(ctx context.Context, script, key string, args []any) ([]any, error) {
	c, ok := a.Client.(*conn)
	if !ok {
		return nil, errors.New("ask for a slot that is on its way: no connection to Redis")
	}
	var got *redis.Cmd
	_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Do(ctx, "ASKING")
		got = p.Eval(ctx, script, []string{key}, args...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return got.Slice()
}

// pool is the connections to one server.
func (c *cluster) pool(at string) (*pool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	p := c.pools[at]
	if p == nil {
		cfg := c.cfg
		cfg.Addr, cfg.Cluster = at, nil
		p = newPool(cfg, c.dial)
		c.pools[at] = p
	}
	return p, nil
}

// doubt has the servers asked before the next call.
func (c *cluster) doubt() {
	c.mu.Lock()
	c.table = nil
	c.mu.Unlock()
}

// owner is who has a slot.
func (c *cluster) owner(ctx context.Context, slot int) (string, error) {
	c.mu.Lock()
	t := c.table
	c.mu.Unlock()
	if t == nil {
		var err error
		if t, err = c.learn(ctx); err != nil {
			return "", fmt.Errorf("find the masters: %w", err)
		}
	}
	if t.owners[slot] == "" {
		return "", fmt.Errorf("no master has slot %d", slot)
	}
	return t.owners[slot], nil
}

// confirm makes sure that the masters are still who they were. Who is none any more has no
// connections from then on. Where nobody answers nothing is known to be wrong.
func (c *cluster) confirm(ctx context.Context) {
	t, err := c.learn(ctx)
	if err != nil {
		return
	}
	var none []*pool
	c.mu.Lock()
	for at, p := range c.pools {
		if !slices.Contains(t.masters, at) {
			none = append(none, p)
			delete(c.pools, at)
		}
	}
	c.mu.Unlock()
	for _, p := range none {
		p.close()
	}
}

// probes names mounts, one on each master.
func (c *cluster) probes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.table == nil {
		return []string{probeMount}
	}
	return c.table.names
}

func (c *cluster) close() {
	c.mu.Lock()
	c.closed = true
	pools := c.pools
	c.pools = nil
	c.mu.Unlock()
	for _, p := range pools {
		p.close()
	}
}

// learn asks all servers that are known, at once, and believes the first that is part of the
// majority: one that is not says so. What it knows may be old; then who has a slot no more
// says who has.
func (c *cluster) learn(ctx context.Context) (*table, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	known := c.known()
	type answer struct {
		spans []span
		err   error
	}
	answers := make(chan answer, len(known))
	for _, at := range known {
		go func() {
			spans, err := c.ask(ctx, at)
			answers <- answer{spans, err}
		}()
	}
	var errs []error
	for range known {
		a := <-answers
		if a.err == nil {
			t := newTable(a.spans, c.cfg.Prefix)
			c.mu.Lock()
			c.table = t
			c.mu.Unlock()
			return t, nil
		}
		errs = append(errs, a.err)
	}
	return nil, errors.Join(errs...)
}

// known are the servers of the configuration, and those that were used.
func (c *cluster) known() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Clone(c.cfg.Cluster)
	for at := range c.pools {
		if !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

// ask asks one server who has which slots, on a connection of its own.
func (c *cluster) ask(ctx context.Context, at string) ([]span, error) {
	socket, err := c.dial(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	cfg := c.cfg
	cfg.Addr = at
	client := newClient(cfg, socket)
	defer client.Close()
	var info *redis.StringCmd
	var slots *redis.ClusterSlotsCmd
	_, err = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		info, slots = p.ClusterInfo(ctx), p.ClusterSlots(ctx)
		return nil
	})
	if err == nil && !strings.Contains(info.Val(), "cluster_state:ok") {
		err = errors.New("it says that the cluster is down")
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s for the cluster's slots: %w", at, err)
	}
	var all []span
	for _, s := range slots.Val() {
		if len(s.Nodes) == 0 || s.Start < 0 || s.End >= slotCount {
			return nil, fmt.Errorf("ask %s for the cluster's slots: it answered slots %d to %d of %d servers", at, s.Start, s.End, len(s.Nodes))
		}
		all = append(all, span{s.Start, s.End, sameHost(s.Nodes[0].Addr, at)})
	}
	return all, nil
}
