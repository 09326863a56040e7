package disk

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/fakes/disk/disktest"
)

func TestContract(t *testing.T) {
	disktest.Run(t, func(t *testing.T) env.Disk { return newDisk(t, 0).Mount() })
}

func TestContractOfTheSystemsDisk(t *testing.T) {
	disktest.Run(t, func(t *testing.T) env.Disk { return env.OSDisk(filepath.Join(t.TempDir(), "root")) })
}

func newDisk(t testing.TB, capacity int64) *Disk {
	t.Helper()
	d, err := New(Config{Capacity: capacity})
	require.NoError(t, err)
	return d
}

func create(t testing.TB, d env.Disk, name string) env.File {
	t.Helper()
	f, err := d.OpenFile(name, os.O_CREATE|os.O_RDWR)
	require.NoError(t, err)
	return f
}

func write(t testing.TB, w io.Writer, text string) {
	t.Helper()
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
}

// files is everything on a disk: contents by name, directories with a slash.
func files(t testing.TB, d env.Disk, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := d.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		name := filepath.ToSlash(filepath.Join(dir, e.Name()))
		if e.IsDir() {
			all[name+"/"] = ""
			for k, v := range files(t, d, name) {
				all[k] = v
			}
			continue
		}
		f, err := d.OpenFile(name, os.O_RDONLY)
		require.NoError(t, err)
		b, err := io.ReadAll(f)
		require.NoError(t, err)
		all[name] = string(b)
	}
	return all
}

func TestNewRefusesNegativeCapacity(t *testing.T) {
	_, err := New(Config{Capacity: -1})
	require.ErrorContains(t, err, "capacity")
}

// TestPowerCut: what survives is what was synced, content and names each for itself.
func TestPowerCut(t *testing.T) {
	type all = map[string]string
	for name, c := range map[string]struct {
		do   func(*testing.T, *Mounted)
		want all
	}{
		"nothing synced": {func(t *testing.T, m *Mounted) { write(t, create(t, m, "a"), "x") }, all{}},
		"name not synced": {func(t *testing.T, m *Mounted) {
			f := create(t, m, "a")
			write(t, f, "x")
			require.NoError(t, f.Sync())
		}, all{}},
		"content not synced": {func(t *testing.T, m *Mounted) {
			write(t, create(t, m, "a"), "x")
			require.NoError(t, m.SyncDir("."))
		}, all{"a": ""}},
		"all synced, then more": {func(t *testing.T, m *Mounted) {
			f := create(t, m, "a")
			write(t, f, "kept")
			require.NoError(t, f.Sync())
			require.NoError(t, m.SyncDir("."))
			write(t, f, "lost")
		}, all{"a": "kept"}},
		"directory not synced": {func(t *testing.T, m *Mounted) {
			require.NoError(t, m.MkdirAll("d"))
			create(t, m, "d/a")
			require.NoError(t, m.SyncDir("d"))
		}, all{}},
		"directory synced, its file not": {func(t *testing.T, m *Mounted) {
			require.NoError(t, m.MkdirAll("d"))
			require.NoError(t, m.SyncDir("."))
			create(t, m, "d/a")
		}, all{"d/": ""}},
		"overwritten, cut off and written anew": {func(t *testing.T, m *Mounted) {
			f := create(t, m, "a")
			write(t, f, "0123456789")
			require.NoError(t, f.Sync())
			require.NoError(t, m.SyncDir("."))
			write(t, create(t, m, "a"), "abc")
			require.NoError(t, f.Truncate(2))
			write(t, f, "zzzzzzzzzzzzzzzzzz")
			require.NoError(t, f.Truncate(1))
		}, all{"a": "0123456789"}},
		"cut off and synced": {func(t *testing.T, m *Mounted) {
			f := create(t, m, "a")
			write(t, f, "0123456789")
			require.NoError(t, f.Sync())
			require.NoError(t, m.SyncDir("."))
			require.NoError(t, f.Truncate(2))
			require.NoError(t, f.Sync())
		}, all{"a": "01"}},
		"renamed and removed": {func(t *testing.T, m *Mounted) {
			for _, name := range []string{"a", "b", "c"} {
				f := create(t, m, name)
				write(t, f, name)
				require.NoError(t, f.Sync())
			}
			require.NoError(t, m.SyncDir("."))
			require.NoError(t, m.Rename("a", "b"))
			require.NoError(t, m.Remove("c"))
		}, all{"a": "a", "b": "b", "c": "c"}},
		"renamed and synced": {func(t *testing.T, m *Mounted) {
			f := create(t, m, "a")
			write(t, f, "x")
			require.NoError(t, f.Sync())
			require.NoError(t, m.Rename("a", "b"))
			require.NoError(t, m.SyncDir("."))
		}, all{"b": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t, 0)
			c.do(t, d.Mount())
			d.PowerCut()
			require.Equal(t, c.want, files(t, d.Mount(), "."))
			free, total, err := d.Mount().Free()
			require.NoError(t, err)
			used := int64(0)
			for _, text := range c.want {
				used += int64(len(text))
			}
			require.Equal(t, used, total-free)
		})
	}
}

