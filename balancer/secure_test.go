package balancer_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"deadair/balancer"
)

// certificate writes a new certificate for a name into the files of a configuration.
func certificate(t *testing.T, cfg *balancer.TLSConfig, name string) {
	if cfg.Certificate == "" {
		dir := t.TempDir()
		cfg.Certificate, cfg.Key = filepath.Join(dir, "chain.pem"), filepath.Join(dir, "key.pem")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	write := func(file, kind string, der []byte) {
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	}
	write(cfg.Certificate, "CERTIFICATE", der)
	write(cfg.Key, "PRIVATE KEY", secret)
}

// playSecure is play with a certificate.
func playSecure(t *testing.T, change func(*balancer.Config), f func(*testing.T, *rig)) {
	var files balancer.TLSConfig
	certificate(t, &files, "ingest.test")
	play(t, func(c *balancer.Config, _ *balancer.Parts) {
		c.TLS = files
		if change != nil {
			change(c)
		}
	}, f)
}

// secure makes a client speak TLS.
func secure(t *testing.T, conn net.Conn, version uint16) *client {
	c := tls.Client(conn, &tls.Config{ServerName: "ingest.test", InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
	return &client{Conn: c, r: bufio.NewReader(c), t: t}
}

// say sends text and reads the answer.
func (c *client) say(text string) *client {
	_, err := io.WriteString(c, text)
	require.NoError(c.t, err)
	c.answer()
	return c
}

func TestEveryFormBySecureConnections(t *testing.T) {
	chunked := strings.Replace(put("/show", "anna", "secret"), "Expect:", "Transfer-Encoding: chunked\r\nExpect:", 1)
	for name, c := range map[string]struct{ request, answer, body string }{
		"put":     {put("/show", "anna", "secret"), "HTTP/1.1 100\nHTTP/1.0 200\n", "frames and more"},
		"source":  {source("/show", "anna", "secret"), "HTTP/1.0 200\n", "frames and more"},
		"chunked": {chunked, "HTTP/1.1 100\nHTTP/1.0 200\n", "6\r\nframes\r\n9\r\n and more\r\n"},
	} {
		for version, number := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
			t.Run(name+" "+version, func(t *testing.T) {
				playSecure(t, nil, func(t *testing.T, r *rig) {
					client := secure(t, r.dial(ingest), number).say(c.request)
					require.Equal(t, c.answer, client.all)
					io.WriteString(client, c.body)
					require.Equal(t, "frames and more", r.heard(r.holding("/show"), "/show"))
					answer := secure(t, r.dial(ingest), number).say(get("/admin/metadata?mount=/show&song=x", "anna", "secret"))
					require.Equal(t, 200, answer.code)
					refused := secure(t, r.dial(ingest), number).say(put("/show", "anna", "wrong"))
					require.Equal(t, 401, refused.code)
					require.Contains(t, refused.body, "You need to authenticate")
					require.ErrorIs(t, refused.gone(), io.EOF)
				})
			})
		}
	}
}

func TestPlainSourcesGoOnBesideSecureOnes(t *testing.T) {
	playSecure(t, nil, func(t *testing.T, r *rig) {
		c, rec := r.live("/show")
		io.WriteString(c, "plain")
		require.Equal(t, "plain", r.heard(rec, "/show"))
	})
}

func TestOldTLSIsRefused(t *testing.T) {
	playSecure(t, nil, func(t *testing.T, r *rig) {
		for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
			c := secure(t, r.dial(ingest), version)
			require.ErrorContains(t, c.Conn.(*tls.Conn).Handshake(), "protocol version")
			c.Close()
		}
		synctest.Wait()
		r.counted(`balancer_refusals_total{reason="tls-failed"} 2`)
	})
}

// ezstream looks at certificates, and who runs the balancer has to learn why it stays away.
func TestCertificateThatAClientDoesNotAccept(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		playSecure(t, nil, func(t *testing.T, r *rig) {
			c := tls.Client(r.dial(ingest), &tls.Config{ServerName: "ingest.test", RootCAs: x509.NewCertPool(), MaxVersion: version})
			require.ErrorContains(t, c.Handshake(), "unknown authority")
			c.Close()
			synctest.Wait()
			r.counted(`balancer_refusals_total{reason="tls-failed"} 1`)
			require.Contains(t, r.log.String(), "bad certificate")
		})
	}
}

