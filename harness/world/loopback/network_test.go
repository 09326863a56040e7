package loopback

import (
	"testing"

	"deadair/balancer/env"
	"deadair/harness/world/worldtest"
)

// Two hosts joined by links behave as the system's own sockets do.
func TestNetworkThroughLinks(t *testing.T) {
	worldtest.Network(t, worldtest.Bed{Run: func(t *testing.T, test func(*testing.T, worldtest.Sockets, worldtest.Sockets)) {
		t.Parallel()
		s := newStage(t, nil)
		test(t, sockets(s, "a"), sockets(s, "client"))
	}})
}

func sockets(s *stage, name string) worldtest.Sockets {
	var e env.Env = s.Env(name)
	return worldtest.Sockets{
		Listen: e.Listen, ListenPacket: e.ListenPacket, DialContext: e.DialContext, Addr: s.Addr(name).String(),
	}
}

// Faults do to real connections what they do to those in memory.
func TestFaultsAsInMemory(t *testing.T) {
	worldtest.Faults(t, worldtest.FaultBed{Run: func(t *testing.T, test func(*testing.T, worldtest.Breakable)) {
		t.Parallel()
		s := newStage(t, nil)
		test(t, worldtest.Breakable{Server: sockets(s, "a"), Client: sockets(s, "client"), From: "client", To: "a", Break: s.Break})
	}})
}
