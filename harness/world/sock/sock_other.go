//go:build !linux

package sock

import "syscall"

// Share is for net.Dialer.Control. Here it does nothing.
func Share(_, _ string, _ syscall.RawConn) error { return nil }

// Over tells whether a TCP connection is over. Here it does not know.
func Over(uintptr) bool { return false }

// Pending takes the error that the kernel has not told anybody yet. Here it knows none.
func Pending(uintptr) error { return nil }
