package disk

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/fakes/disk/disktest"
)

func TestNoTroubleIsTheDiskItself(t *testing.T) {
	disktest.Run(t, func(t *testing.T) env.Disk { return new(Trouble).On(newDisk(t, 0).Mount()) })
}

func TestTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []int
		trouble := &Trouble{}
		trouble.Tell(func(hits int) { told = append(told, hits) })
		d := trouble.On(newDisk(t, 0).Mount())
		f := create(t, d, "a")
		write(t, f, "abc")
		require.Zero(t, trouble.Hits())

		trouble.Set(Fault{Full: true})
		_, err := f.Write([]byte("x"))
		require.ErrorIs(t, err, syscall.ENOSPC)
		_, err = d.OpenFile("b", os.O_CREATE|os.O_WRONLY)
		require.ErrorIs(t, err, syscall.ENOSPC)
		_, err = d.OpenFile("a", os.O_CREATE|os.O_WRONLY)
		require.NoError(t, err, "it is there")
		require.ErrorIs(t, d.MkdirAll("dir"), syscall.ENOSPC)
		require.NoError(t, f.Sync())
		free, total, err := d.Free()
		require.NoError(t, err)
		require.Zero(t, free)
		require.Positive(t, total)
		require.Equal(t, 3, trouble.Hits())
		require.Equal(t, []int{1, 2}, told)

		trouble.Set(Fault{Error: true})
		require.ErrorIs(t, f.Sync(), syscall.EIO)
		_, err = d.ReadDir(".")
		require.ErrorIs(t, err, syscall.EIO)
		require.Equal(t, 2, trouble.Hits())

		trouble.Set(Fault{Delay: time.Second})
		began := time.Now()
		write(t, f, "y")
		require.Equal(t, time.Second, time.Since(began).Truncate(time.Millisecond))
		trouble.Set(Fault{})
		write(t, f, "z")
		require.Zero(t, trouble.Hits())
	})
}
