package vnet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"deadair/harness/world/worldtest"
)

// Faults do to connections in memory what they do to real ones.
func TestFaultsAsOnRealSockets(t *testing.T) {
	worldtest.Faults(t, worldtest.FaultBed{Run: func(t *testing.T, test func(*testing.T, worldtest.Breakable)) {
		synctest.Test(t, func(t *testing.T) {
			n, server, client := pairOfHosts(t, apart(2*time.Millisecond))
			test(t, worldtest.Breakable{
				Server: sockets(server, "10.0.0.1"), Client: sockets(client, "10.0.0.2"),
				From: "client", To: "server", Break: n.Break,
			})
		})
	}})
}
