package balancer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env/envtest"
	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
)

// fakeRecorder keeps the recorder's side of the contract in memory, and breaks it
// on demand.
type fakeRecorder struct {
	name, ip    string
	addr, admin string // where it answers

	mu      sync.Mutex
	unknown bool   // its admin port knows no mount
	mode    string // "" as it should, "full", "draining", "silent" (accepts, never answers), "garbage", "failing"
	shows   map[string]*fakeShow
	offers  []string // mounts offered, probes as "probe"
	posts   []string // requests on the admin port
	stop    func()   // returns when nobody can reach it any more
	done    <-chan struct{}
}

// fakeShow is what a recorder has of a mount.
type fakeShow struct {
	id, account  string
	epoch        int64
	live, guessd bool
	until        time.Time
	body, title  string
	paused       bool
	ended        bool // its source's connection came to a proper end
	header       icecast.Header
	conn         net.Conn
}

func newFakeRecorder(name, ip string) *fakeRecorder {
	return &fakeRecorder{name: name, ip: ip, addr: ip + ":8000", admin: ip + ":8001", shows: make(map[string]*fakeShow)}
}

func (f *fakeRecorder) recorder() fleet.Recorder {
	return fleet.Recorder{Name: f.name, Datacenter: f.name[:2], Addr: f.addr, Admin: f.admin}
}

// start listens until stop or the end of the test.
func (f *fakeRecorder) start(t *testing.T, n *envtest.Net) {
	ctx, stop := context.WithCancel(t.Context())
	f.stop, f.done = func() { stop(); synctest.Wait() }, ctx.Done()
	for port, serve := range map[string]service{":8000": f.serve, ":8001": f.operate} {
		l, err := n.Env(f.name, f.ip, nil).Listen(ctx, "tcp", port)
		require.NoError(t, err)
		accept(ctx, l, serve)
	}
}

// service answers one request and tells whether the connection goes on.
type service func(net.Conn, *icecast.Head) bool

// accept serves connections until ctx is done.
func accept(ctx context.Context, l net.Listener, serve service) {
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go converse(ctx, c, serve)
		}
	}()
}

func converse(ctx context.Context, c net.Conn, serve service) {
	defer c.Close()
	release := context.AfterFunc(ctx, func() {
		c.(interface{ SetLinger(int) error }).SetLinger(0)
		c.Close()
	})
	defer release()
	for {
		head, err := icecast.ReadHead(c)
		if err != nil || !serve(c, head) {
			return
		}
	}
}

func (f *fakeRecorder) set(mode string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mode = mode
}

// show is a copy of what it has of a mount.
func (f *fakeRecorder) show(mount string) fakeShow {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.shows[mount]; s != nil {
		return *s
	}
	return fakeShow{}
}

// hold makes it hold a session that nobody sends at the moment.
func (f *fakeRecorder) hold(mount string, s fakeShow) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shows[mount] = &s
}

// offered counts the sources that it was offered for a mount.
func (f *fakeRecorder) offered(mount string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.offers {
		if m == mount {
			n++
		}
	}
	return n
}

func (f *fakeRecorder) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.posts...)
}

// hangUp ends the connection of a mount's source.
func (f *fakeRecorder) hangUp(mount string) {
	f.mu.Lock()
	conn := f.shows[mount].conn
	f.mu.Unlock()
	conn.Close()
}

// pause stops reading a mount's source, for ever.
func (f *fakeRecorder) pause(mount string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shows[mount].paused = true
}

// serve answers one request and tells whether the connection goes on.
func (f *fakeRecorder) serve(c net.Conn, head *icecast.Head) bool {
	f.mu.Lock()
	mode := f.mode
	f.mu.Unlock()
	if head.Method == "PUT" && (mode == "silent" || mode == "garbage") {
		f.note(head.Path())
	}
	switch {
	case mode == "silent":
		io.Copy(io.Discard, c)
		return false
	case mode == "garbage":
		io.WriteString(c, "SSH-2.0-OpenSSH_9.6\r\n\r\n")
		return false
	case head.Method == "PUT" && mode == "mute": // it answers questions only
		io.Copy(io.Discard, c)
		return false
	case head.Path() == "/health":
		return f.health(c, mode)
	case head.Path() == "/sessions":
		return f.session(c, head.Query().Get("mount"))
	case head.Method == "PUT":
		f.source(c, head, mode)
	}
	return false
}