func TestTornPowerCutKeepsPrefixes(t *testing.T) {
	sizes, gone := map[int]bool{}, 0
	for seed := range uint64(200) {
		d := newDisk(t, 0)
		m := d.Mount()
		f := create(t, m, "a")
		write(t, f, "01")
		require.NoError(t, f.Sync())
		write(t, f, "234")
		if seed%2 == 0 {
			require.NoError(t, m.SyncDir("."))
		}
		d.PowerCutTorn(rand.New(rand.NewPCG(seed, 0)))
		got, ok := files(t, d.Mount(), ".")["a"]
		if !ok {
			require.NotZero(t, seed%2, "a synced name went away")
			gone++
			continue
		}
		require.Equal(t, "01234"[:len(got)], got)
		sizes[len(got)] = true
	}
	require.Equal(t, map[int]bool{2: true, 3: true, 4: true, 5: true}, sizes)
	require.Greater(t, gone, 20)
	require.Less(t, gone, 80)
}

func TestUnmountEndsHandles(t *testing.T) {
	d := newDisk(t, 0)
	old, other := d.Mount(), d.Mount()
	f := create(t, old, "a")
	write(t, f, "x")
	old.Unmount()
	old.Unmount()
	_, err := f.Write([]byte("y"))
	require.ErrorIs(t, err, ErrUnmounted)
	require.ErrorIs(t, f.Sync(), ErrUnmounted)
	require.ErrorIs(t, old.Remove("a"), ErrUnmounted)
	require.NoError(t, f.Close())
	require.Equal(t, map[string]string{"a": "x"}, files(t, other, "."))
	d.Crash()
	_, err = other.ReadDir(".")
	require.ErrorIs(t, err, ErrUnmounted)
	require.Equal(t, map[string]string{"a": "x"}, files(t, d.Mount(), "."), "a crash loses nothing")
}

func TestMountFor(t *testing.T) {
	steps := func(m *Mounted) error {
		f, err := m.OpenFile("a", os.O_CREATE|os.O_WRONLY)
		if err != nil {
			return err
		}
		if _, err := f.Write([]byte("abcd")); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		return m.SyncDir(".")
	}
	for n, want := range []map[string]string{{}, {}, {"a": "ab"}, {"a": "abcd"}, {"a": "abcd"}} {
		if n == 0 {
			continue
		}
		d := newDisk(t, 0)
		m := d.MountFor(n)
		require.ErrorIs(t, steps(m), ErrUnmounted)
		require.Equal(t, n, m.Changes())
		require.Equal(t, want, files(t, d.Mount(), "."))
	}
	m := newDisk(t, 0).MountFor(5)
	require.NoError(t, steps(m))
	require.Equal(t, 4, m.Changes())
}

func TestFull(t *testing.T) {
	d := newDisk(t, 10)
	m := d.Mount()
	f := create(t, m, "a")
	n, err := f.Write([]byte("0123456789ab"))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, 10, n, "what fits is written")
	free, total, err := m.Free()
	require.NoError(t, err)
	require.Equal(t, []int64{0, 10}, []int64{free, total})
	require.NoError(t, f.Truncate(4))
	write(t, f, "") // the offset is still 10
	_, err = f.Write([]byte("x"))
	require.ErrorIs(t, err, syscall.ENOSPC, "the hole counts")
	require.NoError(t, m.Remove("a"))
	free, _, err = m.Free()
	require.NoError(t, err)
	require.EqualValues(t, 10, free)

	d.SetFull(true)
	_, err = m.OpenFile("b", os.O_CREATE|os.O_WRONLY)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorIs(t, m.MkdirAll("d"), syscall.ENOSPC)
	free, _, err = m.Free()
	require.NoError(t, err)
	require.Zero(t, free)
	d.SetFull(false)
	write(t, create(t, m, "b"), "0123456789")
}

