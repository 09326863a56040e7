package child

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/fakes/disk"
)

// TestWatchedDisk: what a disk takes is told where it is long, at once when it gets worse, and
// once a second while it stays so.
func TestWatchedDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []time.Duration
		ill := new(disk.Trouble)
		below, err := disk.New(disk.Config{})
		require.NoError(t, err)
		d := watchedDisk{ill.On(below.Mount()), &slowness{tell: func(took time.Duration) { told = append(told, took.Round(time.Millisecond)) }}}
		slow := func(by time.Duration) {
			f, err := disk.FaultOf("slow", by)
			require.NoError(t, err)
			ill.Set(f)
		}
		slow(slowDisk - time.Millisecond)
		f, err := d.OpenFile("a", os.O_CREATE|os.O_WRONLY)
		require.NoError(t, err)
		require.NoError(t, f.Sync())
		require.Empty(t, told)

		for name, do := range map[string]func() error{
			"open":  func() error { _, err := d.OpenFile("b", os.O_CREATE|os.O_WRONLY); return err },
			"write": func() error { _, err := f.Write([]byte("x")); return err },
			"sync":  f.Sync, "syncdir": func() error { return d.SyncDir(".") }, "rename": func() error { return d.Rename("a", "a") },
		} {
			told = nil
			time.Sleep(slowEvery)
			for _, by := range []time.Duration{2 * slowDisk, slowDisk, 3 * slowDisk} {
				slow(by)
				require.NoError(t, do(), name)
			}
			require.Equal(t, []time.Duration{2 * slowDisk, 3 * slowDisk}, told, name)
		}
	})
}
