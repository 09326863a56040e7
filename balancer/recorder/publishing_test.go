package recorder_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder"
	"deadair/balancer/recorder/objects"
	"deadair/fakes/disk"
)

// deadStore is a store of which nothing is heard.
type deadStore struct{ objects.Store }

func (deadStore) Get(ctx context.Context, _ string) ([]byte, objects.Info, error) {
	select {
	case <-time.After(30 * time.Second):
		return nil, objects.Info{}, os.ErrDeadlineExceeded
	case <-ctx.Done():
		return nil, objects.Info{}, ctx.Err()
	}
}

// TestDeadStoreLeavesIngestAlone: shows that wait for a store change nothing for those
// on air and those that begin, until they fill the disk; and none is given up for room.
func TestDeadStoreLeavesIngestAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, g *rig) {
		const capacity = 1_000_000
		d, err := disk.New(disk.Config{Capacity: capacity})
		require.NoError(t, err)
		g.disk, g.parts.Store = d, deadStore{}
		g.cfg.Window, g.cfg.Keep = time.Second, time.Second
		g.start()
		m := d.Mount()
		defer m.Unmount()
		over := 0
		for ; ; over++ {
			free, _, err := m.Free()
			require.NoError(t, err)
			if free < capacity*156/1000 {
				break
			}
			began := time.Now()
			l := g.onAir(ask{mount: fmt.Sprintf("/%d", over), session: fmt.Sprintf("s%d", over), account: "anna", epoch: 1})
			require.Zero(t, time.Since(began), "the store is waited for")
			require.Equal(t, "ok", g.status())
			l.send(60)
			l.hangUp()
			time.Sleep(6 * time.Second) // it is over
		}
		require.Greater(t, over, 20)
		l := g.onAir(ask{mount: "/live", session: "live", account: "anna", epoch: 1})
		l.send(120) // across the watermark
		time.Sleep(6 * time.Second)
		require.Equal(t, "full", g.status())
		g.refused(ask{mount: "/new", session: "new", account: "anna", epoch: 1}, 507)
		l.send(30)
		require.Equal(t, upTo(150), numbers(t, g.segments("live")), "who is on air stays")
		l.hangUp()
		_, h := g.get("/health")
		require.EqualValues(t, over, h["waiting"])
		for n := range over {
			require.Equal(t, upTo(60), numbers(t, g.segments(fmt.Sprintf("s%d", n))))
		}
	})
}

// BenchmarkPublishing measures what recording notices of publishing: 500 sources record
// for twenty seconds while 50 shows of a minute each end at once and are published into a
// directory, and nobody's. Its metrics are the point, not its time per operation.
func BenchmarkPublishing(b *testing.B) {
	for _, store := range []string{"", "tracks"} {
		b.Run("store="+store, func(b *testing.B) {
			const sources, ending, length = 500, 50, 20 * time.Second
			addr, dir, _ := onSystem(b, recorder.Config{Capacity: sources + ending + 1000, Window: time.Second, Store: store, PublishInterval: time.Second})
			one := make([]byte, 417)
			copy(one, []byte{0xFF, 0xFB, 0x90, 0x00})
			chunk := bytes.Repeat(one, 8) // a fifth of a second of 128 kbit/s
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
				_ = put(b, addr, fmt.Sprintf("new-%d", n), 1) // it stays: it is no show that ends
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
