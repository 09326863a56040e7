package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/balancer/env"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestUsage(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("capacity: 3\nwindwo: 5m\n"), 0o644))
	for want, args := range map[string][]string{
		"not defined":  {"-nothing"},
		"see -help":    {"word"},
		"no such file": {"-config", "nowhere.yaml"},
		"windwo":       {"-config", bad},
		"capacity":     {"-capacity", "-1"},
	} {
		var said bytes.Buffer
		require.Equal(t, exitUsage, run(args, nil, &said), "%v", args)
		require.Contains(t, said.String(), want)
	}
	var said bytes.Buffer
	require.Equal(t, exitOK, run([]string{"-help"}, nil, &said))
	require.Contains(t, said.String(), "-dir")
}

// free is an address with a port that the system chooses.
const free = "127.0.0.1:0"

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// listening is what the command says of the port for sources.
var listening = regexp.MustCompile(`msg=listening for=sources addr=(\S+)`)

// command is the command at work in a directory, with a source on air.
func command(t *testing.T, dir string) (signals chan os.Signal, exit chan int, source net.Conn, said *buffer) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "recorder.yaml")
	require.NoError(t, os.WriteFile(config, []byte("window: 50ms\nsweep-interval: 20ms\ncapacity: 3\npublish-interval: 50ms\n"), 0o644))
	signals, exit, said = make(chan os.Signal, 4), make(chan int, 1), new(buffer)
	args := []string{"-config", config, "-dir", dir, "-listen", free, "-admin", free, "-name", "r1"}
	go func() { exit <- run(args, signals, said) }()
	var told []string
	require.Eventually(t, func() bool {
		told = listening.FindStringSubmatch(said.String())
		return told != nil
	}, 30*time.Second, 10*time.Millisecond, "%s", said)
	source, err := net.Dial("tcp", told[1])
	require.NoError(t, err)
	t.Cleanup(func() { _ = source.Close() })
	_, err = fmt.Fprint(source, "PUT /show HTTP/1.1\r\nDeadair-Session: s1\r\nDeadair-Epoch: 1\r\nDeadair-Account: anna\r\n\r\n")
	require.NoError(t, err)
	answer := make([]byte, 12)
	_, err = io.ReadFull(source, answer)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 200", string(answer))
	return signals, exit, source, said
}

// TestPublishesBelowTheRecordings: a recorder that nobody told of a store has one.
func TestPublishesBelowTheRecordings(t *testing.T) {
	dir := t.TempDir()
	signals, exit, source, said := command(t, dir)
	frame := make([]byte, 417)
	copy(frame, []byte{0xFF, 0xFB, 0x90, 0x00})
	_, err := source.Write(bytes.Repeat(frame, 10))
	require.NoError(t, err)
	require.NoError(t, source.Close())
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "session published") }, 30*time.Second, 10*time.Millisecond, "%s", said)
	track, err := os.ReadFile(filepath.Join(dir, embedded, "s1.mp3"))
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat(frame, 10), track[len(track)-4170:])
	require.FileExists(t, filepath.Join(dir, embedded, "s1.json"))
	signals <- os.Interrupt
	require.Equal(t, exitOK, <-exit)
}

func TestTermDrains(t *testing.T) {
	signals, exit, source, said := command(t, t.TempDir())
	signals <- syscall.SIGTERM
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "draining=true") }, 30*time.Second, 5*time.Millisecond)
	select {
	case <-exit:
		t.Fatal("it ended with a show on air")
	case <-time.After(200 * time.Millisecond):
	}
	require.NoError(t, source.Close())
	require.Equal(t, exitOK, <-exit)
	require.Contains(t, said.String(), "source ended")
	require.NotContains(t, said.String(), "cause=stop")
}

// TestHangUpIsIgnored: operators send it to balancers and recorders alike.
func TestHangUpIsIgnored(t *testing.T) {
	signals, exit, source, said := command(t, t.TempDir())
	for range 2 {
		signals <- syscall.SIGHUP
	}
	require.Eventually(t, func() bool { return strings.Count(said.String(), "SIGHUP ignored") == 2 }, 30*time.Second, 5*time.Millisecond)
	require.NotContains(t, said.String(), "draining=true")
	signals <- syscall.SIGTERM
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "draining=true") }, 30*time.Second, 5*time.Millisecond)
	require.NoError(t, source.Close())
	require.Equal(t, exitOK, <-exit)
	require.NotContains(t, said.String(), "cause=stop")
}

// TestHangUpIsCaught: a process that does not catch it is ended by it.
func TestHangUpIsCaught(t *testing.T) {
	signals := catch()
	defer signal.Stop(signals)
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	require.NoError(t, self.Signal(syscall.SIGHUP))
	require.Equal(t, syscall.SIGHUP, <-signals)
}

func TestSecondTermStops(t *testing.T) {
	signals, exit, _, said := command(t, t.TempDir())
	signals <- syscall.SIGTERM
	signals <- syscall.SIGTERM
	require.Equal(t, exitOK, <-exit)
	require.Contains(t, said.String(), "cause=stop")
}

func TestInterruptStops(t *testing.T) {
	signals, exit, _, said := command(t, t.TempDir())
	signals <- os.Interrupt
	require.Equal(t, exitOK, <-exit)
	require.Contains(t, said.String(), "cause=stop")
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	var said buffer
	require.Equal(t, exitFailed, run([]string{"-dir", t.TempDir(), "-listen", l.Addr().String(), "-admin", free}, nil, &said))
	require.Contains(t, said.String(), "address already in use")
}

// TestDirectoryInUse starts a second recorder over the recordings of the first one.
func TestDirectoryInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recordings")
	signals, exit, _, _ := command(t, dir)
	manifest := filepath.Join(dir, "s1", "manifest.jsonl")
	before, err := os.ReadFile(manifest)
	require.NoError(t, err)
	var said buffer
	interrupted := make(chan os.Signal, 1)
	interrupted <- os.Interrupt
	require.Equal(t, exitFailed, run([]string{"-dir", dir, "-listen", free, "-admin", free}, interrupted, &said))
	require.Equal(t, "recorder: lock "+dir+": another process uses it: end that one, or name another directory\n", said.String())
	after, err := os.ReadFile(manifest)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "a source is on air there")
	signals <- os.Interrupt
	require.Equal(t, exitOK, <-exit)
	unlock, err := env.LockDir(dir)
	require.NoError(t, err, "who has ended holds nothing")
	unlock()
}
