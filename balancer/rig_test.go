package balancer_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer"
	"deadair/balancer/env/envtest"
	"deadair/balancer/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	balancerIP = "10.0.0.1"
	clientIP   = "10.0.9.9"
	ingest     = balancerIP + ":8000"
)

// rig is a balancer between scripted recorders, a scripted index and a client.
type rig struct {
	t         *testing.T
	net       *envtest.Net
	store     *memStore
	recorders []*fakeRecorder // eu/recorder-1 … -3, us/recorder-1
	balancer  *balancer.Balancer
	stop      context.CancelFunc
	served    chan error
	log       text // the balancer's
}

// text is what somebody writes while others read.
type text struct {
	mu sync.Mutex
	b  strings.Builder
}

func (x *text) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.Write(p)
}

func (x *text) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.String()
}

// play runs a test in virtual time on a rig whose balancer is up and healthy.
func play(t *testing.T, change func(*balancer.Config, *balancer.Parts), f func(*testing.T, *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, net: new(envtest.Net), store: newMemStore()}
		cfg, parts := r.config(), balancer.Parts{Store: r.store}
		if change != nil {
			change(&cfg, &parts)
		}
		for _, rec := range r.recorders {
			rec.start(t, r.net)
		}
		r.start(cfg, parts)
		defer r.end() // when the test has failed, too: a bubble must be left empty
		time.Sleep(time.Second)
		f(t, r)
	})
}

func (r *rig) config() balancer.Config {
	cfg := balancer.Config{
		Name: "eu/balancer-1", Datacenter: "eu", Redis: "10.0.3.1:6379",
		Accounts: map[string]string{"anna": "secret", "bert": "geheim"},
		Near:     []string{"eu", "us"}, Batch: -time.Second,
	}
	for i, name := range []string{"eu/recorder-1", "eu/recorder-2", "eu/recorder-3", "us/recorder-1"} {
		rec := newFakeRecorder(name, fmt.Sprintf("10.0.1.%d", i+1))
		r.recorders = append(r.recorders, rec)
		cfg.Recorders = append(cfg.Recorders, rec.recorder())
	}
	return cfg
}

func (r *rig) start(cfg balancer.Config, parts balancer.Parts) {
	b, err := balancer.New(cfg, r.net.Env(cfg.Name, balancerIP, slog.New(slog.NewTextHandler(&r.log, nil))), parts)
	require.NoError(r.t, err)
	ctx, stop := context.WithCancel(context.Background())
	r.balancer, r.stop, r.served = b, stop, make(chan error, 1)
	go func() { r.served <- b.Serve(ctx) }()
	synctest.Wait()
}

func (r *rig) end() {
	r.stop()
	require.NoError(r.t, <-r.served)
	require.Zero(r.t, r.balancer.Sources())
}

// recorder is one of the recorders by name.
func (r *rig) recorder(name string) *fakeRecorder {
	for _, rec := range r.recorders {
		if rec.name == name {
			return rec
		}
	}
	r.t.Fatalf("no recorder %q", name)
	return nil
}

// holding is the recorder with a mount's source on air, nil if there is none.
func (r *rig) holding(mount string) *fakeRecorder {
	for _, rec := range r.recorders {
		if s := rec.show(mount); s.live {
			return rec
		}
	}
	return nil
}

// client is a connection to the balancer with what it answered.
type client struct {
	net.Conn
	r    *bufio.Reader
	t    *testing.T
	took time.Duration // until the answer
	all  string        // the answer's head, or heads
	code int
	body string
}

// connect opens a connection to the port for sources and sends text.
func (r *rig) connect(text string) *client { return r.connectTo(ingest, text) }

func (r *rig) connectTo(addr, text string) *client {
	conn := r.dial(addr)
	_, err := io.WriteString(conn, text)
	require.NoError(r.t, err)
	return &client{Conn: conn, r: bufio.NewReader(conn), t: r.t}
}

// dial opens a connection to a port of the balancer.
func (r *rig) dial(addr string) net.Conn {
	conn, err := r.net.Env("client", clientIP, nil).DialContext(r.t.Context(), "tcp", addr)
	require.NoError(r.t, err)
	return conn
}

// ask opens a connection, sends text and reads the answer.
func (r *rig) ask(text string) *client {
	c := r.connect(text)
	c.answer()
	return c
}

// answer reads the answer: its head and, for a refusal, its body.
func (c *client) answer() {
	began := time.Now()
	var resp *http.Response
	for {
		var err error
		resp, err = http.ReadResponse(c.r, nil)
		require.NoError(c.t, err)
		c.all += fmt.Sprintf("%s %d\n", resp.Proto, resp.StatusCode)
		if resp.StatusCode != http.StatusContinue {
			break
		}
	}
	c.took, c.code = time.Since(began), resp.StatusCode
	if resp.ContentLength > 0 {
		body, err := io.ReadAll(resp.Body)
		require.NoError(c.t, err)
		c.body = string(body)
	}
}

// gone waits for the balancer to end the connection and tells how.
func (c *client) gone() error {
	_, err := c.r.ReadByte()
	require.Error(c.t, err)
	return err
}

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
}

