package route53_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"deadair/balancer/env"
	"deadair/fakes/route53"
)

// behaviour is how an endpoint meets a probe.
type behaviour string

const (
	healthy  behaviour = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	redirect behaviour = "HTTP/1.1 302 Found\r\n\r\n"
	busy     behaviour = "HTTP/1.1 503 Service Unavailable\r\n\r\n"
	junk     behaviour = "ICY 200 OK, nice to meet you"
	refused  behaviour = "refused"
	vanished behaviour = "vanished" // nobody answers the dial
	silent   behaviour = "silent"   // connects, says nothing
	hangup   behaviour = "hangup"   // connects, then ends
)

// fabric is the network between checkers and records. It has no latency, so
// that instants can be computed.
type fabric struct {
	mu     sync.Mutex
	toward map[string]behaviour // "checker address" or "address"
	asked  map[string][]time.Time
	wg     sync.WaitGroup
}

func newFabric() *fabric {
	return &fabric{toward: map[string]behaviour{}, asked: map[string][]time.Time{}}
}

// set changes how an address meets all checkers, or the named ones.
func (f *fabric) set(addr string, b behaviour, checkers ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(checkers) == 0 {
		f.toward[addr] = b
	}
	for _, c := range checkers {
		f.toward[c+" "+addr] = b
	}
}

func (f *fabric) meet(checker, addr string) behaviour {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[checker+" "+addr] = append(f.asked[checker+" "+addr], time.Now())
	if b, ok := f.toward[checker+" "+addr]; ok {
		return b
	}
	if b, ok := f.toward[addr]; ok {
		return b
	}
	return healthy
}

func (f *fabric) dial(checker string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		b := f.meet(checker, host)
		switch b {
		case refused:
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		case vanished:
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
		}
		near, far := net.Pipe()
		f.wg.Go(func() { endpoint(far, b) })
		return near, nil
	}
}

func endpoint(c net.Conn, b behaviour) {
	defer c.Close()
	var buf [512]byte
	n, err := c.Read(buf[:])
	if err != nil || b == hangup {
		return
	}
	if string(buf[:18]) != "GET /health HTTP/1" || string(buf[n-4:n]) != "\r\n\r\n" {
		return
	}
	if b == silent {
		io.Copy(io.Discard, c)
		return
	}
	io.WriteString(c, string(b))
}

// mute is a listener and a datagram socket that nobody talks to.
type mute struct {
	once sync.Once
	done chan struct{}
}

func (m *mute) close() { m.once.Do(func() { close(m.done) }) }
func (m *mute) Close() error {
	m.close()
	return nil
}
func (m *mute) Accept() (net.Conn, error) { <-m.done; return nil, net.ErrClosed }
func (m *mute) Addr() net.Addr            { return &net.TCPAddr{} }
func (m *mute) LocalAddr() net.Addr       { return &net.UDPAddr{} }
func (m *mute) ReadFrom([]byte) (int, net.Addr, error) {
	<-m.done
	return 0, nil, net.ErrClosed
}
func (m *mute) WriteTo(p []byte, _ net.Addr) (int, error) { return len(p), nil }
func (m *mute) SetDeadline(t time.Time) error             { return m.SetReadDeadline(t) }
func (m *mute) SetWriteDeadline(time.Time) error          { return nil }
func (m *mute) SetReadDeadline(t time.Time) error {
	if t.Before(time.Now()) {
		m.close()
	}
	return nil
}

// memoryEnv is the world of a host in a bubble.
func memoryEnv(f *fabric, host string) env.Env {
	return env.Env{
		Host: host,
		Listen: func(context.Context, string, string) (net.Listener, error) {
			return &mute{done: make(chan struct{})}, nil
		},
		ListenPacket: func(context.Context, string, string) (net.PacketConn, error) {
			return &mute{done: make(chan struct{})}, nil
		},
		DialContext: f.dial(host),
		Rand:        func(string) *rand.Rand { return rand.New(rand.NewPCG(1, 2)) },
		Phase: func(loop string, interval time.Duration) time.Duration {
			h := fnv.New64a()
			io.WriteString(h, host+loop)
			return time.Duration(binary.BigEndian.Uint64(h.Sum(nil)) % uint64(interval))
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

// addresses of the records of zoneOf.
const (
	dublin1   = "10.1.0.1"
	dublin2   = "10.1.0.2"
	virginia1 = "10.2.0.1"
	oregon1   = "10.3.0.1"
)

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// zoneOf is a zone like that of 2014, with n checkers.
func zoneOf(f *fabric, n int) route53.Config {
	rec := func(host, addr string) route53.Record {
		return route53.Record{Host: host, Addr: netip.MustParseAddr(addr), HealthPort: 8000}
	}
	cfg := route53.Config{
		Name: "ingest.deadair.test.", TTL: 10 * time.Second,
		Regions: []route53.Region{
			{Name: "eu-west", Place: "Ireland", Records: []route53.Record{rec("eu-west/balancer-1", dublin1), rec("eu-west/balancer-2", dublin2)}},
			{Name: "us-east", Place: "Virginia", Records: []route53.Record{rec("us-east/balancer-1", virginia1)}},
			{Name: "us-west", Place: "Oregon", Records: []route53.Record{rec("us-west/balancer-1", oregon1)}},
		},
		Latency: route53.Latency{
			Subnets: []route53.Subnet{
				{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Place: "Oregon"},
				{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Place: "Rome"},
				{Prefix: netip.MustParsePrefix("192.0.2.128/25"), Place: "Virginia"},
			},
			RTT: map[string]map[string]time.Duration{
				"Ireland":  {"eu-west": ms(1), "us-east": ms(80), "us-west": ms(130)},
				"Virginia": {"eu-west": ms(80), "us-east": ms(1), "us-west": ms(65)},
				"Oregon":   {"eu-west": ms(130), "us-east": ms(65), "us-west": ms(1)},
				"Rome":     {"eu-west": ms(40), "us-east": ms(110), "us-west": ms(105)}, // US coasts swapped on purpose
			},
		},
		Interval: 10 * time.Second, Threshold: 3, Propagation: time.Second,
		Env: memoryEnv(f, "route53"),
	}
	for i := range n {
		name := checkerName(i)
		cfg.Checkers = append(cfg.Checkers, route53.Checker{Name: name, Env: memoryEnv(f, name)})
	}
	return cfg
}

func checkerName(i int) string { return fmt.Sprintf("checker-%02d", i+1) }
