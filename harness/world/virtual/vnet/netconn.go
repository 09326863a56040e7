package vnet

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

var (
	_ net.Conn     = (*end)(nil)
	_ syscall.Conn = (*end)(nil)
)

// CloseWrite ends what this end sends; it can still read.
func (e *end) CloseWrite() error {
	n := e.net
	n.mu.Lock()
	defer n.unlock()
	now := n.now()
	e.settle(now)
	switch {
	case e.closed:
		return e.wrap("close", net.ErrClosed)
	case e.down:
		return e.wrap("close", os.NewSyscallError("shutdown", syscall.ENOTCONN))
	}
	e.shutdown(now)
	e.writer.wake(n)
	return nil
}

// SetLinger with 0 makes Close send a reset and discard what was not sent. Other
// values have no effect.
func (e *end) SetLinger(sec int) error {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.linger = sec == 0
	return nil
}

func (e *end) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(e.local) }
func (e *end) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(e.peer.local) }

func (e *end) SetDeadline(t time.Time) error      { return e.setDeadline(t, true, true) }
func (e *end) SetReadDeadline(t time.Time) error  { return e.setDeadline(t, true, false) }
func (e *end) SetWriteDeadline(t time.Time) error { return e.setDeadline(t, false, true) }

func (e *end) setDeadline(t time.Time, read, write bool) error {
	n := e.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if e.closed {
		return e.wrap("set", net.ErrClosed)
	}
	at := n.instant(t)
	if read {
		e.readUntil = at
		e.reader.wakeAt(n, at)
	}
	if write {
		e.writeUntil = at
		e.writer.wakeAt(n, addNano(at))
	}
	return nil
}

// instant is a deadline as time since the network was made; never if t is zero.
func (n *Net) instant(t time.Time) time.Duration {
	if t.IsZero() {
		return never
	}
	return n.now() + time.Until(t)
}

// wrap dresses an error as package net does.
func (e *end) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: e.LocalAddr(), Addr: e.RemoteAddr(), Err: err}
}

// SyscallConn is for connection pools that look whether an idle connection is
// still good, as go-redis does. There is no descriptor behind it.
func (e *end) SyscallConn() (syscall.RawConn, error) { return rawConn{e}, nil }

type rawConn struct{ end *end }

// errUnread is what a pool's check sees of a connection with unread data.
var errUnread = errors.New("unread data on an idle connection")

// Control fails: there is no descriptor.
func (r rawConn) Control(func(uintptr)) error { return errors.ErrUnsupported }

// Write fails: there is no descriptor.
func (r rawConn) Write(func(uintptr) bool) error { return errors.ErrUnsupported }

// Read does not call its argument. It returns nil for an idle connection in good
// health, io.EOF when the peer has closed, the reset's error, or an error about unread data.
func (r rawConn) Read(func(fd uintptr) bool) error {
	e := r.end
	e.net.mu.Lock()
	defer e.net.unlock()
	now := e.net.now()
	e.settle(now)
	unread, _ := e.in.arrived(now)
	switch {
	case e.closed:
		return net.ErrClosed
	case unread > 0:
		return errUnread
	case e.in.ended(now):
		return io.EOF
	case e.down:
		return syscall.ECONNRESET
	}
	return nil
}

// failure is an error of the network itself, before there is a connection.
func failure(op, network string, local, remote netip.AddrPort, err error) error {
	e := &net.OpError{Op: op, Net: network, Err: err}
	addr := func(a netip.AddrPort) net.Addr {
		if network == "udp" {
			return net.UDPAddrFromAddrPort(a)
		}
		return net.TCPAddrFromAddrPort(a)
	}
	if local.IsValid() {
		e.Source = addr(local)
	}
	if remote.IsValid() {
		e.Addr = addr(remote)
	}
	return e
}
