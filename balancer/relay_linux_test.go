package balancer

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// While a source sends, what comes is reported to nobody: the reader looks by itself.
func TestRawReaderThatRestsIsNotWoken(t *testing.T) {
	client, server := connected(t)
	from := newRawReader(server, &lent{back: make(chan struct{}, 100)}, true)
	poll, err := unix.EpollCreate1(0)
	require.NoError(t, err)
	defer unix.Close(poll)
	raw, err := server.(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		err = unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{Events: unix.EPOLLIN})
	}))
	require.NoError(t, err)
	reported := func(within time.Duration) int {
		n, err := unix.EpollWait(poll, make([]unix.EpollEvent, 1), int(within.Milliseconds()))
		require.NoError(t, err)
		return n
	}
	send := func(n int) {
		_, err := client.Write(make([]byte, n))
		require.NoError(t, err)
	}
	take := func(want int) {
		_, n, _, err := from.next()
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	send(100)
	require.Equal(t, 1, reported(5*time.Second), "at first")
	take(100)
	send(200)
	require.Zero(t, reported(50*time.Millisecond))
	take(200)
	require.NoError(t, client.Close())
	require.Equal(t, 1, reported(5*time.Second), "its end")
}