func TestHelloWithoutCertificate(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		c := secure(t, r.dial(ingest), tls.VersionTLS13)
		require.Error(t, c.Conn.(*tls.Conn).Handshake())
		c.Close()
		time.Sleep(time.Second)
	})
}

// A handshake is part of the head: it may take no longer, and makes room like one.
func TestSlowHandshakeIsGivenUp(t *testing.T) {
	playSecure(t, nil, func(t *testing.T, r *rig) {
		conn := r.dial(ingest)
		conn.Write([]byte("\x16\x03\x01"))
		began := time.Now()
		_, err := io.ReadAll(conn)
		require.Equal(t, 15*time.Second, time.Since(began), err)
		conn.Close()
	})
	playSecure(t, func(c *balancer.Config) { c.MaxPending = 1 }, func(t *testing.T, r *rig) {
		conn := r.dial(ingest)
		conn.Write([]byte("\x16\x03\x01"))
		synctest.Wait()
		r.live("/show")
		_, err := conn.Read(make([]byte, 1))
		require.True(t, isReset(err))
	})
}

func TestSecureSourceThatEndsReachesTheRecorder(t *testing.T) {
	for name, end := range map[string]func(*client){
		"with a goodbye": func(c *client) { c.Close() },
		"without":        func(c *client) { c.Conn.(*tls.Conn).NetConn().Close() },
		"half closed":    func(c *client) { c.Conn.(*tls.Conn).CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			playSecure(t, nil, func(t *testing.T, r *rig) {
				c := secure(t, r.dial(ingest), tls.VersionTLS13).say(put("/show", "anna", "secret"))
				synctest.Wait()
				rec := r.holding("/show")
				io.WriteString(c, "to the very end")
				end(c)
				require.Equal(t, "to the very end", r.heard(rec, "/show"))
				require.True(t, rec.show("/show").ended)
				require.Zero(t, r.balancer.Sources())
				c.Close()
			})
		})
	}
}

// A refused client is told by TLS, too, that no more comes: others may have cut it off.
func TestRefusedSecureClientGetsAGoodbye(t *testing.T) {
	playSecure(t, nil, func(t *testing.T, r *rig) {
		heard := &recording{Conn: r.dial(ingest)}
		c := secure(t, heard, tls.VersionTLS12).say(put("/show", "anna", "wrong"))
		require.Equal(t, 401, c.code)
		require.ErrorIs(t, c.gone(), io.EOF)
		const alert = 21
		require.EqualValues(t, alert, heard.last)
	})
}

// recording remembers the type of the last TLS record that came.
type recording struct {
	net.Conn
	last  byte
	begun int // bytes of the record's head so far
	left  int // bytes of the record to come
}

func (r *recording) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	for _, c := range p[:n] {
		switch {
		case r.begun == 5 && r.left > 0:
			r.left--
		case r.begun == 5 || r.begun == 0:
			r.last, r.begun = c, 1
		default:
			r.left, r.begun = r.left<<8&0xffff|int(c), r.begun+1
		}
	}
	return n, err
}

func TestSecureClientIsResetWhenItsRecorderDies(t *testing.T) {
	playSecure(t, nil, func(t *testing.T, r *rig) {
		c := secure(t, r.dial(ingest), tls.VersionTLS13).say(put("/show", "anna", "secret"))
		synctest.Wait()
		began := time.Now()
		r.holding("/show").hangUp("/show")
		require.True(t, isReset(c.gone()))
		require.Zero(t, time.Since(began))
	})
}

