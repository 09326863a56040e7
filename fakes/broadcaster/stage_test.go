package broadcaster

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/fakes/broadcaster/frame"
)

var update = flag.Bool("update", false, "write golden files anew")

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

var (
	hostA = netip.MustParseAddr("10.0.0.1")
	hostB = netip.MustParseAddr("10.0.0.2")
)

// seen is an event with its instant, since the stage was set.
type seen struct {
	At time.Duration
	Event
}

func (s seen) String() string {
	return fmt.Sprintf("%v %+v", s.At, s.Event)
}

// stage is a network of scripted servers and a witness of what a broadcaster reports.
type stage struct {
	t     testing.TB
	begun time.Time
	names []netip.Addr
	noDNS error                         // instead of names
	hosts map[netip.Addr]func(s *visit) // who listens; nobody: refused; nil: silent

	mu      sync.Mutex
	asked   []*visit // questions, which the stage answers by itself
	visits  []*visit
	lookups []time.Duration
	seen    []seen
	window  int
	rude    bool // questions are not answered by the stage
}

func newStage(t testing.TB, serve func(*visit)) *stage {
	return &stage{t: t, begun: time.Now(), names: []netip.Addr{hostA}, hosts: map[netip.Addr]func(*visit){hostA: serve}, window: 256 << 10}
}

// visit is one connection at a server.
type visit struct {
	*end
	n      int // from 1
	port   int
	At     time.Duration
	Head   []byte
	Fields []byte // of SHOUTcast, behind the OK
	Body   []byte // filled by take
	Ended  error  // what take met at last
}

// config is a broadcaster for this stage: light frames, one hour.
func (s *stage) config(p Persona) Config {
	return Config{
		Name: "us-east-01", Account: "source", Password: "hackme", Mount: "/live", Persona: p,
		Duration: time.Hour,
		Resolve:  s.resolve, Dial: s.dial, Observe: s.observe,
	}
}

func (s *stage) resolve(context.Context, string) ([]netip.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookups = append(s.lookups, time.Since(s.begun))
	return s.names, s.noDNS
}

func (s *stage) observe(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, seen{time.Since(s.begun), e})
}

func (s *stage) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	to := netip.MustParseAddrPort(addr)
	s.mu.Lock()
	serve, ok := s.hosts[to.Addr()]
	s.mu.Unlock()
	if !ok {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	if serve == nil {
		select {
		case <-ctx.Done():
			return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
		case <-time.After(127 * time.Second):
			return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)}
		}
	}
	client, server := newPair(s.window, to)
	v := &visit{end: server, At: time.Since(s.begun), port: int(to.Port())}
	s.mu.Lock()
	s.visits = append(s.visits, v)
	v.n = len(s.visits)
	s.mu.Unlock()
	go func() {
		defer server.Close()
		if v.readHead() && !s.question(v) {
			serve(v)
		}
	}()
	return client, nil
}

// question answers as Icecast 2.4.4 what is no request for the stream. It leaves
// the visits before it is answered: the client may be back at once.
func (s *stage) question(v *visit) bool {
	var answer string
	switch {
	case s.rude:
		return false
	case bytes.HasPrefix(v.Head, []byte("OPTIONS ")): // it closes
	case bytes.HasPrefix(v.Head, []byte("GET /admin/")):
		answer = refusal(400)
	case bytes.Contains(v.Head, []byte("Authorization: ")) || v.port == 8001:
		return false
	default:
		answer = refusal(401)
	}
	s.mu.Lock()
	s.visits = slices.DeleteFunc(s.visits, func(one *visit) bool { return one == v })
	s.asked = append(s.asked, v)
	s.mu.Unlock()
	if answer != "" {
		v.say(answer)
	}
	return true
}

// readHead reads the request's head, or SHOUTcast's password, byte by byte: some
// clients send more before they are answered.
func (v *visit) readHead() bool {
	end := "\r\n\r\n"
	if v.port == 8001 {
		end = "\r\n"
	}
	v.Head = v.readTo(end)
	return v.Head != nil
}

