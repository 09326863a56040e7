package web

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"deadair/fakes/ssl3"
)

// SecureAddr is where it listens for those who speak TLS, if it does.
const SecureAddr = ":443"

// Floors lists the oldest ways to speak that a server can be made to agree to.
func Floors() []string { return []string{"ssl3", "1.0", "1.1", "1.2"} }

// Floor is what operators are told, and tell: POST /floor at the admin port.
type Floor struct {
	Floor string `json:"floor"` // of Floors
}

// Raise has connections that come from now on agree to nothing older.
func (s *Server) Raise(floor string) error {
	if s.cfg.Floor == "" || !slices.Contains(Floors(), floor) {
		return fmt.Errorf("floor %q: a server that speaks TLS has one of %v", floor, Floors())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floor = floor
	return nil
}

// raise answers operators.
func (s *Server) raise(w http.ResponseWriter, r *http.Request) {
	var want Floor
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&want)
	if err == nil {
		err = s.Raise(want.Floor)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, want)
}

// config is how a connection that comes now is spoken, and whether SSL 3.0 would do.
func (s *Server) config() (cfg *tls.Config, old bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	least := map[string]uint16{"ssl3": tls.VersionTLS10, "1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12}[s.floor]
	return &tls.Config{Certificates: []tls.Certificate{s.certificate}, MinVersion: least}, s.floor == "ssl3"
}

// listenSecurely is a listener whose connections are spoken as the floor says.
func (s *Server) listenSecurely(ctx context.Context) (net.Listener, error) {
	l, err := s.env.Listen(ctx, "tcp", SecureAddr)
	if err != nil {
		return nil, err
	}
	return secureListener{l, s}, nil
}

type secureListener struct {
	net.Listener
	server *Server
}

func (l secureListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &secureConn{Conn: c, server: l.server}, nil
}

// secureConn greets at its first read, which comes before all else.
type secureConn struct {
	net.Conn
	server *Server
	greets sync.Once
	spoken net.Conn
	err    error
}

// Read implements net.Conn.
func (c *secureConn) Read(p []byte) (int, error) {
	c.greets.Do(c.greet)
	if c.err != nil {
		return 0, c.err
	}
	return c.spoken.Read(p)
}

// Write implements net.Conn.
func (c *secureConn) Write(p []byte) (int, error) {
	c.greets.Do(c.greet)
	if c.err != nil {
		return 0, c.err
	}
	return c.spoken.Write(p)
}

// greet takes up what the client offers. One that agreed to SSL 3.0 has all it came for.
func (c *secureConn) greet() {
	cfg, takesOld := c.server.config()
	old, begun, err := ssl3.OldHello(c.Conn)
	switch {
	case err != nil:
		c.err = err
	case old && takesOld:
		_, _ = c.Conn.Write(ssl3.ServerHello()) // the peer may be gone
		c.err = io.EOF
	default:
		c.spoken = tls.Server(&begunConn{c.Conn, begun}, cfg)
	}
}

// begunConn is a connection of which something was read.
type begunConn struct {
	net.Conn
	begun []byte
}

func (c *begunConn) Read(p []byte) (int, error) {
	if len(c.begun) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.begun)
	c.begun = c.begun[n:]
	return n, nil
}

// SelfSigned is a certificate that nobody but its owner vouches for.
func SelfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	what := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "deadair.test"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	chain, err := x509.CreateCertificate(rand.Reader, &what, &what, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{chain}, PrivateKey: key}, nil
}
