package link

import (
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
)

// roads are the ways from a client to a server whose costs are compared.
func roads() map[string]func(*bench) (client, server net.Conn) {
	return map[string]func(*bench) (net.Conn, net.Conn){
		"direct": func(b *bench) (net.Conn, net.Conn) {
			c, err := net.Dial("tcp", b.ln.Addr().String())
			require.NoError(b.t, err)
			b.t.Cleanup(func() { c.Close() })
			return c, b.accept()
		},
		"link": func(b *bench) (net.Conn, net.Conn) { return b.pair() },
		"toxics": func(b *bench) (net.Conn, net.Conn) {
			if len(b.set.faults) == 0 {
				b.brk(world.LinkFault{Kind: throttle, Rate: 1 << 40})
			}
			return b.pair()
		},
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	for name, road := range roads() {
		b.Run(name, func(b *testing.B) {
			client, server := road(newBench(b))
			go io.Copy(server, server)
			p := make([]byte, 64)
			for b.Loop() {
				client.Write(p)
				io.ReadFull(client, p)
			}
		})
	}
}

func BenchmarkStream(b *testing.B) {
	for name, road := range roads() {
		b.Run(name, func(b *testing.B) {
			client, server := road(newBench(b))
			go io.Copy(io.Discard, server)
			p := make([]byte, 64<<10)
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				client.Write(p)
			}
		})
	}
}

// BenchmarkConnect is a connection, a byte each way and its end.
func BenchmarkConnect(b *testing.B) {
	s := newBench(b)
	b.ResetTimer()
	for range b.N {
		client := s.dial()
		server := s.accept()
		client.Close()
		server.Close()
	}
}

// BenchmarkIdle tells what connections cost that carry nothing.
func BenchmarkIdle(b *testing.B) {
	const conns = 500
	for name, road := range roads() {
		b.Run(name, func(b *testing.B) {
			s := newBench(b)
			before, routines := memory()
			for range conns {
				road(s)
			}
			after, more := memory()
			b.ReportMetric(float64(after-before)/conns/1024, "KiB/conn")
			b.ReportMetric(float64(more-routines)/conns, "goroutines/conn")
			cpu := cpuTime(b)
			time.Sleep(200 * time.Millisecond)
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(200*time.Millisecond)*1e6/conns, "µcores/conn")
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func memory() (bytes, goroutines int) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse), runtime.NumGoroutine()
}
