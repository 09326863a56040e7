//go:build linux

package realclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"deadair/fakes/objectstore"
	"deadair/fakes/redis"
	"deadair/fakes/route53"
)

// Where everything stands. All worlds have the same addresses: they do not meet.
const (
	gateway    = "10.53.0.1" // the name server
	home       = "10.53.0.2" // the client
	ingest     = "ingest.deadair.test"
	ingestPort = 8000
	dnsPort    = 53
	password   = "hackme"
	balancers  = 3 // libshout makes two connections for each title: of two balancers the second would always be the show's own
	recorders  = 2
	datacenter = "eu-west"
	redisAddr  = "127.0.0.31"
	storeAddr  = "127.0.0.41"
)

func balancerAddrs() (addrs []string) {
	for i := range balancers {
		addrs = append(addrs, fmt.Sprintf("10.53.0.%d", 11+i))
	}
	return addrs
}

// world is one system of servers with the network around it and the client to come.
type world struct {
	t       testing.TB
	bin     string // folder of the servers' binaries
	dir     string // all that is written
	servers space
	client  space
	wire    *wire
	nodes   map[string]*process // by name
	window  time.Duration       // of the recorders; 0: as they ship
}

// newWorld brings the servers up; all ends with the test.
func newWorld(t testing.TB, bin string, window time.Duration) *world {
	w := &world{t: t, bin: bin, window: window, dir: t.TempDir(), servers: openSpace(t), client: openSpace(t), nodes: map[string]*process{}}
	require.NoError(t, join(w.servers, w.client))
	var err error
	w.wire, err = watch(w.client)
	require.NoError(t, err)
	t.Cleanup(w.wire.close)
	w.fakes()
	for i := range recorders {
		w.start("recorder", recorderName(i), w.recorderConfig(i))
	}
	for i := range recorders {
		w.listening(recorderConfig(i).Listen)
	}
	for i := range balancers {
		w.start("balancer", balancerName(i), w.balancerConfig(i))
	}
	for i := range balancers {
		w.listening(w.balancerConfig(i).Listen)
	}
	return w
}

// openSpace makes a network namespace that must be empty again when the test ends.
func openSpace(t testing.TB) space {
	s, err := newSpace()
	require.NoError(t, err)
	t.Cleanup(func() {
		defer s.file.Close()
		require.Eventually(t, func() bool { return len(s.inhabitants()) == 0 }, 10*time.Second, 50*time.Millisecond, "processes outlive the test: %v", s.inhabitants())
	})
	return s
}

// fakes runs the name server, the index and the store until the test ends.
func (w *world) fakes() {
	inside := w.servers.env("fakes", w.dir)
	store := inside
	store.Listen = func(ctx context.Context, network, _ string) (net.Listener, error) {
		return inside.Listen(ctx, network, redisAddr+redis.Addr)
	}
	index, err := redis.New(redis.Config{}, store)
	require.NoError(w.t, err)
	region := route53.Region{Name: datacenter, Place: "Ireland"}
	for i, addr := range balancerAddrs() {
		region.Records = append(region.Records, route53.Record{Host: balancerName(i), Addr: netip.MustParseAddr(addr), HealthPort: ingestPort})
	}
	names, err := route53.New(route53.Config{
		Name: ingest, TTL: 10 * time.Second, Regions: []route53.Region{region},
		Latency:  route53.Latency{RTT: map[string]map[string]time.Duration{"Ireland": {datacenter: time.Millisecond}}},
		Checkers: []route53.Checker{{Name: "checker", Env: inside}},
		Addr:     net.JoinHostPort(gateway, strconv.Itoa(dnsPort)), Env: inside,
	})
	require.NoError(w.t, err)
	shelf := w.servers.env("store", filepath.Join(w.dir, "store"))
	shelf.Listen = func(ctx context.Context, network, _ string) (net.Listener, error) {
		return inside.Listen(ctx, network, storeAddr+objectstore.Addr)
	}
	tracks, err := objectstore.New(objectstore.Config{Bucket: "tracks", Key: "deadair"}, shelf)
	require.NoError(w.t, err)
	ctx, stop := context.WithCancel(context.Background())
	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error { return index.Serve(ctx) })
	running.Go(func() error { return names.Serve(ctx) })
	running.Go(func() error { return tracks.Serve(ctx) })
	w.t.Cleanup(func() {
		stop()
		require.NoError(w.t, running.Wait())
	})
}

// broadcast starts a client in its namespaces, where the fake is the name server.
func (w *world) broadcast(argv []string) *process {
	server, order := filepath.Join(w.dir, "resolv.conf"), filepath.Join(w.dir, "nsswitch.conf")
	require.NoError(w.t, errors.Join(
		os.WriteFile(server, []byte("nameserver "+gateway+"\noptions timeout:1 attempts:2\n"), 0o644),
		os.WriteFile(order, []byte("passwd: files\ngroup: files\nhosts: files dns\n"), 0o644),
	))
	const script = `mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/nsswitch.conf && shift 2 && exec "$@"`
	cmd := w.client.command(append([]string{"unshare", "--mount", "sh", "-c", script, "sh", server, order}, argv...)...)
	cmd.Dir = w.dir
	return launch(w.t, filepath.Join(w.dir, "client.log"), cmd)
}

// tails are the ends of all logs, for people.
func (w *world) tails() string {
	var b bytes.Buffer
	logs, _ := filepath.Glob(filepath.Join(w.dir, "*.log"))
	for _, path := range logs {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fmt.Fprintf(&b, "--- %s\n%s\n", filepath.Base(path), data[max(0, len(data)-3000):])
	}
	return b.String()
}
