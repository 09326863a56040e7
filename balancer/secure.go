package balancer

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
)

// TLSConfig is where the certificate is. Sources may speak TLS 1.2 and 1.3 on every
// port that takes plain ones: the first byte tells which it is.
type TLSConfig struct {
	Certificate string `yaml:"certificate"` // file, PEM, the whole chain; the same for all balancers. "": no TLS
	Key         string `yaml:"key"`         // file, PEM
}

func (c TLSConfig) validate() error {
	if (c.Certificate == "") != (c.Key == "") {
		return errors.New("tls: give both a certificate and its key, or neither")
	}
	return nil
}

// load reads the certificate; nil without one.
func (c TLSConfig) load() (*tls.Certificate, error) {
	if c.Certificate == "" {
		return nil, nil //nolint:nilnil // no TLS is no error
	}
	pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return &pair, nil
}

// secure goes on with a connection that began as TLS. Its first read shakes hands.
func (b *Balancer) secure(conn net.Conn, begun []byte) *secureConn {
	wire := &wire{Conn: conn, begun: begun}
	return &secureConn{wire: wire, Conn: tls.Server(wire, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return b.certificate.Load(), nil
		},
	})}
}

// secureConn is a connection by TLS that can be half closed.
type secureConn struct {
	*tls.Conn
	wire *wire
}

// CloseWrite ends our side: the goodbye of TLS, then that of TCP.
func (c *secureConn) CloseWrite() error {
	half, ok := c.wire.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	if err := c.Conn.CloseWrite(); err != nil {
		return err
	}
	return half.CloseWrite()
}

// wire is what TLS reads from.
type wire struct {
	net.Conn
	begun []byte // was read already
	dry   bool   // there is no more than begun, for now
}

// Read implements net.Conn. Being dry is a timeout for TLS, after which it goes on.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.begun) > 0 {
		n := copy(p, w.begun)
		w.begun = w.begun[n:]
		return n, nil
	}
	if w.dry {
		return 0, os.ErrDeadlineExceeded
	}
	return w.Conn.Read(p)
}

// reader reads by what from brings: TLS sees no connection any more, only the bytes
// at hand, so that many small records cost one read and one write, and no buffer is
// held while there is nothing.
func (c *secureConn) reader(from source, buffers pool) source {
	c.wire.dry = true
	return &secureReader{conn: c, from: from, buffers: buffers}
}

type secureReader struct {
	conn    *secureConn
	from    source
	buffers pool

	cipher *[bufferSize]byte // what begun lies in; nil when it lies elsewhere
	more   bool              // of the latest read
	err    error             // of it, to be told when all before has been
}

func (r *secureReader) next() (*[bufferSize]byte, int, bool, error) {
	for {
		buf := r.buffers.Get().(*[bufferSize]byte)
		n, err := r.open(buf[:])
		switch {
		case n > 0 || err != nil:
			return buf, n, r.more || n == bufferSize, err
		case r.err != nil:
			return buf, 0, false, r.err
		}
		r.buffers.Put(buf)
		r.fetch()
	}
}

// open decrypts what is at hand.
func (r *secureReader) open(p []byte) (n int, err error) {
	for n < len(p) {
		m, err := r.conn.Read(p[n:])
		n += m
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// fetch waits for more. All before has been decrypted.
func (r *secureReader) fetch() {
	if r.cipher != nil {
		r.buffers.Put(r.cipher)
		r.cipher = nil
	}
	buf, n, more, err := r.from.next()
	r.more, r.err = more, err
	if n == 0 {
		r.buffers.Put(buf)
		return
	}
	r.cipher, r.conn.wire.begun = buf, buf[:n]
}
