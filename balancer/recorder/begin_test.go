package recorder_test

import (
	"path"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/balancer/recorder/manifest"
)

// stumbling is a disk that fails once to make a name or a manifest durable.
type stumbling struct {
	env.Disk
	name  string // of a directory, or manifest.File
	fails *atomic.Bool
}

func (d stumbling) SyncDir(dir string) error {
	if dir == d.name && d.fails.Swap(false) {
		return syscall.EIO
	}
	return d.Disk.SyncDir(dir)
}

func (d stumbling) OpenFile(name string, flag int) (env.File, error) {
	f, err := d.Disk.OpenFile(name, flag)
	if err != nil || path.Base(name) != d.name {
		return f, err
	}
	return stumblingFile{f, d.fails}, nil
}

type stumblingFile struct {
	env.File
	fails *atomic.Bool
}

func (f stumblingFile) Sync() error {
	if f.fails.Swap(false) {
		return syscall.EIO
	}
	return f.File.Sync()
}

// TestShowThatCouldNotBegin is none here: nobody waits for its end, a restart does not
// hold its mount, and when it comes back it is as durable as any other.
func TestShowThatCouldNotBegin(t *testing.T) {
	for _, name := range []string{manifest.File, "s1", "."} {
		for after, then := range map[string]func(t *testing.T, g *rig){
			"its end is not waited for": func(t *testing.T, g *rig) {
				_, body := g.admin("GET", "/holdings?session=s1")
				require.Contains(t, body, `"over":true`)
			},
			"a restart does not hold it": func(t *testing.T, g *rig) {
				g.kill()
				g.start()
				status, _ := g.get("/sessions?mount=/show")
				require.Equal(t, 404, status)
			},
			"it comes back": func(t *testing.T, g *rig) {
				time.Sleep(20 * time.Second) // the disk is trusted again
				l := g.onAir(show("s1", 2))
				l.play(5 * time.Second)
				sent := l.next
				time.Sleep(time.Second)
				g.powerCut()
				g.start()
				require.Equal(t, upTo(sent), numbers(t, g.segments("s1")))
				g.requireSealed("s1")
			},
		} {
			t.Run(name+"/"+after, func(t *testing.T) {
				inBubble(t, func(t *testing.T, g *rig) {
					var fails atomic.Bool
					g.wraps = func(d env.Disk) env.Disk { return stumbling{d, name, &fails} }
					g.start()
					fails.Store(true)
					g.refused(show("s1", 1), 507)
					require.False(t, fails.Load())
					then(t, g)
				})
			})
		}
	}
}
