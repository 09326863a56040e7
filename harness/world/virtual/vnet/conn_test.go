package vnet_test

import (
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDataUnderWayToAClosingEnd(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		io.WriteString(l.client, "under way")
		require.NoError(t, l.server.Close())
		require.Equal(t, "|eof", hears(t, l.client, time.Second))
		time.Sleep(30 * ms)
		_, err := io.WriteString(l.client, "x")
		require.ErrorIs(t, err, syscall.EPIPE)
	})
}

func TestAFarDeadlineHoldsNothingUp(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		io.WriteString(l.client, "under way")
		time.AfterFunc(10*ms, func() { l.server.SetReadDeadline(time.Now().Add(time.Hour)) })
		start := time.Now()
		_, err := l.server.Read(make([]byte, 99))
		require.NoError(t, err)
		require.InDelta(t, 20*ms, time.Since(start), float64(ms))
	})
}

func TestReaderAndWriterBothLearnOfAReset(t *testing.T) {
	inBed(t, func(t *testing.T, b *bed) {
		l := b.dial()
		errs := make(chan error, 2)
		go func() { _, err := l.server.Read(make([]byte, 1)); errs <- err }()
		go func() { _, err := l.server.Write(make([]byte, 1<<20)); errs <- err }()
		time.Sleep(time.Second)
		reset(t, l.client)
		for range 2 {
			require.ErrorIs(t, <-errs, syscall.ECONNRESET)
		}
		_, err := l.server.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		_, err = l.server.Write(make([]byte, 1))
		require.ErrorIs(t, err, syscall.EPIPE)
	})
}
