package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// RedisConfig says where the index is and how long to wait for it.
type RedisConfig struct {
	Addr     string // "ip:port"; or Sentinels and Master; or Cluster
	Username string // "" is Redis' default user
	Password string // "" does not authenticate
	DB       int
	// Sentinels, each "ip:port", tell where the master named Master is, which changes. A
	// majority of them must answer: all should be named.
	// They are asked without a password.
	Sentinels []string
	Master    string
	// Cluster is servers of a Redis cluster, each "ip:port", that tell of the others.
	Cluster []string
	Prefix  string // of all keys; "" is "deadair:". Balancers of one ingest share it

	// Deadline is the longest that any call may take, waiting included. 0 is 500 ms.
	Deadline time.Duration
	// StaleAfter is how long a connection used before may keep silent until the call
	// is tried on a fresh one. It must leave time for three round trips before the
	// deadline. 0 is two fifths of Deadline.
	StaleAfter time.Duration
	// IdleTimeout is how long a connection may be unused and yet be used again. 0 is 5 min.
	IdleTimeout time.Duration
	// Keep is for how long after its session a mount's epoch is remembered. 0 is 24 h.
	Keep time.Duration
	// Connections is how many calls may be under way at a time, in a cluster with each
	// master; more wait. 0 is 64.
	Connections int
}

// maxEpoch is the greatest number that Lua holds exactly, less one.
const maxEpoch = 1<<53 - 2

// Client asks one Redis. It stands between the index and the connections.
type Client interface {
	// Eval runs a script on one key and returns what the script does.
	Eval(ctx context.Context, script, key string, args []any) ([]any, error)
	// Now is the time on Redis' clock.
	Now(ctx context.Context) (time.Time, error)
}

// calls has a node for each call to the index.
type calls interface {
	do(ctx context.Context, key string, call func(context.Context, node) error) error
	confirm(ctx context.Context) // that it asks who is the master now
	probes() []string            // mounts by which all of the index is probed
	close()
}

// node is a Redis that a call is made to, and what is known of its clock.
type node struct {
	Client
	clock *clock
}

// Redis is the index in one Redis, version 5 or later. The zero value is not usable.
type Redis struct {
	cfg   RedisConfig
	calls calls
}

// NewRedis checks the configuration and connects to nothing yet.
func NewRedis(cfg RedisConfig, dial func(ctx context.Context, network, addr string) (net.Conn, error)) (*Redis, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure session index: %w", err)
	}
	if dial == nil {
		return nil, errors.New("configure session index: no dialer")
	}
	if len(cfg.Cluster) > 0 {
		return &Redis{cfg, newCluster(cfg, dial)}, nil
	}
	return &Redis{cfg, newPool(cfg, dial)}, nil
}

func (c RedisConfig) validate() error {
	ways := 0
	for _, given := range []bool{c.Addr != "", len(c.Sentinels) > 0, len(c.Cluster) > 0} {
		if given {
			ways++
		}
	}
	switch {
	case ways == 0:
		return errors.New("set the address of Redis, as ip:port")
	case ways > 1:
		return errors.New("set the address of Redis, or sentinels that tell it, or servers of a cluster")
	case len(c.Sentinels) > 0 && c.Master == "":
		return errors.New("name the master that the sentinels watch")
	case len(c.Cluster) > 0 && c.DB != 0:
		return errors.New("a cluster has only database 0")
	case c.Deadline < 0 || c.IdleTimeout < 0 || c.Keep < 0 || c.Connections < 0:
		return errors.New("durations and connections must not be negative")
	case c.StaleAfter <= 0 || c.StaleAfter >= c.Deadline:
		return fmt.Errorf("stale-after %v must be less than the deadline %v", c.StaleAfter, c.Deadline)
	}
	return nil
}

// NewOver is an index over a client of the caller's, which minds deadlines and
// connections itself. Close does not close it.
func NewOver(cfg RedisConfig, client Client) (*Redis, error) {
	cfg.setDefaults()
	if client == nil {
		return nil, errors.New("configure session index: no client")
	}
	return &Redis{cfg, over{node{client, newClock(cfg)}}}, nil
}

// over is one client for all calls.
type over struct{ node node }

func (o over) do(ctx context.Context, _ string, call func(context.Context, node) error) error {
	return call(ctx, o.node)
}

func (over) confirm(context.Context) {}

func (over) probes() []string { return []string{probeMount} }

func (over) close() {}

