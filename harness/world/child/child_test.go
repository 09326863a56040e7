package child

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env"
	"deadair/harness/world"
)

func TestMain(m *testing.M) {
	Run(world.Kinds{"wait": wait, "refused": refused})
	goleak.VerifyTestMain(m)
}

const patience = 30 * time.Second

// wait listens and waits.
func wait(ctx context.Context, e env.Env) error {
	if _, err := e.Listen(ctx, "tcp", ":80"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// refused dials where nobody listens, and ends.
func refused(ctx context.Context, e env.Env) error {
	_, err := e.DialContext(ctx, "tcp", "10.0.0.9:80")
	return err
}

// ear hears what a child tells.
type ear struct {
	mu   sync.Mutex
	said []Message
}

func (e *ear) hear(m Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, m)
}

func (e *ear) heard() []Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Message(nil), e.said...)
}

func begin(t *testing.T, kind string) (*Process, *ear) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	e, l := &ear{}, NewLauncher()
	local := netip.MustParseAddr("127.0.0.1")
	p, err := Begin(Config{
		Exe: exe, LogPath: filepath.Join(t.TempDir(), "logs", "a.log"), Launcher: l, Hear: e.hear,
		Started: func(int) error { return nil },
		Spec: Spec{
			Node: "a", Kind: kind, Addr: local, Bind: local, Dir: t.TempDir(),
			TCP: map[string]string{"10.0.0.9:80": "127.0.0.1:1"}, Conf: json.RawMessage(`{}`),
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		p.Kill()
		<-p.Done()
		l.Close()
	})
	return p, e
}

func (p *Process) awaitEnd(t *testing.T) string {
	t.Helper()
	select {
	case <-p.Done():
		return p.End()
	case <-time.After(patience):
		require.Fail(t, "the child does not end")
		return ""
	}
}

func TestEndOfTheWireIsTheEnd(t *testing.T) {
	p, e := begin(t, "wait")
	require.Eventually(t, func() bool { return len(e.heard()) == 1 }, patience, time.Millisecond)
	m := e.heard()[0]
	require.Equal(t, Message{Do: Listening, Network: "tcp", Port: 80, Addr: m.Addr}, m)
	require.NoError(t, p.wire.Close()) // as the kernel does for a harness that is killed
	require.Equal(t, "exit status 3", p.awaitEnd(t))
}

func TestWhatAChildToldLastIsHeard(t *testing.T) {
	p, e := begin(t, "refused")
	require.Equal(t, "exit status 1", p.awaitEnd(t))
	require.Equal(t, []Message{{Do: Refused, Addr: "10.0.0.9:80"}}, e.heard())
	require.Contains(t, p.Tail(), "dial tcp 10.0.0.9:80: connect: connection refused")
}

func TestUnknownKind(t *testing.T) {
	p, _ := begin(t, "no such")
	require.Equal(t, "exit status 2", p.awaitEnd(t))
	require.Equal(t, `run a: this program knows no kind "no such"`, p.Tail())
}

func TestStartedByHand(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	out, err := exec.Command(exe, Arg, "a").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), Arg+" is for the harness only")
}

func TestJournalThatFailsEndsTheChild(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	l := NewLauncher()
	defer l.Close()
	_, err = Begin(Config{
		Exe: exe, LogPath: filepath.Join(t.TempDir(), "a.log"), Launcher: l, Hear: func(Message) {},
		Started: func(int) error { return errors.New("disk full") },
		Spec:    Spec{Node: "a", Kind: "wait"},
	})
	require.ErrorContains(t, err, "start a: disk full")
}

func TestTail(t *testing.T) {
	many := strings.Repeat("line\n", 100)
	for name, c := range map[string]struct{ text, want string }{
		"empty":        {" \n", "its log is empty"},
		"short":        {"a\nb\n", "a\nb"},
		"last lines":   {many + "end\n", strings.Repeat("line\n", tailLines-1) + "end"},
		"panic":        {many + "panic: oh\n\ngoroutine 1\nmain.go:1\nexit status 2\n", "panic: oh\n\ngoroutine 1\nmain.go:1\nexit status 2"},
		"only a panic": {"panic: oh\n" + many, "panic: oh\n" + strings.TrimSuffix(strings.Repeat("line\n", tailLines-1), "\n")},
		"fatal error":  {"a\nfatal error: all asleep\nb", "fatal error: all asleep\nb"},
		"word inside":  {"a panic: no\nb", "a panic: no\nb"},
	} {
		require.Equal(t, c.want, tail([]byte(c.text)), name)
	}
}