// Sources of all kinds gather bytes between two reads, and none waits for a batch
// with more at hand.
func TestBatchingOfChunkedAndSecureSources(t *testing.T) {
	chunk := func(text string) string { return "5\r\n" + text + "\r\n" }
	plain := func(text string) string { return text }
	for name, c := range map[string]struct {
		tls  bool
		head string
		wrap func(string) string
	}{
		"chunked":        {false, "Transfer-Encoding: chunked\r\n", chunk},
		"secure":         {true, "", plain},
		"secure chunked": {true, "Transfer-Encoding: chunked\r\n", chunk},
	} {
		t.Run(name, func(t *testing.T) {
			playSecure(t, func(c *balancer.Config) { c.Batch = 200 * time.Millisecond }, func(t *testing.T, r *rig) {
				request := strings.Replace(put("/show", "anna", "secret"), "Host", c.head+"Host", 1)
				var client *client
				if c.tls {
					client = secure(t, r.dial(ingest), tls.VersionTLS13).say(request)
				} else {
					client = r.ask(request)
				}
				synctest.Wait()
				rec := r.holding("/show")
				most := 0
				for i := range 100 {
					io.WriteString(client, c.wrap("12345"))
					time.Sleep(10 * time.Millisecond)
					synctest.Wait()
					lag := (i+1)*5 - len(rec.show("/show").body)
					require.LessOrEqual(t, lag, 21*5, "no byte waits for longer than a batch")
					most = max(most, lag)
				}
				require.Greater(t, most, 15*5, "bytes do gather")
				time.Sleep(200 * time.Millisecond)
				require.Len(t, r.heard(rec, "/show"), 500, "the tail is flushed though nothing follows")
				for range 100 { // records much smaller than a read
					io.WriteString(client, strings.Repeat(c.wrap("12345"), 200))
				}
				time.Sleep(201 * time.Millisecond)
				require.Len(t, r.heard(rec, "/show"), 100_500, "a backlog does not wait")
			})
		})
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	var files balancer.TLSConfig
	certificate(t, &files, "first.test")
	play(t, func(c *balancer.Config, _ *balancer.Parts) { c.TLS = files }, func(t *testing.T, r *rig) {
		name := func() string {
			c := secure(t, r.dial(ingest), tls.VersionTLS13).Conn.(*tls.Conn)
			defer c.Close()
			require.NoError(t, c.Handshake())
			return c.ConnectionState().PeerCertificates[0].Subject.CommonName
		}
		show := secure(t, r.dial(ingest), tls.VersionTLS13).say(put("/show", "anna", "secret"))
		require.Equal(t, "first.test", name())
		certificate(t, &files, "second.test")
		require.Equal(t, "first.test", name(), "only when told")
		require.NoError(t, r.balancer.Reload(r.balancer.Config()))
		require.Equal(t, "second.test", name())

		require.NoError(t, os.WriteFile(files.Key, []byte("half a file"), 0o600))
		require.ErrorContains(t, r.balancer.Reload(r.balancer.Config()), "read certificate")
		require.Equal(t, "second.test", name(), "what does not work does not replace what does")
		io.WriteString(show, "on air all the time")
		require.Equal(t, "on air all the time", r.heard(r.holding("/show"), "/show"))
	})
}

func TestRealSecureSocketsCarryEveryByte(t *testing.T) {
	var files balancer.TLSConfig
	certificate(t, &files, "ingest.test")
	r := newRealRig(t, miniredis.RunT(t).Addr(), func(c *balancer.Config) { c.TLS = files })
	conn, err := net.Dial("tcp", r.ingest)
	require.NoError(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * patience))
	c := secure(t, conn, tls.VersionTLS13).say(put("/show", "anna", "secret"))
	require.Equal(t, 200, c.code)
	sent := make([]byte, 1<<20)
	random := mathrand.NewChaCha8([32]byte{2})
	random.Read(sent)
	for rest := sent; len(rest) > 0; {
		n := min(len(rest), 1+mathrand.New(random).IntN(50_000))
		_, err := c.Write(rest[:n])
		require.NoError(t, err)
		rest = rest[n:]
	}
	require.NoError(t, c.Conn.(*tls.Conn).CloseWrite())
	require.ErrorIs(t, c.gone(), io.EOF)
	show := r.recorder.show("/show")
	require.Equal(t, string(sent), show.body)
	require.True(t, show.ended)
}