func (c *RedisConfig) setDefaults() {
	c.Prefix = orDefault(c.Prefix, "deadair:")
	c.Deadline = orDefault(c.Deadline, 500*time.Millisecond)
	c.StaleAfter = orDefault(c.StaleAfter, c.Deadline*2/5)
	c.IdleTimeout = orDefault(c.IdleTimeout, 5*time.Minute)
	c.Keep = orDefault(c.Keep, 24*time.Hour)
	c.Connections = orDefault(c.Connections, 64)
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// Close closes the connections. Calls under way end by themselves.
func (r *Redis) Close() { r.calls.close() }

// Claim implements Store.
func (r *Redis) Claim(ctx context.Context, c Claim) (Session, error) {
	if c.Mount == "" || c.Account == "" || c.NewID == "" || c.Window <= 0 || c.AtLeast < 0 || c.AtLeast > maxEpoch {
		return Session{}, fmt.Errorf("claim mount %q: mount, account, id, a window and an epoch within range are needed", c.Mount)
	}
	got, err := r.run(ctx, luaClaim, c.Mount, func(expires string) []any {
		return []any{c.Account, c.NewID, c.Datacenter, c.AtLeast, ms(c.Window), ms(r.cfg.Keep), expires, c.Proof}
	})
	if err != nil {
		return Session{}, fmt.Errorf("claim mount: %w", err)
	}
	got.session.Mount = c.Mount
	return got.session, nil
}

// Settle implements Store.
func (r *Redis) Settle(ctx context.Context, mount string, epoch int64, recorder string) error {
	_, err := r.run(ctx, luaHeld+luaSettle, mount, fixed(epoch, recorder))
	return wrap("settle session", err)
}

// Title implements Store.
func (r *Redis) Title(ctx context.Context, mount string, epoch int64, title string) error {
	_, err := r.run(ctx, luaHeld+luaTitle, mount, fixed(epoch, title))
	return wrap("note title", err)
}

// Renew implements Store.
func (r *Redis) Renew(ctx context.Context, mount string, epoch int64, window time.Duration) error {
	_, err := r.run(ctx, luaHeld+luaRenew, mount, fixed(epoch, ms(window), ms(r.cfg.Keep)))
	return wrap("renew session", err)
}

// Release implements Store.
func (r *Redis) Release(ctx context.Context, mount string, epoch int64) error {
	_, err := r.run(ctx, luaHeld+luaRelease, mount, fixed(epoch, ms(r.cfg.Keep)))
	return wrap("release session", err)
}

// Lookup implements Store.
func (r *Redis) Lookup(ctx context.Context, mount string) (Session, error) {
	got, err := r.run(ctx, luaLookup, mount, fixed())
	if err != nil {
		return Session{}, fmt.Errorf("look up session: %w", err)
	}
	got.session.Mount = mount
	return got.session, nil
}

// probeMount is no mount, for those begin with a slash.
const probeMount = "probe"

// Probe implements Store. For half of its deadline it also has the sentinels or the cluster, if
// there are any, say whether the masters are still who they were; that takes effect with the
// next call. In a cluster it writes to every master.
func (r *Redis) Probe(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, r.cfg.Deadline/2)
	defer cancel()
	var confirmed sync.WaitGroup
	confirmed.Go(func() { r.calls.confirm(asking) })
	defer confirmed.Wait()
	names := r.calls.probes()
	errs := make([]error, len(names))
	var probed sync.WaitGroup
	for i, name := range names {
		probed.Go(func() { _, errs[i] = r.run(ctx, luaProbe, name, fixed(ms(r.cfg.Keep))) })
	}
	probed.Wait()
	return wrap("probe session index", errors.Join(errs...))
}

// keyOf is a mount's key. What is in braces decides where in a cluster it is.
func keyOf(prefix, mount string) string { return prefix + "{" + mount + "}" }

// run runs a script on a mount's entry. args get the Redis time, in ms, from which
// on the script must do nothing.
func (r *Redis) run(ctx context.Context, script, mount string, args func(expires string) []any) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Deadline)
	defer cancel()
	var got reply
	key := keyOf(r.cfg.Prefix, mount)
	err := r.calls.do(ctx, key, func(ctx context.Context, n node) error {
		var err error
		got, err = eval(ctx, n, script, key, args)
		return err
	})
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return got, got.err()
}

// eval makes one attempt by the deadline of ctx. When the script finds itself late,
// Redis' clock was taken to be slower than it is, and now is known.
func eval(ctx context.Context, n node, script, key string, args func(expires string) []any) (reply, error) {
	for range 2 {
		expires, err := expiry(ctx, n)
		if err != nil {
			return reply{}, err
		}
		values, err := n.Eval(ctx, luaNow+script, key, args(expires))
		if err != nil {
			return reply{}, err
		}
		got, err := parseReply(key, values)
		if err != nil {
			return reply{}, err
		}
		n.clock.learn(got.now)
		if got.status != "late" {
			return got, nil
		}
	}
	return reply{}, errors.New("scripts come too late")
}

// expiry is the deadline of ctx in Redis' time.
func expiry(ctx context.Context, n node) (string, error) {
	deadline, _ := ctx.Deadline()
	expires, ok := n.clock.redis(deadline)
	if !ok {
		now, err := n.Now(ctx)
		if err != nil {
			return "", err
		}
		n.clock.learn(time.Duration(now.UnixNano()))
		expires, _ = n.clock.redis(deadline)
	}
	return strconv.FormatInt(ms(expires), 10), nil
}

// err is the error that a script's status stands for.
func (r reply) err() error {
	switch r.status {
	case "ok":
		return nil
	case "taken":
		return ErrTaken
	case "fenced":
		return ErrFenced
	case "unknown":
		return ErrNotFound
	}
	return fmt.Errorf("%w: script answered %q", ErrUnavailable, r.status)
}

// fixed is arguments that need no expiry.
func fixed(args ...any) func(string) []any { return func(string) []any { return args } }

func ms(d time.Duration) int64 { return d.Milliseconds() }

// wrap says what went wrong, if anything did.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