func (f *fakeRecorder) health(c net.Conn, mode string) bool {
	status := map[string]string{"": "ok", "mute": "ok", "busy": "ok"}[mode]
	if status == "" {
		status = mode
	}
	body := fmt.Sprintf(`{"status":%q,"capacity":20,"sources":%d,"free":1,"checked_at":"2000-01-01T00:00:00Z"}`, status, f.liveShows())
	code := 200
	if mode == "failing" {
		code = 503
	}
	return icecast.Answer(c, code, nil, []byte(body)) == nil
}

func (f *fakeRecorder) liveShows() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.shows {
		if s.live {
			n++
		}
	}
	return n
}

func (f *fakeRecorder) session(c net.Conn, mount string) bool {
	s := f.show(mount)
	if s.id == "" {
		return icecast.Answer(c, 404, nil, nil) == nil
	}
	body, _ := json.Marshal(map[string]any{"mount": mount, "session": s.id, "account": s.account, "epoch": s.epoch,
		"live": s.live, "until": s.until, "guessed": s.guessd, "title": s.title})
	return icecast.Answer(c, 200, nil, body) == nil
}

// source takes a source as a recorder does: fencing, takeover, guessed epochs.
func (f *fakeRecorder) source(c net.Conn, head *icecast.Head, mode string) {
	mount, _ := head.Mount()
	if head.Header.Get("Deadair-Probe") == "1" {
		f.note("probe")
		status := map[string]int{"": 200, "full": 507, "draining": 503, "failing": 507}[mode]
		fmt.Fprintf(c, "HTTP/1.1 %d X\r\n\r\n", status)
		return
	}
	f.note(mount)
	status, show, older := f.accept(c, head, mount, mode)
	fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nDeadair-Epoch: %d\r\nDeadair-Session: %s\r\n\r\n", status, http.StatusText(status), show.epoch, show.id)
	if older != nil {
		older.Close()
	}
	if status == 200 {
		f.record(c, mount, show, head.Rest)
	}
}

func (f *fakeRecorder) note(mount string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offers = append(f.offers, mount)
}

func (f *fakeRecorder) accept(c net.Conn, head *icecast.Head, mount, mode string) (status int, show *fakeShow, older net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	epoch, _ := strconv.ParseInt(head.Header.Get("Deadair-Epoch"), 10, 64)
	id, account := head.Header.Get("Deadair-Session"), head.Header.Get("Deadair-Account")
	old := f.shows[mount]
	if old == nil {
		old = &fakeShow{}
	}
	next := &fakeShow{id: id, account: account, epoch: epoch, live: true, header: head.Header, conn: c,
		guessd: epoch == 0, until: time.Now().Add(5 * time.Minute), body: old.body}
	switch {
	case mode == "full":
		return 507, &fakeShow{}, nil
	case mode == "draining", mode == "busy":
		return 503, &fakeShow{}, nil
	case old.id != "" && old.account != account:
		return 423, &fakeShow{}, nil
	case epoch == 0:
		above, _ := strconv.ParseInt(head.Header.Get("Deadair-Above"), 10, 64)
		next.epoch = max(old.epoch, above) + 1
	case epoch <= old.epoch:
		return 409, old, nil
	}
	if old.live {
		older = old.conn
	}
	old.live = false
	f.shows[mount] = next
	return 200, next, older
}

// record takes bytes until the source ends.
func (f *fakeRecorder) record(c net.Conn, mount string, show *fakeShow, rest []byte) {
	buf := make([]byte, 4096)
	n, err := copy(buf, rest), error(nil)
	for {
		f.mu.Lock()
		show.body += string(buf[:n])
		paused := show.paused
		f.mu.Unlock()
		if paused {
			<-f.done
			return
		}
		if err != nil {
			break
		}
		n, err = c.Read(buf)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	show.live, show.ended = false, errors.Is(err, io.EOF)
}

func (f *fakeRecorder) operate(c net.Conn, head *icecast.Head) bool {
	f.mu.Lock()
	f.posts = append(f.posts, head.Method+" "+head.Target)
	unknown := f.unknown
	f.mu.Unlock()
	if unknown {
		return icecast.Answer(c, 404, nil, nil) == nil
	}
	io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	return false
}
