package recorder_test

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder"
)

// BenchmarkPublishing measures what recording notices of publishing: 500 sources record
// for twenty seconds while 50 shows of a minute each end at once and are published into a
// directory, and nobody's. Its metrics are the point, not its time per operation.
func BenchmarkPublishing(b *testing.B) {
	for _, store := range []string{"", "tracks"} {
		b.Run("store="+store, func(b *testing.B) {
			const sources, ending, length = 500, 50, 20 * time.Second
			addr, dir, _ := onSystem(b, recorder.Config{Capacity: sources + ending + 1000, Window: time.Second, Store: store, PublishInterval: time.Second})
			chunk := bytes.Repeat(frame(1), 3200/frameSize) // a fifth of a second
			conns := make([]net.Conn, sources)
			for i := range conns {
				conns[i] = put(b, addr, fmt.Sprintf("show-%d", i), 1)
			}
			for i := range ending {
				c := put(b, addr, fmt.Sprintf("ending-%d", i), 1)
				_, err := c.Write(bytes.Repeat(chunk, 300))
				require.NoError(b, err)
				_ = c.Close()
			}
			var took []time.Duration
			used, start := cpu(), time.Now()
			for n := 0; time.Since(start) < length; n++ {
				round := time.Now()
				for _, c := range conns {
					if _, err := c.Write(chunk); err != nil {
						b.Fatal(err)
					}
				}
				began := time.Now()
				_ = put(b, addr, fmt.Sprintf("new-%d", n), 1).Close()
				took = append(took, time.Since(began))
				time.Sleep(200*time.Millisecond - time.Since(round))
			}
			slices.Sort(took)
			b.ReportMetric(float64(cpu()-used)/float64(time.Since(start))/sources*1e6, "µcores/source") // of both ends
			b.ReportMetric(float64(took[len(took)*99/100])/float64(time.Millisecond), "ms/admission-p99")
			b.ReportMetric(float64(took[len(took)/2])/float64(time.Millisecond), "ms/admission-p50")
			if store != "" {
				published, err := filepath.Glob(filepath.Join(dir, store, "ending-*.mp3"))
				require.NoError(b, err)
				require.Len(b, published, ending)
			}
		})
	}
}
