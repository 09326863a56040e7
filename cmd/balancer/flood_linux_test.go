package main

import (
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	hostile = 10_000 // connections
	honest  = 200    // sources
)

// flooding is what a flood did to those who are honest.
type flooding struct {
	before, during time.Duration // admission, the slowest of a hundred
	grown          int           // memory, KiB
}

// flood has honest sources go on air, and again while hostile connections are there.
func flood(t testing.TB) flooding {
	t.Helper()
	var files syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files))
	if need := uint64(hostile + 4*honest + 1000); files.Cur < need {
		t.Skipf("it needs %d files open, and the limit is %d", need, files.Cur)
	}
	m := measure(t, "")
	warm, _ := m.putAll("warm", honest)
	closeAll(warm)
	conns, took := m.putAll("before", honest)
	memory := m.memory()
	stop := make(chan struct{})
	var attack sync.WaitGroup
	begun := make(chan struct{})
	attack.Go(func() { m.attack(begun, stop) })
	<-begun
	more, slowed := m.putAll("during", honest)
	f := flooding{before: p99(took), during: p99(slowed), grown: m.memory() - memory}
	close(stop)
	attack.Wait()
	closeAll(append(conns, more...))
	return f
}

func p99(sorted []time.Duration) time.Duration { return sorted[len(sorted)*99/100] }

// openings are what hostile clients begin with.
func openings() []string {
	return []string{
		"PUT /slow HTTP/1.1\r\nX-Slow: ", // and then a byte now and then
		"",
		"\x16\x03\x01\x02\x00\x01\x00", // a handshake that goes no further
		"\x80\x00\x01garbage\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"SOURCE /guess HTTP/1.0\r\nAuthorization: Basic YW5uYTpndWVzcw==\r\n\r\n",
	}
}

// attack opens hostile connections, tells when all have been, and goes round them
// until stop: each sends one more byte, and who was thrown out comes back.
func (m *measured) attack(begun, stop chan struct{}) {
	conns := make([]net.Conn, hostile)
	defer func() { closeAll(conns) }()
	dialer := net.Dialer{Timeout: 10 * time.Second}
	open := func(i int) {
		conn, err := dialer.Dial("tcp", m.ingest)
		if err != nil {
			conn, _ = net.Pipe() // the next round tries again
			_ = conn.Close()
		}
		conns[i] = conn
		_, _ = conn.Write([]byte(openings()[i%len(openings())]))
	}
	for i := range conns {
		open(i)
	}
	close(begun)
	for i := 0; ; i = (i + 1) % hostile {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
		if _, err := conns[i].Write([]byte{'x'}); err != nil {
			_ = conns[i].Close()
			open(i)
		}
	}
}

// TestFloodKeepsNobodyOut: slow and garbage connections cost bounded memory, and keep
// no honest source off the air.
func TestFloodKeepsNobodyOut(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("it opens 10,000 connections, and the race detector would be what is measured")
	}
	f := flood(t)
	t.Logf("admission p99 %v, during the flood %v; memory grown by %d KiB", f.before, f.during, f.grown)
	const perHead, heads = 40, 1024 // KiB; buffer, stack and what is garbage, of those whose heads are awaited
	require.Less(t, f.grown, heads*perHead+honest*32)
	require.Less(t, f.during, 3*time.Second, "what a PUT is given")
}

// BenchmarkFlood measures how much longer an admission takes during a flood.
func BenchmarkFlood(b *testing.B) {
	var sum flooding
	for range b.N {
		f := flood(b)
		sum.before += f.before
		sum.during += f.during
		sum.grown += f.grown
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(b.N) }
	b.ReportMetric(ms(sum.before), "ms-p99-before")
	b.ReportMetric(ms(sum.during), "ms-p99-during")
	b.ReportMetric(float64(sum.during)/float64(sum.before), "times")
	b.ReportMetric(float64(sum.grown)/float64(b.N), "KiB-grown")
}
