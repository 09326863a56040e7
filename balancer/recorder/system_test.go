package recorder_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/balancer/icecast"
	"deadair/balancer/recorder"
	"deadair/balancer/recorder/manifest"
)

// onSystem runs a recorder on real sockets and a real disk and returns its source
// port's address, its directory and what stops it.
func onSystem(t testing.TB, cfg recorder.Config) (addr, dir string, stop func()) {
	t.Helper()
	dir = t.TempDir()
	e := env.System("recorder-1", dir, nil)
	e.Phase = func(string, time.Duration) time.Duration { return 0 }
	listening := make(chan string, 2)
	e.Listen = func(ctx context.Context, network, _ string) (net.Listener, error) {
		l, err := new(net.ListenConfig).Listen(ctx, network, "127.0.0.1:0")
		if err == nil {
			listening <- l.Addr().String()
		}
		return l, err
	}
	r, err := recorder.New(cfg, e, recorder.Parts{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx) }()
	addr = <-listening
	<-listening
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return addr, dir, stop
}

// put offers a source of its own mount and session on a real connection.
func put(t testing.TB, addr, name string, epoch int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "PUT /%s HTTP/1.1\r\nDeadair-Session: %s\r\nDeadair-Epoch: %d\r\nDeadair-Account: anna\r\n\r\n", name, name, epoch)
	require.NoError(t, err)
	reply, err := icecast.ReadReply(conn)
	require.NoError(t, err)
	require.Equal(t, 200, reply.Status, "%s", reply.Rest)
	return conn
}

// onDisk are a session's segments, by name.
func onDisk(t testing.TB, dir, session string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, session, "*-*"))
	require.NoError(t, err)
	segments := map[string][]byte{}
	for _, name := range names {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		segments[filepath.Base(name)] = content
	}
	return segments
}

func ended(t testing.TB, dir, session string) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, session, manifest.File))
	require.NoError(t, err)
	lines, _, _ := manifest.Parse(data)
	return lines[len(lines)-1].Type == manifest.Ended
}

// TestRealStream sends what an encoder makes, in pieces that respect nothing, and
// plays what is on disk.
func TestRealStream(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed: it makes the stream and plays the recording")
	}
	for name, options := range map[string]string{
		"show.mp3": "-c:a libmp3lame -b:a 128k -id3v2_version 0 -f mp3",
		"show.aac": "-c:a aac -b:a 96k -f adts",
		"show.ogg": "-c:a libopus -b:a 64k -page_duration 100000 -f ogg",
	} {
		t.Run(name, func(t *testing.T) {
			args := append(strings.Fields("-v error -f lavfi -i sine=frequency=440:duration=8 -ac 2"), strings.Fields(options)...)
			stream, err := exec.Command(ffmpeg, append(args, "-")...).Output()
			require.NoError(t, err)
			addr, dir, _ := onSystem(t, recorder.Config{SegmentBytes: 20_000})
			conn := put(t, addr, "show", 1)
			for n := range slices.Chunk(stream, 777) {
				_, err := conn.Write(n)
				require.NoError(t, err)
			}
			_ = conn.Close()
			require.Eventually(t, func() bool { return ended(t, dir, "show") }, 30*time.Second, 10*time.Millisecond)

			segments := onDisk(t, dir, "show")
			require.Greater(t, len(segments), 2)
			var joined []byte
			for _, segment := range slices.SortedFunc(maps.Keys(segments), bySegment) {
				require.Equal(t, filepath.Ext(name), filepath.Ext(segment))
				joined = append(joined, segments[segment]...)
			}
			require.True(t, bytes.Equal(stream, joined), "%d bytes sent, %d on disk", len(stream), len(joined))
			play := exec.Command(ffmpeg, "-v", "error", "-i", "-", "-f", "null", "-")
			play.Stdin = bytes.NewReader(joined)
			said, err := play.CombinedOutput()
			require.NoError(t, err, "%s", said)
			require.Empty(t, string(said))
		})
	}
}

// TestRealDisk: the directory of a recorder that ended is taken up by the next.
func TestRealDisk(t *testing.T) {
	addr, dir, stop := onSystem(t, recorder.Config{})
	conn := put(t, addr, "show", 1)
	_, err := conn.Write(append(frame(0), frame(1)...))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(onDisk(t, dir, "show")["1-1.mp3"]) == 2*frameSize }, 30*time.Second, 5*time.Millisecond)
	stop()
	require.True(t, ended(t, dir, "show"))
}

// TestRefusedWhileSending: the answer reaches a peer that has sent much by then.
func TestRefusedWhileSending(t *testing.T) {
	addr, _, _ := onSystem(t, recorder.Config{LingerTimeout: time.Minute})
	_ = put(t, addr, "show", 2).Close()
	for range 10 {
		conn, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "PUT /show HTTP/1.1\r\nDeadair-Session: show\r\nDeadair-Epoch: 1\r\nDeadair-Account: anna\r\n\r\n")
		require.NoError(t, err)
		_, err = conn.Write(make([]byte, 100_000))
		require.NoError(t, err)
		time.Sleep(20 * time.Millisecond) // not waiting for luck: the answer has to survive lying about
		reply, err := icecast.ReadReply(conn)
		require.NoError(t, err)
		require.Equal(t, 409, reply.Status)
		_, err = io.Copy(io.Discard, conn)
		require.NoError(t, err, "closed in good order, not reset")
		_ = conn.Close()
	}
}

// BenchmarkSources measures what one source costs: bytes of memory, and the share of a
// core at 16 kB/s. Its metrics are the point, not its time per operation.
func BenchmarkSources(b *testing.B) {
	const sources = 500
	addr, _, _ := onSystem(b, recorder.Config{Capacity: sources})
	before, start := memory(), time.Now()
	conns := make([]net.Conn, sources)
	for i := range conns {
		conns[i] = put(b, addr, fmt.Sprintf("show-%d", i), 1)
	}
	admitted := time.Since(start)
	chunk := bytes.Repeat(frame(1), 3200/frameSize) // a fifth of a second
	for _, c := range conns {
		_, err := c.Write(chunk)
		require.NoError(b, err)
	}
	time.Sleep(time.Second)
	grown := memory() - before
	used := cpu()
	start = time.Now()
	for b.Loop() {
		round := time.Now()
		for _, c := range conns {
			if _, err := c.Write(chunk); err != nil {
				b.Fatal(err)
			}
		}
		time.Sleep(200*time.Millisecond - time.Since(round))
	}
	b.ReportMetric(float64(grown)/sources, "B/source")
	b.ReportMetric(float64(cpu()-used)/float64(time.Since(start))/sources*1e6, "µcores/source") // of both ends
	b.ReportMetric(float64(admitted)/float64(time.Millisecond)/sources, "ms/admission")
}

func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
