//go:build !unix

package balancer

import "net"

// newRawReader returns nil: sockets are read like anything else here.
func newRawReader(net.Conn, pool, bool) source { return nil }
