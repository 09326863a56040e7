//go:build unix

package balancer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lent counts the buffers that are out.
type lent struct {
	out, gets atomic.Int64
	back      chan struct{}
}

func (l *lent) Get() any {
	l.gets.Add(1)
	l.out.Add(1)
	return new([bufferSize]byte)
}

func (l *lent) Put(any) {
	l.out.Add(-1)
	l.back <- struct{}{}
}

// connected is the two ends of a connection by sockets.
func connected(t *testing.T) (client, server net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

// A source that sends nothing holds no buffer and costs nothing.
func TestRawReaderWaitsWithoutABuffer(t *testing.T) {
	for name, rests := range map[string]bool{"at once": false, "after a rest": true} {
		t.Run(name, func(t *testing.T) { waitsWithoutABuffer(t, rests) })
	}
}

func waitsWithoutABuffer(t *testing.T, rests bool) {
	client, server := connected(t)
	buffers := &lent{back: make(chan struct{}, 100)}
	from := newRawReader(server, buffers, rests)
	require.NotNil(t, from)
	type read struct {
		data string
		err  error
	}
	reads := make(chan read)
	go func() {
		for {
			buf, n, _, err := from.next()
			reads <- read{string(buf[:n]), err}
			if err != nil {
				return
			}
			buffers.out.Add(-1)
		}
	}()
	for _, part := range []string{"one", "two"} {
		<-buffers.back // it has looked and found nothing
		require.Zero(t, buffers.out.Load())
		_, err := io.WriteString(client, part)
		require.NoError(t, err)
		require.Equal(t, read{part, nil}, <-reads)
	}
	<-buffers.back
	client.Close()
	require.Equal(t, io.EOF, (<-reads).err)
	require.LessOrEqual(t, buffers.gets.Load(), int64(6), "one look before and one after each wait")
}

func TestRawReaderLeavesOtherConnectionsAlone(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	require.Nil(t, newRawReader(a, &lent{}, false))
	require.Nil(t, newRawReader(struct{ net.Conn }{a}, &lent{}, false), "a wrapper may have its own Read")
}

// The same with TLS: neither what is encrypted nor what is plain holds a buffer.
func TestSecureReaderWaitsWithoutABuffer(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{}, &key.PublicKey, key)
	require.NoError(t, err)
	b := new(Balancer)
	b.certificate.Store(&tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})

	raw, server := connected(t)
	client, conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true}), b.secure(server, nil)
	shaken := make(chan error)
	go func() { shaken <- client.Handshake() }()
	require.NoError(t, conn.Handshake())
	require.NoError(t, <-shaken)

	buffers := &lent{back: make(chan struct{}, 1000)}
	from := (&pump{buffers: buffers}).open(conn)
	require.IsType(t, &rawReader{}, from.(*secureReader).from)
	reads := make(chan string)
	go func() {
		defer close(reads)
		for {
			buf, n, _, err := from.next()
			if n > 0 {
				reads <- string(buf[:n])
			}
			buffers.Put(buf)
			if err != nil {
				return
			}
		}
	}()
	none := func() bool { return buffers.out.Load() == 0 }
	for _, part := range []string{"one", "two", strings.Repeat("x", 3000)} {
		_, err := io.WriteString(client, part)
		require.NoError(t, err)
		got := ""
		for len(got) < len(part) {
			got += <-reads
		}
		require.Equal(t, part, got)
		require.Eventually(t, none, 30*time.Second, time.Millisecond)
	}
	require.NoError(t, client.Close())
	_, more := <-reads
	require.False(t, more)
}
