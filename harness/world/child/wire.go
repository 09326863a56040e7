package child

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// pair makes the wire: our end, and the file that a child inherits.
func pair() (ours net.Conn, theirs *os.File, err error) {
	syscall.ForkLock.RLock() // until both are marked, no other child may inherit them
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "child")
	file := os.NewFile(uintptr(fds[0]), "harness")
	defer file.Close()
	ours, err = net.FileConn(file)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("open the wire: %w", err)
	}
	return ours, theirs, nil
}

// wireFile is where a child finds its end: the first file after standard error.
const wireFile = 3

// inherited is the child's end of the wire.
func inherited() (net.Conn, error) {
	syscall.CloseOnExec(wireFile)
	file := os.NewFile(wireFile, "harness")
	defer file.Close()
	wire, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("open the wire: %w: %s is for the harness only", err, Arg)
	}
	return wire, nil
}