// TestRemovedFilesTakeNoRoom, not even when they are still written to; after a power cut
// that brings them back they do.
func TestRemovedFilesTakeNoRoom(t *testing.T) {
	d := newDisk(t, 100)
	m := d.Mount()
	used := func() int64 {
		free, total, err := d.Mount().Free()
		require.NoError(t, err)
		return total - free
	}
	f := create(t, m, "a")
	write(t, f, "0123456789")
	require.NoError(t, f.Sync())
	require.NoError(t, m.SyncDir("."))
	require.EqualValues(t, 10, used())
	require.NoError(t, m.Remove("a"))
	write(t, f, "more")
	require.NoError(t, f.Truncate(3))
	require.Zero(t, used())
	d.PowerCut()
	require.EqualValues(t, 10, used())
	again, err := d.Mount().OpenFile("a", os.O_APPEND|os.O_WRONLY)
	require.NoError(t, err)
	write(t, again, "abc")
	require.EqualValues(t, 13, used())
}

// TestErrorPoisons: after a failed sync a later one says yes and keeps nothing.
func TestErrorPoisons(t *testing.T) {
	d := newDisk(t, 0)
	m := d.Mount()
	f, whole := create(t, m, "a"), create(t, m, "b")
	require.NoError(t, m.SyncDir("."))
	write(t, f, "kept")
	write(t, whole, "kept")
	require.NoError(t, f.Sync())
	require.NoError(t, whole.Sync())
	write(t, f, "lost")
	d.SetError(syscall.EIO)
	_, err := f.Write([]byte("x"))
	require.ErrorIs(t, err, syscall.EIO)
	require.ErrorIs(t, f.Sync(), syscall.EIO)
	require.ErrorIs(t, whole.Sync(), syscall.EIO)
	_, err = m.ReadDir(".")
	require.ErrorIs(t, err, syscall.EIO)
	d.SetError(nil)
	write(t, f, "lost too")
	write(t, whole, " and more")
	require.NoError(t, f.Sync())
	require.NoError(t, whole.Sync())
	d.PowerCut()
	require.Equal(t, map[string]string{"a": "kept", "b": "kept and more"}, files(t, d.Mount(), "."))
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 0)
		m := d.Mount()
		f := create(t, m, "a")
		d.SetDelay(5 * time.Second)
		start := time.Now()
		ended := make(chan time.Duration, 3)
		for range 3 {
			go func() {
				_, _ = f.Write([]byte("x"))
				ended <- time.Since(start)
			}()
		}
		// A slow disk does not hold up who only asks how it is.
		time.Sleep(time.Second)
		d.SetDelay(0)
		require.Equal(t, time.Second, time.Since(start))
		seen := map[time.Duration]bool{}
		for range 3 {
			took := <-ended
			seen[took] = true
			require.Equal(t, 5*time.Second, took.Truncate(time.Millisecond))
		}
		require.Len(t, seen, 3, "no two end at the same instant")
		require.Equal(t, map[string]string{"a": "xxx"}, files(t, m, "."))
	})
}

func TestUnmountWakesSlowOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 0)
		m := d.Mount()
		f := create(t, m, "a")
		d.SetDelay(time.Hour)
		start := time.Now()
		ended := make(chan error, 1)
		go func() {
			_, err := f.Write([]byte("x"))
			ended <- err
		}()
		time.Sleep(time.Second)
		m.Unmount()
		require.ErrorIs(t, <-ended, ErrUnmounted)
		require.Equal(t, time.Second, time.Since(start))
		d.SetDelay(0)
		require.Equal(t, map[string]string{"a": ""}, files(t, d.Mount(), "."))
	})
}

// BenchmarkAppend shows that the cost of a write does not grow with the file.
func BenchmarkAppend(b *testing.B) {
	f := create(b, newDisk(b, 0).Mount(), "a")
	p := make([]byte, 1000)
	b.SetBytes(1000)
	for b.Loop() {
		_, _ = f.Write(p)
		_ = f.Sync()
	}
}
