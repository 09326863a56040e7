package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"deadair/balancer/icecast"
)

// measured is a balancer in a process of its own, so that its costs can be told from
// those of its sources and its recorder.
type measured struct {
	t      testing.TB
	pid    int
	ingest string
}

// measure starts a balancer between a recorder that takes everything and an index.
func measure(t testing.TB, settings string) *measured {
	t.Helper()
	recorder, ingest, admin := recordAnything(t), freeAddr(t), freeAddr(t)
	path := filepath.Join(t.TempDir(), "balancer.yaml")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `
datacenter: eu
listen: %s
admin: %s
shoutcast: none
redis: %s
accounts: {anna: secret}
max-per-account: 4096
recorders: [{name: r, datacenter: eu, addr: %q, admin: %q}]
%s`, ingest, admin, miniredis.RunT(t).Addr(), recorder, recorder, settings), 0o600))
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-config", path)
	cmd.Env = append(os.Environ(), child+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	require.Eventually(t, func() bool {
		answer, err := client.Get("http://" + admin + "/health")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, 30*time.Second, 20*time.Millisecond, "it does not become healthy")
	return &measured{t, cmd.Process.Pid, ingest}
}

// freeAddr is an address that nobody listens on.
func freeAddr(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// recordAnything is a recorder that takes every source and keeps nothing.
func recordAnything(t testing.TB) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	var conns sync.Map
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Store(conn, true)
			all.Go(func() {
				defer conns.Delete(conn)
				defer conn.Close()
				recordOne(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		conns.Range(func(conn, _ any) bool { return conn.(net.Conn).Close() == nil })
		all.Wait()
	})
	return l.Addr().String()
}

func recordOne(conn net.Conn) {
	for {
		head, err := icecast.ReadHead(conn)
		if err != nil {
			return
		}
		switch head.Path() {
		case "/health":
			_ = icecast.Answer(conn, 200, nil, []byte(`{"status":"ok","capacity":100000}`))
		case "/sessions":
			_ = icecast.Answer(conn, 200, nil, fmt.Appendf(nil, `{"mount":%q,"account":"anna","live":true}`, head.Query().Get("mount")))
		default:
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn)
			return
		}
	}
}

// putHead is what a source of a mount says.
const putHead = "PUT %s HTTP/1.1\r\nAuthorization: Basic YW5uYTpzZWNyZXQ=\r\nContent-Type: audio/mpeg\r\n\r\n"

// put puts a source on air and tells how long that took.
func (m *measured) put(mount string) (net.Conn, time.Duration) {
	began := time.Now()
	conn, err := net.Dial("tcp", m.ingest)
	require.NoError(m.t, err)
	_, err = fmt.Fprintf(conn, putHead, mount)
	require.NoError(m.t, err)
	reply, err := icecast.ReadReply(conn)
	require.NoError(m.t, err, "after %v", time.Since(began))
	require.Equal(m.t, 200, reply.Status)
	return conn, time.Since(began)
}

// putAll puts sources on air, some at a time, and tells how long each took.
func (m *measured) putAll(name string, n int) (conns []net.Conn, took []time.Duration) {
	const atOnce = 8
	conns, took = make([]net.Conn, n), make([]time.Duration, n)
	turns := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			conns[i], took[i] = m.put(fmt.Sprintf("/%s-%d", name, i))
		})
	}
	all.Wait()
	slices.Sort(took)
	return conns, took
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

// cpu is how long the process has computed.
func (m *measured) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.pid))
	require.NoError(m.t, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')'):]))
	ticks := 0
	for _, f := range fields[12:14] { // in the kernel and out of it
		n, err := strconv.Atoi(f)
		require.NoError(m.t, err)
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100)
}

// memory is the process' share of memory, in KiB.
func (m *measured) memory() int {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", m.pid))
	require.NoError(m.t, err)
	_, rest, ok := strings.Cut(string(rollup), "\nPss:")
	require.True(m.t, ok)
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(m.t, err)
	return kib
}

func (m *measured) descriptors() int {
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", m.pid))
	require.NoError(m.t, err)
	return len(all)
}

// BenchmarkRelay carries sources of 16 kB/s that send ten times a second. One
// operation is a second of all of them.
func BenchmarkRelay(b *testing.B) {
	const sources, rate, perSecond = 500, 16_000, 10
	for name, batch := range map[string]string{"500ms": "500ms", "200ms": "200ms", "at-once": "-1ns"} {
		b.Run(name, func(b *testing.B) {
			m := measure(b, "batch: "+batch)
			memory, descriptors := m.memory(), m.descriptors()
			conns, _ := m.putAll("show", sources)
			defer closeAll(conns)
			chunk := make([]byte, rate/perSecond)
			second := func() {
				const slots = 100 // of a second
				for slot := range slots {
					due := time.Now().Add(time.Second / slots)
					for i := slot % (slots / perSecond); i < sources; i += slots / perSecond {
						_, err := conns[i].Write(chunk)
						require.NoError(b, err)
					}
					time.Sleep(time.Until(due))
				}
			}
			second()
			memory, descriptors = m.memory()-memory, m.descriptors()-descriptors
			used, began := m.cpu(), time.Now()
			for b.Loop() {
				second()
			}
			b.ReportMetric(float64(memory)/sources, "KiB/source")
			b.ReportMetric(float64(descriptors)/sources, "fds/source")
			b.ReportMetric(float64(m.cpu()-used)/float64(time.Since(began))/sources*1e6, "µcores/source")
		})
	}
}

// BenchmarkAdmission puts one source on air after another.
func BenchmarkAdmission(b *testing.B) {
	m := measure(b, "")
	used, n := m.cpu(), 0
	for b.Loop() {
		conn, _ := m.put(fmt.Sprintf("/show-%d", n%1000))
		_ = conn.Close()
		n++
	}
	b.ReportMetric(float64((m.cpu()-used).Microseconds())/float64(n), "cpu-µs/op")
}

// BenchmarkReturn drops many sources at once and measures how long it takes until all of
// them, who come back at once, are on air again. Who is not answered tries again.
func BenchmarkReturn(b *testing.B) {
	const sources = 2000
	m := measure(b, "")
	conns, _ := m.putAll("show", sources)
	used, took := m.cpu(), time.Duration(0)
	var tries atomic.Int64
	for b.Loop() {
		closeAll(conns)
		began := time.Now()
		var all sync.WaitGroup
		for i := range conns {
			all.Go(func() {
				for conns[i] = nil; conns[i] == nil; tries.Add(1) {
					conns[i] = m.tryPut(fmt.Sprintf("/show-%d", i))
				}
			})
		}
		all.Wait()
		took += time.Since(began)
	}
	closeAll(conns)
	b.ReportMetric(took.Seconds()/float64(b.N), "s-until-all-are-back")
	b.ReportMetric(float64((m.cpu()-used).Microseconds())/float64(b.N)/sources, "cpu-µs/source")
	b.ReportMetric(float64(tries.Load())/float64(b.N)/sources, "tries/source")
}

// tryPut is put, or nil if the source was not put on air.
func (m *measured) tryPut(mount string) net.Conn {
	conn, err := net.Dial("tcp", m.ingest)
	if err != nil {
		return nil
	}
	_, _ = fmt.Fprintf(conn, putHead, mount)
	if reply, err := icecast.ReadReply(conn); err != nil || reply.Status != 200 {
		_ = conn.Close()
		return nil
	}
	return conn
}
