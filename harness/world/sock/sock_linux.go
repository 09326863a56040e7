package sock

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// Share is for net.Dialer.Control: connections made with it from one address to
// different places may share that address and its port.
func Share(_, _ string, c syscall.RawConn) error {
	var err error
	control := c.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			// A port 0 is chosen when the destination is known, so that it is free for it.
			unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		)
	})
	return errors.Join(control, err)
}

// tcpClose is the state of a connection that is over (TCP_CLOSE).
const tcpClose = 7

// Over tells whether a TCP connection is over: reset, or ended by both sides.
func Over(fd uintptr) bool {
	info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	return err == nil && info.State == tcpClose
}

// Pending takes the error that the kernel has not told anybody yet.
func Pending(fd uintptr) error {
	n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if n != 0 {
		return syscall.Errno(n)
	}
	return nil
}