func put(mount, user, password string) string {
	return "PUT " + mount + " HTTP/1.1\r\nHost: x\r\n" + basic(user, password) +
		"Content-Type: audio/mpeg\r\nExpect: 100-continue\r\nIce-Name: Night Show\r\nUser-Agent: Lavf/59\r\n\r\n"
}

func source(mount, user, password string) string {
	return "SOURCE " + mount + " HTTP/1.0\r\n" + basic(user, password) + "Content-Type: audio/mpeg\r\n\r\n"
}

// live puts /show on air as anna and returns its client and recorder.
func (r *rig) live(mount string) (*client, *fakeRecorder) {
	c := r.ask(put(mount, "anna", "secret"))
	require.Equal(r.t, 200, c.code, c.body)
	synctest.Wait()
	rec := r.holding(mount)
	require.NotNil(r.t, rec)
	return c, rec
}

// heard lets the balancer carry what was sent and tells what a recorder got of a mount.
func (r *rig) heard(rec *fakeRecorder, mount string) string {
	synctest.Wait()
	return rec.show(mount).body
}

// counted expects a line among the metrics.
func (r *rig) counted(line string) {
	_, all := r.adminGet("GET", "/metrics")
	var ours []string
	for l := range strings.Lines(all) {
		if strings.HasPrefix(l, "balancer_") {
			ours = append(ours, strings.TrimSpace(l))
		}
	}
	require.Contains(r.t, ours, line)
}

// memStore is an index in memory with the rules of session.Store.
type memStore struct {
	mu    sync.Mutex
	rows  map[string]session.Session
	err   error         // answers everything
	hang  bool          // answers nothing
	lag   time.Duration // of each answer
	calls map[string]int
}

func newMemStore() *memStore {
	return &memStore{rows: make(map[string]session.Session), calls: make(map[string]int)}
}

func (m *memStore) set(err error, hang bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err, m.hang = err, hang
}

func (m *memStore) delay(lag time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lag = lag
}

func (m *memStore) row(mount string) session.Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows[mount]
}

func (m *memStore) count(call string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[call]
}

// do runs a call unless the index is scripted to be away.
func (m *memStore) do(ctx context.Context, call string, f func() error) error {
	m.mu.Lock()
	m.calls[call]++
	err, hang, lag := m.err, m.hang, m.lag
	m.mu.Unlock()
	time.Sleep(lag)
	if hang {
		<-ctx.Done()
		return fmt.Errorf("%s: %w: %w", call, session.ErrUnavailable, ctx.Err())
	}
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return f()
}

func (m *memStore) Claim(ctx context.Context, c session.Claim) (got session.Session, err error) {
	err = m.do(ctx, "claim", func() error {
		row := m.rows[c.Mount]
		if row.ID != "" && row.Until.After(time.Now()) {
			if row.Account != c.Account {
				return session.ErrTaken
			}
		} else {
			row.ID, row.Recorder, row.Title, row.Proof = c.NewID, "", "", ""
		}
		row.Proof = cmp.Or(c.Proof, row.Proof)
		row.Mount, row.Account, row.Datacenter = c.Mount, c.Account, c.Datacenter
		row.Epoch, row.Until = max(row.Epoch, c.AtLeast)+1, time.Now().Add(c.Window)
		m.rows[c.Mount], got = row, row
		return nil
	})
	return got, err
}

// held runs f on a mount's row if the epoch holds it.
func (m *memStore) held(ctx context.Context, call, mount string, epoch int64, f func(*session.Session)) error {
	return m.do(ctx, call, func() error {
		row := m.rows[mount]
		switch {
		case row.Epoch < epoch:
			return session.ErrNotFound
		case row.Epoch > epoch || row.ID == "" && call != "release":
			return session.ErrFenced
		}
		f(&row)
		m.rows[mount] = row
		return nil
	})
}

func (m *memStore) Settle(ctx context.Context, mount string, epoch int64, recorder string) error {
	return m.held(ctx, "settle", mount, epoch, func(s *session.Session) { s.Recorder = recorder })
}

func (m *memStore) Title(ctx context.Context, mount string, epoch int64, title string) error {
	return m.held(ctx, "title", mount, epoch, func(s *session.Session) { s.Title = title })
}

func (m *memStore) Renew(ctx context.Context, mount string, epoch int64, window time.Duration) error {
	return m.held(ctx, "renew", mount, epoch, func(s *session.Session) { s.Until = time.Now().Add(window) })
}

func (m *memStore) Release(ctx context.Context, mount string, epoch int64) error {
	return m.held(ctx, "release", mount, epoch, func(s *session.Session) { s.ID, s.Recorder, s.Until = "", "", time.Time{} })
}

func (m *memStore) Lookup(ctx context.Context, mount string) (got session.Session, err error) {
	err = m.do(ctx, "lookup", func() error {
		got = m.rows[mount]
		if got.ID == "" || !got.Until.After(time.Now()) {
			return session.ErrNotFound
		}
		return nil
	})
	return got, err
}

func (m *memStore) Probe(ctx context.Context) error {
	return m.do(ctx, "probe", func() error { return nil })
}

var errAway = fmt.Errorf("%w: scripted", session.ErrUnavailable)

// isReset tells a reset connection from one that ended.
func isReset(err error) bool {
	return err != nil && !errors.Is(err, io.EOF) && strings.Contains(err.Error(), "reset")
}
