package balancer_test

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/balancer/icecast"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestClientsGetTheAnswersTheyNeed plays what real encoders sent, connection after
// connection as they made them, and pins every byte that they get back: when all is
// well, when their password is wrong, and when there is no room. The heads were
// captured; those of a folder that ends in -tls came by TLS.
func TestClientsGetTheAnswersTheyNeed(t *testing.T) {
	var files balancer.TLSConfig
	certificate(t, &files, "ingest.test")
	first, err := filepath.Glob("testdata/clients/*/1.head")
	require.NoError(t, err)
	require.NotEmpty(t, first)
	for _, file := range first {
		folder := filepath.Dir(file)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			var told strings.Builder
			for _, situation := range []string{"all is well", "wrong password", "no room"} {
				password := map[bool]string{true: "other", false: "hackme"}[situation == "wrong password"]
				change := func(c *balancer.Config, _ *balancer.Parts) {
					c.TLS, c.Accounts = files, map[string]string{"source": password}
				}
				fmt.Fprintf(&told, "# %s\n", situation)
				play(t, change, func(t *testing.T, r *rig) {
					if situation == "no room" {
						r.all("full")
						time.Sleep(5 * time.Second)
					}
					for _, file := range heads(t, folder) {
						fmt.Fprintf(&told, "%s\n", r.converse(file, strings.HasSuffix(folder, "-tls")))
					}
					for _, rec := range r.recorders {
						for _, request := range rec.requests() {
							fmt.Fprintf(&told, "recorder gets %s\n", request)
						}
					}
				})
			}
			golden := folder + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(told.String()), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), told.String())
		})
	}
}

// heads are the files of a client, in the order of its connections.
func heads(t *testing.T, folder string) []string {
	files, err := filepath.Glob(filepath.Join(folder, "*.head"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// converse sends a head in two pieces and tells what comes back, and when.
func (r *rig) converse(file string, secure bool) string {
	head, err := os.ReadFile(file)
	require.NoError(r.t, err)
	conn := r.dial(ingest)
	if secure {
		c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
		require.NoError(r.t, c.Handshake())
		conn = c
	}
	split := min(235, len(head)/2) // as DarkIce does, and then some
	conn.Write(head[:split])
	time.Sleep(10 * time.Millisecond)
	conn.Write(head[split:])
	request, _, _ := strings.Cut(string(head), " HTTP/")
	return fmt.Sprintf("%s: %s", request, r.listen(conn))
}

// listen tells what a connection says until it ends, or nothing comes for a minute.
func (r *rig) listen(conn net.Conn) string {
	began, first := time.Now(), time.Duration(-1)
	var told strings.Builder
	buf := make([]byte, 4096)
	for {
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := conn.Read(buf)
		if n > 0 && first < 0 {
			first = time.Since(began)
		}
		told.Write(buf[:n])
		end := ""
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF):
			end = "end"
		case errors.Is(err, os.ErrDeadlineExceeded):
			end = "stays open"
		default:
			end = "reset"
		}
		if told.Len() == 0 {
			return "nothing, " + end
		}
		return fmt.Sprintf("%q after %v, %s", told.String(), first, end)
	}
}

// TestPokesCostNothing: what libshout sends before its source gets an answer at once, or none, and
// touches neither the index nor a recorder.
func TestPokesCostNothing(t *testing.T) {
	play(t, nil, func(t *testing.T, r *rig) {
		for _, folder := range []string{"ices2", "gst", "shout", "ezstream"} {
			for _, file := range heads(t, "testdata/clients/"+folder) {
				raw, err := os.ReadFile(file)
				require.NoError(t, err)
				head, err := icecast.ReadHead(strings.NewReader(string(raw)))
				require.NoError(t, err)
				if head.Header.Has("Authorization") {
					continue
				}
				conn := r.dial(ingest)
				began := time.Now()
				conn.Write(raw)
				io.ReadAll(conn)
				require.Zero(t, time.Since(began))
				conn.Close()
			}
		}
		synctest.Wait()
		require.Zero(t, r.store.count("claim")+r.store.count("lookup"))
		require.Zero(t, r.balancer.Sources())
		r.counted(`balancer_refusals_total{reason="unauthorized"} 7`)
	})
}
