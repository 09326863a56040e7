package env_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
)

func TestSystemTalksToItself(t *testing.T) {
	e := env.System("host", t.TempDir(), nil)
	l, err := e.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			c.Write([]byte("hello"))
			c.Close()
		}
	}()
	c, err := e.DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "hello", string(got))
}

func TestSystemPhaseStaysInsideTheInterval(t *testing.T) {
	e := env.System("host", "", nil)
	seen := map[time.Duration]bool{}
	for range 100 {
		p := e.Phase("loop", time.Second)
		require.GreaterOrEqual(t, p, time.Duration(0))
		require.Less(t, p, time.Second)
		seen[p] = true
	}
	require.Greater(t, len(seen), 90, "phases must differ")
	require.Zero(t, e.Phase("loop", 0))
}

func TestSystemRandIsUnpredictable(t *testing.T) {
	e := env.System("host", "", nil)
	require.NotEqual(t, e.Rand("session").Uint64(), e.Rand("session").Uint64())
}

func TestOSDiskKeepsFiles(t *testing.T) {
	d := env.OSDisk(t.TempDir() + "/not/yet")
	require.NoError(t, d.MkdirAll("a/b"))
	f, err := d.OpenFile("a/b/one", os.O_CREATE|os.O_RDWR|os.O_APPEND)
	require.NoError(t, err)
	_, err = f.Write([]byte("0123456789"))
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	require.NoError(t, f.Truncate(4))
	require.NoError(t, f.Close())
	require.NoError(t, d.Rename("a/b/one", "a/two"))
	require.NoError(t, d.SyncDir("a"))

	info, err := d.Stat("a/two")
	require.NoError(t, err)
	require.Equal(t, int64(4), info.Size())
	names, err := d.ReadDir("a")
	require.NoError(t, err)
	require.Len(t, names, 2)
	require.Equal(t, "b", names[0].Name())
	free, total, err := d.Free()
	require.NoError(t, err)
	require.Positive(t, free)
	require.GreaterOrEqual(t, total, free)
	require.NoError(t, d.Remove("a/two"))
	_, err = d.Stat("a/two")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestOSDiskMakesItsRoot(t *testing.T) {
	d := env.OSDisk(t.TempDir() + "/not/yet")
	f, err := d.OpenFile("one", os.O_CREATE|os.O_WRONLY)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestOSDiskRefusesToLeave(t *testing.T) {
	d := env.OSDisk(t.TempDir())
	for _, name := range []string{"../x", "a/../../x", "/etc/passwd", ""} {
		_, err := d.OpenFile(name, os.O_RDONLY)
		require.ErrorIs(t, err, fs.ErrInvalid, name)
		require.ErrorIs(t, d.Rename("a", name), fs.ErrInvalid, name)
		require.ErrorIs(t, d.Remove(name), fs.ErrInvalid, name)
		require.ErrorIs(t, d.MkdirAll(name), fs.ErrInvalid, name)
	}
}

func TestLockDirIsForOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	unlock, err := env.LockDir(dir)
	require.NoError(t, err)
	_, err = env.LockDir(dir)
	require.ErrorIs(t, err, env.ErrLocked)
	other, err := env.LockDir(filepath.Dir(dir))
	require.NoError(t, err)
	other()
	unlock()
	again, err := env.LockDir(dir)
	require.NoError(t, err)
	again()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)

	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err = env.LockDir(file)
	require.ErrorContains(t, err, "lock directory: ")
}

// TestOSDiskSyncsAll: where the system can, in one step; the disk's directory has to be there.
func TestOSDiskSyncsAll(t *testing.T) {
	dir := t.TempDir()
	d, ok := env.OSDisk(filepath.Join(dir, "disk")).(env.AllSyncer)
	require.True(t, ok)
	require.Error(t, d.SyncAll(), "there is no directory")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "disk"), 0o755))
	if runtime.GOOS != "linux" {
		require.ErrorIs(t, d.SyncAll(), errors.ErrUnsupported)
		return
	}
	require.NoError(t, d.SyncAll())
	require.NoError(t, d.SyncAll())
}
