// Package env is the seam between a server and the world it runs in: how it
// listens and dials, where it writes, what the wall clock says, where its
// randomness comes from. A server that reaches outside only through an Env runs
// unchanged on real sockets and in virtual time.
//
// Durations need no seam: servers use package time directly, and Ended where a socket may
// see the end of one first. Env holds no state and starts nothing.
package env

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"
)

// Env is what a world gives to one server. Every field is set.
type Env struct {
	// Host is the name of the host the server runs on, such as "eu-west/balancer-1".
	Host string

	// Listen opens a listener on this host. The address is ":port" or "ip:port".
	Listen func(ctx context.Context, network, addr string) (net.Listener, error)

	// ListenPacket opens a datagram socket on this host.
	ListenPacket func(ctx context.Context, network, addr string) (net.PacketConn, error)

	// DialContext connects to "ip:port". Names are not resolved here.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// Disk is this host's own disk. It outlives the server's process.
	Disk Disk

	// Wall gives stamps that leave the process: leases, manifests, signatures.
	// It may be wrong (clock skew); durations are measured with package time.
	Wall func() time.Time

	// Rand returns a new generator for a purpose. The same world seed, host and
	// purpose give the same numbers. A generator is not safe for concurrent use.
	Rand func(purpose string) *rand.Rand

	// Phase is how long a periodic loop waits before its first round, so that no
	// two loops of a system tick at the same instant: 0 ≤ phase < interval.
	Phase func(loop string, interval time.Duration) time.Duration

	// Log is for people. It is never evidence.
	Log *slog.Logger

	// Config is the server's own configuration, as the world was given it.
	Config json.RawMessage
}
