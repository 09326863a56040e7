package vnet_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/harness/world/virtual/vnet"
	"deadair/harness/world/worldtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pairOfHosts is a network with a server's and a client's host, latency apart.
func pairOfHosts(t *testing.T, cfg vnet.Config) (n *vnet.Net, server, client *vnet.Process) {
	n = vnet.New(cfg)
	require.NoError(t, n.AddHost("server", netip.MustParseAddr("10.0.0.1")))
	require.NoError(t, n.AddHost("client", netip.MustParseAddr("10.0.0.2")))
	return n, n.Process("server"), n.Process("client")
}

func apart(d time.Duration) vnet.Config {
	return vnet.Config{Latency: func(string, string) time.Duration { return d }}
}

func sockets(p *vnet.Process, addr string) worldtest.Sockets {
	return worldtest.Sockets{Listen: p.Listen, ListenPacket: p.ListenPacket, DialContext: p.DialContext, Addr: addr}
}

func TestNetworkInABubble(t *testing.T) {
	for _, latency := range []time.Duration{0, 5 * time.Millisecond} {
		t.Run(latency.String(), func(t *testing.T) {
			worldtest.Network(t, worldtest.Bed{Run: func(t *testing.T, test func(*testing.T, worldtest.Sockets, worldtest.Sockets)) {
				synctest.Test(t, func(t *testing.T) {
					_, server, client := pairOfHosts(t, apart(latency))
					test(t, sockets(server, "10.0.0.1"), sockets(client, "10.0.0.2"))
				})
			}})
		})
	}
}

func TestNetworkInRealTime(t *testing.T) {
	worldtest.Network(t, worldtest.Bed{Run: func(t *testing.T, test func(*testing.T, worldtest.Sockets, worldtest.Sockets)) {
		t.Parallel()
		_, server, client := pairOfHosts(t, apart(2*time.Millisecond))
		test(t, sockets(server, "10.0.0.1"), sockets(client, "10.0.0.2"))
	}})
}

func TestNetworkInsideOneHost(t *testing.T) {
	worldtest.Network(t, worldtest.Bed{Run: func(t *testing.T, test func(*testing.T, worldtest.Sockets, worldtest.Sockets)) {
		synctest.Test(t, func(t *testing.T) {
			n, server, _ := pairOfHosts(t, vnet.Config{})
			test(t, sockets(server, "10.0.0.1"), sockets(n.Process("server"), "10.0.0.1"))
		})
	}})
}
