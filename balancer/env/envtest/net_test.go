package envtest_test

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
)

const (
	here  = "10.0.0.1"
	there = "10.0.0.2"
)

func connect(t *testing.T, n *envtest.Net) (client, server net.Conn) {
	l, err := n.Env("there", there, nil).Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	defer l.Close()
	client, err = n.Env("here", here, nil).DialContext(t.Context(), "tcp", there+":80")
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	return client, server
}

func TestConnKeepsHalfClose(t *testing.T) {
	client, server := connect(t, new(envtest.Net))
	client.Write([]byte("question"))
	require.NoError(t, client.(interface{ CloseWrite() error }).CloseWrite())
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	require.Equal(t, "question", string(got))
	server.Write([]byte("answer"))
	server.Close()
	got, err = io.ReadAll(client)
	require.NoError(t, err)
	require.Equal(t, "answer", string(got))
}

func TestConnMeetsDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := connect(t, new(envtest.Net))
		start := time.Now()
		client.SetReadDeadline(start.Add(time.Second))
		_, err := client.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		client.SetWriteDeadline(start.Add(3 * time.Second))
		_, err = client.Write(make([]byte, 1<<20)) // nobody reads
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestResetFailsBothSides(t *testing.T) {
	client, server := connect(t, new(envtest.Net))
	server.Write([]byte("lost"))
	client.(*envtest.Conn).SetLinger(0)
	client.Close()
	_, err := server.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestSilentHostSwallows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(envtest.Net)
		client, server := connect(t, n)
		n.Set(there, envtest.Silent)
		_, err := client.Write([]byte("into the void"))
		require.NoError(t, err)
		server.SetReadDeadline(time.Now().Add(time.Second))
		_, err = server.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = n.Env("here", here, nil).DialContext(ctx, "tcp", there+":80")
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
}

func TestDialIsRefusedWithoutListener(t *testing.T) {
	n := new(envtest.Net)
	_, err := n.Env("here", here, nil).DialContext(t.Context(), "tcp", there+":80")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	connect(t, n)
	n.Cut(here, there)
}
