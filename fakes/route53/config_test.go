package route53_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/route53"
)

func TestConfigIsChecked(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*route53.Config)
		want   string
	}{
		"no name":          {func(c *route53.Config) { c.Name = "" }, "is not a domain name"},
		"other zone":       {func(c *route53.Config) { c.Zone = "example.com" }, "is not inside the zone"},
		"ttl":              {func(c *route53.Config) { c.TTL = 1500 * time.Millisecond }, "is not whole seconds"},
		"negative ttl":     {func(c *route53.Config) { c.NegativeTTL = -time.Second }, "is not whole seconds"},
		"threshold":        {func(c *route53.Config) { c.Threshold = 11 }, "is not between 1 and 10"},
		"interval":         {func(c *route53.Config) { c.Interval = -1 }, "a duration is negative"},
		"propagation":      {func(c *route53.Config) { c.Propagation = -1 }, "a duration is negative"},
		"no env":           {func(c *route53.Config) { c.Env.Rand = nil }, "env is not set"},
		"checker's name":   {func(c *route53.Config) { c.Checkers[1].Name = c.Checkers[0].Name }, "needs a name of its own"},
		"region's name":    {func(c *route53.Config) { c.Regions[1].Name = "eu-west" }, "needs a name of its own"},
		"host's name":      {func(c *route53.Config) { c.Regions[1].Records[0].Host = "eu-west/balancer-1" }, "needs a host name of its own"},
		"IPv6":             {func(c *route53.Config) { c.Regions[1].Records[0].Addr = netip.IPv6Loopback() }, "needs an IPv4 address"},
		"port":             {func(c *route53.Config) { c.Regions[1].Records[0].HealthPort = 70000 }, "has health port 70000"},
		"no records":       {func(c *route53.Config) { c.Regions = nil }, "0 records"},
		"place unknown":    {func(c *route53.Config) { c.Latency.Elsewhere = "Moon" }, `latency of place "Moon"`},
		"region unmapped":  {func(c *route53.Config) { delete(c.Latency.RTT["Rome"], "us-west") }, `no round trip to region "us-west"`},
		"subnet not valid": {func(c *route53.Config) { c.Latency.Subnets[0].Prefix = netip.Prefix{} }, "is not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := zoneOf(newFabric(), 2)
			test.change(&cfg)
			_, err := route53.New(cfg)
			require.ErrorContains(t, err, test.want)
		})
	}
	_, err := route53.New(zoneOf(newFabric(), 2))
	require.NoError(t, err)
}
