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
