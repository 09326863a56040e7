package loopback

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
)

// BenchmarkNodes starts 16 nodes at once, as a stack does, and closes the world.
func BenchmarkNodes(b *testing.B) {
	const nodes = 16
	var up, down, memory float64
	for range b.N {
		w, state := openMany(b, nodes)
		began := time.Now()
		var all sync.WaitGroup
		for i := range nodes {
			all.Go(func() {
				if err := w.Start(b.Context(), numbered(w, i, nodes)); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
		up += time.Since(began).Seconds() * 1000
		started, err := pids(state)
		require.NoError(b, err)
		for _, pid := range started {
			memory += resident(b, pid) / nodes
		}
		began = time.Now()
		require.NoError(b, w.Close())
		down += time.Since(began).Seconds() * 1000
	}
	b.ReportMetric(up/float64(b.N), "ms-up")
	b.ReportMetric(down/float64(b.N), "ms-down")
	b.ReportMetric(memory/float64(b.N), "MiB/node")
}

// numbered is a relay that may dial all others: 15 links.
func numbered(w *World, i, nodes int) world.Node {
	n := world.Node{Name: strconv.Itoa(i), Kind: "relay", Ports: []int{8000}, Config: []byte(`""`)}
	for j := range nodes {
		if j != i {
			n.Dials = append(n.Dials, netip.AddrPortFrom(w.Addr(strconv.Itoa(j)), 8000).String())
		}
	}
	return n
}

func openMany(b *testing.B, hosts int) (w *World, state string) {
	cfg := Config{Kinds: kinds(), Dir: b.TempDir(), State: b.TempDir()}
	for i := range hosts {
		cfg.Hosts = append(cfg.Hosts, world.Host{Name: strconv.Itoa(i)})
	}
	w, err := Open(cfg)
	require.NoError(b, err)
	return w, cfg.State
}

// resident is what a process has in memory, MiB.
func resident(b *testing.B, pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		b.Skip("only Linux tells")
	}
	pages, err := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
	require.NoError(b, err)
	return pages * float64(os.Getpagesize()) / (1 << 20)
}

// BenchmarkHops is a line to an echo and back, through one link and through two with a node between.
func BenchmarkHops(b *testing.B) {
	w, _ := openMany(b, 3)
	defer w.Close()
	far := netip.AddrPortFrom(w.Addr("1"), 8000).String()
	require.NoError(b, w.Start(b.Context(), world.Node{Name: "1", Kind: "echo", Ports: []int{8000}}))
	require.NoError(b, w.Start(b.Context(), world.Node{
		Name: "2", Kind: "relay", Ports: []int{8000}, Dials: []string{far}, Config: []byte(strconv.Quote(far)),
	}))
	for _, host := range []string{"1", "2"} {
		b.Run("to "+host, func(b *testing.B) {
			c, err := w.Env("0").DialContext(b.Context(), "tcp", netip.AddrPortFrom(w.Addr(host), 8000).String())
			require.NoError(b, err)
			defer c.Close()
			line := []byte("what is this?\n")
			for b.Loop() {
				c.Write(line)
				io.ReadFull(c, line)
			}
		})
	}
}
