package worldtest_test

import (
	"net"
	"testing"

	"go.uber.org/goleak"

	"deadair/harness/world/worldtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The system's own sockets are the reference.
func TestSystemSockets(t *testing.T) {
	worldtest.Network(t, worldtest.Bed{Run: func(t *testing.T, test func(*testing.T, worldtest.Sockets, worldtest.Sockets)) {
		t.Parallel()
		var listen net.ListenConfig
		var dial net.Dialer
		s := worldtest.Sockets{Listen: listen.Listen, ListenPacket: listen.ListenPacket, DialContext: dial.DialContext, Addr: "127.0.0.1"}
		test(t, s, s)
	}})
}
