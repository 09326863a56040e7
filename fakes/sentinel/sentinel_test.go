package sentinel_test

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/fakes/redis"
	"deadair/fakes/sentinel"
	"deadair/harness/world"
	"deadair/harness/world/virtual"
)

const (
	every     = time.Second
	downAfter = 5 * time.Second
	enough    = downAfter + 4*every // for a failover
)

// group is two servers and three sentinels, of which redis-1 is the master at the start.
type group struct {
	*virtual.World
	nodes map[string]world.Node
}

func newGroup(t *testing.T) *group {
	names := []string{"redis-1", "redis-2", "sentinel-1", "sentinel-2", "sentinel-3"}
	hosts := []world.Host{{Name: "client", Place: "Virginia"}}
	for _, n := range names {
		hosts = append(hosts, world.Host{Name: n, Place: "Virginia"})
	}
	w, err := virtual.New(virtual.Config{Hosts: hosts, Seed: 1, Kinds: world.Kinds{"redis": redis.Serve, "sentinel": sentinel.Serve}})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, w.Close())
		time.Sleep(time.Minute) // for what is still on its way
	})
	g := &group{w, map[string]world.Node{}}
	for _, n := range names[:2] {
		cfg := redis.Config{}
		if n != "redis-1" {
			cfg.ReplicaOf = g.redis("redis-1")
		}
		g.define(t, n, "redis", cfg, 6379)
	}
	for _, n := range names[2:] {
		cfg := sentinel.Config{Master: "index", Servers: []string{g.redis("redis-1"), g.redis("redis-2")}, Every: every, DownAfter: downAfter, Deadline: every / 2}
		for _, other := range names[2:] {
			if other != n {
				cfg.Peers = append(cfg.Peers, g.sentinel(other))
			}
		}
		g.define(t, n, "sentinel", cfg, 26379)
	}
	time.Sleep(2 * every)
	return g
}

func (g *group) define(t *testing.T, name, kind string, cfg any, port int) {
	raw, err := json.Marshal(cfg)
	require.NoError(t, err)
	g.nodes[name] = world.Node{Name: name, Kind: kind, Config: raw, Ports: []int{port}}
	require.NoError(t, g.Start(t.Context(), g.nodes[name]))
}

func (g *group) redis(name string) string    { return g.Addr(name).String() + ":6379" }
func (g *group) sentinel(name string) string { return g.Addr(name).String() + ":26379" }