func (v *visit) readTo(end string) (head []byte) {
	for b := make([]byte, 1); !bytes.HasSuffix(head, []byte(end)); head = append(head, b[0]) {
		if _, err := v.Read(b); err != nil {
			v.Ended = err
			return nil
		}
	}
	return head
}

func (v *visit) say(answer string) { v.Write([]byte(answer)) }

// take reads audio for a time, or to its end (zero).
func (v *visit) take(d time.Duration) {
	if d > 0 {
		v.SetReadDeadline(time.Now().Add(d))
	}
	b := make([]byte, 32<<10)
	for {
		n, err := v.Read(b)
		v.Body = append(v.Body, b[:n]...)
		if err != nil {
			v.Ended = err
			return
		}
	}
}

func (v *visit) abort() {
	v.SetLinger(0)
	v.Close()
}

const (
	ok100 = "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n"
	ok200 = "HTTP/1.0 200 OK\r\n\r\n"
)

func refusal(status int) string {
	return fmt.Sprintf("HTTP/1.0 %d Whatever\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", status)
}

// welcome takes everybody, to the end.
func welcome(v *visit) {
	v.answerAs()
	v.take(0)
}

// answerAs accepts as Icecast does.
func (v *visit) answerAs() {
	if v.port == 8001 {
		v.say("OK2\r\nicy-caps:11\r\n\r\n")
		v.Fields = v.readTo("\r\n\r\n")
		return
	}
	if bytes.Contains(v.Head, []byte("Expect: 100")) {
		v.say(ok100)
	}
	v.say(ok200)
}

// play runs a whole show and returns what was reported.
func (s *stage) play(cfg Config) []seen {
	s.t.Helper()
	b, err := New(cfg)
	require.NoError(s.t, err)
	require.NoError(s.t, b.Run(context.Background()))
	return s.events()
}

func (s *stage) events() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

// of filters events by kind.
func of(all []seen, k Kind) []seen {
	var some []seen
	for _, e := range all {
		if e.Kind == k {
			some = append(some, e)
		}
	}
	return some
}

// instants are the events' times.
func instants(es []seen) []time.Duration {
	var at []time.Duration
	for _, e := range es {
		at = append(at, e.At)
	}
	return at
}

// gaps are the times between instants.
func gaps(at []time.Duration) []time.Duration {
	var between []time.Duration
	for i := 1; i < len(at); i++ {
		between = append(between, at[i]-at[i-1])
	}
	return between
}

// frames are the numbers of the frames in a body, which must hold no bad one and
// nothing else than a tag of foreign bytes and a piece of a last frame.
func (s *stage) frames(v *visit, tag string) []uint64 {
	s.t.Helper()
	body := v.Body
	if bytes.Contains(v.Head, []byte("Transfer-Encoding: chunked")) {
		body, _ = io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body))) // the last chunk may be torn
	}
	require.True(s.t, bytes.HasPrefix(body, []byte(tag)))
	var numbers []uint64
	tally, err := frame.Scan(bytes.NewReader(body[len(tag):]), func(f frame.Found) {
		require.True(s.t, f.OK)
		require.Equal(s.t, frame.ID("us-east-01"), f.Broadcaster)
		numbers = append(numbers, f.Number)
	})
	require.NoError(s.t, err)
	require.Less(s.t, tally.Foreign, int64(frame.MaxSize))
	return numbers
}

// run is the numbers from a to before b.
func run(a, b int64) []uint64 {
	var ns []uint64
	for n := a; n < b; n++ {
		ns = append(ns, uint64(n))
	}
	return ns
}

func named(t testing.TB, name string) Persona {
	t.Helper()
	p, err := PersonaNamed(name)
	require.NoError(t, err)
	return p
}

// fine has a config write frame by frame.
func fine(cfg Config) Config {
	cfg.Chunk = 1
	return cfg
}

var errNoSuchName = errors.New("no such name")
