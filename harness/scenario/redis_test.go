package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUseRedis(t *testing.T) {
	const url = "redis://10.0.0.7:6379/2"
	for name, c := range map[string]struct {
		world, timeline, which string
		kind, want             string // kind of Redis, or the error
	}{
		"embedded":           {"virtual", "redis: misconf", "embedded", RedisEmbedded, ""},
		"server":             {"loopback", "pause: redis", "server", RedisServer, ""},
		"foreign":            {"loopback", "stall: {from: eu-west/balancer-1, to: redis}", url, RedisForeign, ""},
		"server, virtual":    {"virtual", "pause: redis", "server", "", "x today: a Redis that is not embedded is a process, and there are none in the virtual world: use --world loopback"},
		"kill of a foreign":  {"loopback", "kill: redis", url, "", "x today: line 5: kill redis: a Redis that is not ours can be broken only on the way to it: use --redis server or embedded"},
		"answer of foreign":  {"loopback", "redis: oom", url, "", "x today: line 5: redis answers oom: a Redis that is not ours can be broken only on the way to it: use --redis server or embedded"},
		"outage round it":    {"loopback", "kill: us-east", url, "", "can be broken only on the way to it"},
		"loading of server":  {"loopback", "redis: loading", "server", "", "x today: line 5: redis answers loading: a redis-server cannot be told to answer loading: use --redis embedded"},
		"readonly of server": {"loopback", "redis: readonly", "server", RedisServer, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("x.yaml", []byte(minimal+"timeline: [{at: 1m, "+c.timeline+"}]\n"))
			require.NoError(t, err)
			p, err := Expand(f, "today", c.world, 1, 1)
			require.NoError(t, err)
			require.Equal(t, RedisEmbedded, p.RedisKind())
			err = p.UseRedis(c.which)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				require.NotContains(t, err.Error(), "\n")
				require.Equal(t, RedisEmbedded, p.RedisKind(), "the plan is as it was")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.kind, p.RedisKind())
			if c.kind == RedisEmbedded {
				require.NotContains(t, p.Replay(), "--redis")
				return
			}
			require.Contains(t, p.Replay(), " --redis "+c.which)
		})
	}
}

// TestRedisThatFailsOver is only the embedded one.
func TestRedisThatFailsOver(t *testing.T) {
	f, err := Parse("x.yaml", []byte(minimal+"system: {redis-replica: eu-west}\n"))
	require.NoError(t, err)
	p, err := Expand(f, "today", "loopback", 1, 1)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"redis": "us-east", "redis-2": "eu-west", "sentinel-1": "us-east", "sentinel-2": "eu-west", "sentinel-3": "us-west"}, p.System.Singles())
	require.NoError(t, p.UseRedis("embedded"))
	require.EqualError(t, p.UseRedis("server"), "x today: its Redis fails over, which only the embedded one is set up for: use --redis embedded")
}