func (g *group) client(t *testing.T, at string) *goredis.Client {
	c := goredis.NewClient(&goredis.Options{Addr: at, Dialer: g.Env("client").DialContext, PoolSize: 2, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true, Protocol: 2})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// named is whom a sentinel names, and the decision's number.
func (g *group) named(t *testing.T, at string) (master, epoch string) {
	t.Helper()
	c := g.client(t, g.sentinel(at))
	addr := goredis.NewStringSliceCmd(t.Context(), "SENTINEL", "get-master-addr-by-name", "index")
	require.NoError(t, c.Process(t.Context(), addr))
	state := goredis.NewMapStringStringCmd(t.Context(), "SENTINEL", "MASTER", "index")
	require.NoError(t, c.Process(t.Context(), state))
	for _, name := range []string{"redis-1", "redis-2"} {
		if g.Addr(name).String() == addr.Val()[0] {
			return name, state.Val()["config-epoch"]
		}
	}
	return "nobody", ""
}

// all demands that sentinels name a master, by the same decision.
func (g *group) all(t *testing.T, want string, sentinels ...string) {
	t.Helper()
	_, first := g.named(t, sentinels[0])
	for _, at := range sentinels {
		got, epoch := g.named(t, at)
		require.Equal(t, want, got, at)
		require.Equal(t, first, epoch, at)
	}
}

// set writes to a server, and tells what that says.
func (g *group) set(t *testing.T, name, value string) error {
	return g.client(t, g.redis(name)).HSet(t.Context(), "key", "field", value).Err()
}

func (g *group) get(t *testing.T, name string) string {
	return g.client(t, g.redis(name)).HGet(t.Context(), "key", "field").Val()
}

func (g *group) signal(t *testing.T, s world.Signal, names ...string) {
	t.Helper()
	for _, n := range names {
		require.NoError(t, g.Signal(t.Context(), n, s))
	}
}

// cut swallows all between some hosts and the others.
func (g *group) cut(t *testing.T, here ...string) (heal func()) {
	t.Helper()
	var there []string
	for name := range g.nodes {
		if !slices.Contains(here, name) {
			there = append(there, name)
		}
	}
	slices.Sort(there)
	var all []world.Broken
	for _, ends := range [][2][]string{{here, there}, {there, here}} {
		b, err := g.Break(world.LinkFault{Kind: "blackhole", From: ends[0], To: ends[1], Conns: "all", Direction: "both"})
		require.NoError(t, err)
		all = append(all, b)
	}
	return func() {
		for _, b := range all {
			b.Heal()
		}
	}
}

var sentinels = []string{"sentinel-1", "sentinel-2", "sentinel-3"}

// TestMasterDies twice: there and back, with what it had been told.
func TestMasterDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		g.all(t, "redis-1", sentinels...)
		require.NoError(t, g.set(t, "redis-1", "a"))
		require.ErrorContains(t, g.set(t, "redis-2", "b"), "READONLY")
		time.Sleep(every)
		require.Equal(t, "a", g.get(t, "redis-2"))

		g.signal(t, world.Kill, "redis-1")
		time.Sleep(downAfter - 2*every)
		g.all(t, "redis-1", sentinels...)
		time.Sleep(enough)
		g.all(t, "redis-2", sentinels...)
		require.NoError(t, g.set(t, "redis-2", "b"))

		require.NoError(t, g.Start(t.Context(), g.nodes["redis-1"]))
		time.Sleep(3 * every)
		require.ErrorContains(t, g.set(t, "redis-1", "c"), "READONLY", "who comes back is told whom to follow")
		require.Equal(t, "b", g.get(t, "redis-1"))

		g.signal(t, world.Kill, "redis-2", "sentinel-2")
		time.Sleep(enough)
		g.all(t, "redis-1", "sentinel-1", "sentinel-3")
		require.Equal(t, "b", g.get(t, "redis-1"))
		require.NoError(t, g.Start(t.Context(), g.nodes["sentinel-2"]))
		time.Sleep(2 * every)
		g.all(t, "redis-1", "sentinel-2")
	})
}

// TestMasterCutOff: with one sentinel, which goes on naming it; it takes writes until the
// cut heals, and those are lost.
func TestMasterCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		require.NoError(t, g.set(t, "redis-1", "a"))
		time.Sleep(every)
		heal := g.cut(t, "redis-1", "sentinel-1")
		time.Sleep(enough)
		g.all(t, "redis-1", "sentinel-1")
		g.all(t, "redis-2", "sentinel-2", "sentinel-3")
		require.NoError(t, g.set(t, "redis-1", "lost"))
		heal()
		time.Sleep(4 * every)
		g.all(t, "redis-2", sentinels...)
		require.Equal(t, "a", g.get(t, "redis-1"))
		require.ErrorContains(t, g.set(t, "redis-1", "b"), "READONLY")
	})
}

// TestFewerThanAMajority decide nothing; and one that was alone for long does not hold up the others.
func TestFewerThanAMajority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		heal := g.cut(t, "sentinel-3")
		g.signal(t, world.Kill, "sentinel-2")
		time.Sleep(time.Minute)
		g.signal(t, world.Kill, "redis-1")
		time.Sleep(enough)
		g.all(t, "redis-1", "sentinel-1", "sentinel-3")
		heal()
		time.Sleep(enough)
		g.all(t, "redis-2", "sentinel-1", "sentinel-3")
	})
}

func TestConfig(t *testing.T) {
	_, err := sentinel.New(sentinel.Config{}, env.Env{})
	require.ErrorContains(t, err, "configure sentinel: ")
}
