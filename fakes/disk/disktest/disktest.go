// Package disktest is the contract of env.Disk as tests, for the disk of the
// operating system and for stand-ins alike. It does not test power cuts, faults or
// speed.
package disktest

import (
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
)

// Run runs the suite. Each call of newDisk gives an empty disk; its root need not
// exist before the first MkdirAll.
func Run(t *testing.T, newDisk func(t *testing.T) env.Disk) {
	for name, f := range map[string]func(*testing.T, env.Disk){
		"WriteAndRead":   writeAndRead,
		"Append":         appendTo,
		"Flags":          flags,
		"Truncate":       truncate,
		"TwoHandles":     twoHandles,
		"Large":          large,
		"Directories":    directories,
		"Rename":         rename,
		"Remove":         remove,
		"RemoveOpenFile": removeOpenFile,
		"Errors":         errorsOf,
		"InvalidNames":   invalidNames,
		"ClosedFile":     closedFile,
		"WrongWay":       wrongWay,
		"Free":           free,
	} {
		t.Run(name, func(t *testing.T) { f(t, newDisk(t)) })
	}
}

const create = os.O_CREATE | os.O_EXCL | os.O_RDWR

func open(t *testing.T, d env.Disk, name string, flag int) env.File {
	t.Helper()
	f, err := d.OpenFile(name, flag)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	n, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.Equal(t, len(text), n)
}

func content(t *testing.T, d env.Disk, name string) string {
	t.Helper()
	f := open(t, d, name, os.O_RDONLY)
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(b)
}

func names(t *testing.T, d env.Disk, dir string) (list []string) {
	t.Helper()
	entries, err := d.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		list = append(list, name)
	}
	return list
}

func writeAndRead(t *testing.T, d env.Disk) {
	f := open(t, d, "a", create)
	write(t, f, "on ")
	write(t, f, "air")
	require.NoError(t, f.Sync())
	require.NoError(t, d.SyncDir("."))
	fi, err := f.Stat()
	require.NoError(t, err)
	require.Equal(t, "a", fi.Name())
	require.EqualValues(t, 6, fi.Size())
	require.False(t, fi.IsDir())

	p := make([]byte, 3)
	n, err := f.ReadAt(p, 3)
	require.NoError(t, err)
	require.Equal(t, "air", string(p[:n]))
	n, err = f.ReadAt(p, 4)
	require.Equal(t, io.EOF, err)
	require.Equal(t, "ir", string(p[:n]))
	n, err = f.ReadAt(p, 100)
	require.Equal(t, io.EOF, err)
	require.Zero(t, n)
	n, err = f.Read(p)
	require.Equal(t, io.EOF, err, "the offset is behind what was written")
	require.Zero(t, n)
	require.NoError(t, f.Close())
	require.Equal(t, "on air", content(t, d, "a"))
}

func appendTo(t *testing.T, d env.Disk) {
	for _, text := range []string{"one ", "two ", "three"} {
		f := open(t, d, "a", os.O_CREATE|os.O_APPEND|os.O_WRONLY)
		write(t, f, text)
		require.NoError(t, f.Close())
	}
	require.Equal(t, "one two three", content(t, d, "a"))
}

func flags(t *testing.T, d env.Disk) {
	write(t, open(t, d, "a", create), "long text")
	_, err := d.OpenFile("a", create)
	require.ErrorIs(t, err, fs.ErrExist)
	write(t, open(t, d, "a", os.O_WRONLY), "LONG")
	require.Equal(t, "LONG text", content(t, d, "a"), "without O_TRUNC the rest stays")
	write(t, open(t, d, "a", os.O_WRONLY|os.O_TRUNC), "x")
	require.Equal(t, "x", content(t, d, "a"))
	open(t, d, "a", os.O_CREATE|os.O_RDWR)
	require.Equal(t, "x", content(t, d, "a"), "O_CREATE leaves what is there")
}

func truncate(t *testing.T, d env.Disk) {
	f := open(t, d, "a", os.O_CREATE|os.O_APPEND|os.O_RDWR)
	write(t, f, "0123456789")
	require.NoError(t, f.Truncate(4))
	require.Equal(t, "0123", content(t, d, "a"))
	write(t, f, "x")
	require.Equal(t, "0123x", content(t, d, "a"))
	require.NoError(t, f.Truncate(7))
	require.Equal(t, "0123x\x00\x00", content(t, d, "a"))
	require.NoError(t, f.Truncate(0))
	require.Empty(t, content(t, d, "a"))
	require.Error(t, f.Truncate(-1))
}

func twoHandles(t *testing.T, d env.Disk) {
	w := open(t, d, "a", create)
	r := open(t, d, "a", os.O_RDONLY)
	write(t, w, "first")
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "first", string(b))
	write(t, w, " second")
	b, err = io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, " second", string(b))
}

func large(t *testing.T, d env.Disk) {
	f := open(t, d, "a", create)
	var want strings.Builder
	for i := range 300 {
		text := strings.Repeat(string(rune('a'+i%26)), 997)
		want.WriteString(text)
		write(t, f, text)
	}
	require.Equal(t, want.String(), content(t, d, "a"))
	require.NoError(t, f.Truncate(200_000))
	require.Equal(t, want.String()[:200_000], content(t, d, "a"))
	p := make([]byte, 100_000)
	_, err := f.ReadAt(p, 65_000)
	require.NoError(t, err)
	require.Equal(t, want.String()[65_000:165_000], string(p))
}

func directories(t *testing.T, d env.Disk) {
	require.NoError(t, d.MkdirAll("."))
	require.Empty(t, names(t, d, "."))
	require.NoError(t, d.MkdirAll("b/c"))
	require.NoError(t, d.MkdirAll("b/c"), "again")
	require.NoError(t, d.MkdirAll("b/a"))
	open(t, d, "b/b", create)
	open(t, d, "z", create)
	require.Equal(t, []string{"b/", "z"}, names(t, d, "."))
	require.Equal(t, []string{"a/", "b", "c/"}, names(t, d, "b"))
	require.NoError(t, d.SyncDir("."))
	require.NoError(t, d.SyncDir("b"))
	fi, err := d.Stat("b/c")
	require.NoError(t, err)
	require.True(t, fi.IsDir())
	require.Equal(t, "c", fi.Name())
	require.Error(t, d.MkdirAll("z/y"), "a file is in the way")
}

func rename(t *testing.T, d env.Disk) {
	require.NoError(t, d.MkdirAll("dir"))
	write(t, open(t, d, "a", create), "new")
	write(t, open(t, d, "dir/b", create), "old")
	require.NoError(t, d.Rename("a", "dir/b"))
	require.Equal(t, "new", content(t, d, "dir/b"))
	require.Equal(t, []string{"dir/"}, names(t, d, "."))
	require.NoError(t, d.Rename("dir", "other"))
	require.Equal(t, "new", content(t, d, "other/b"))
	require.NoError(t, d.Rename("other/b", "other/b"))
	require.ErrorIs(t, d.Rename("nothing", "x"), fs.ErrNotExist)
	require.ErrorIs(t, d.Rename("other/b", "nowhere/b"), fs.ErrNotExist)
	require.Error(t, d.Rename("other", "other/b/c"))
}

func remove(t *testing.T, d env.Disk) {
	require.NoError(t, d.MkdirAll("dir"))
	open(t, d, "dir/a", create)
	require.ErrorIs(t, d.Remove("dir"), syscall.ENOTEMPTY)
	require.NoError(t, d.Remove("dir/a"))
	require.NoError(t, d.Remove("dir"))
	require.ErrorIs(t, d.Remove("dir"), fs.ErrNotExist)
	require.Empty(t, names(t, d, "."))
}

func removeOpenFile(t *testing.T, d env.Disk) {
	f := open(t, d, "a", create)
	require.NoError(t, d.Remove("a"))
	write(t, f, "still here")
	p := make([]byte, 10)
	_, err := f.ReadAt(p, 0)
	require.NoError(t, err)
	require.Equal(t, "still here", string(p))
	_, err = d.Stat("a")
	require.ErrorIs(t, err, fs.ErrNotExist)
	write(t, open(t, d, "a", create), "another")
	require.Equal(t, "another", content(t, d, "a"))
}

func errorsOf(t *testing.T, d env.Disk) {
	open(t, d, "file", create)
	require.NoError(t, d.MkdirAll("dir"))
	_, err := d.OpenFile("nothing", os.O_RDONLY)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = d.OpenFile("nowhere/a", create)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = d.OpenFile("file/a", create)
	require.ErrorIs(t, err, syscall.ENOTDIR)
	_, err = d.OpenFile("dir", os.O_WRONLY)
	require.ErrorIs(t, err, syscall.EISDIR)
	_, err = d.ReadDir("nowhere")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = d.ReadDir("file")
	require.Error(t, err)
	_, err = d.Stat("nothing")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, d.SyncDir("nowhere"), fs.ErrNotExist)
}

func invalidNames(t *testing.T, d env.Disk) {
	for _, name := range []string{"", "/a", "../a", "a/../b", "a/", "./a", "a//b"} {
		_, err := d.OpenFile(name, os.O_CREATE|os.O_RDWR)
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", name)
		require.ErrorIs(t, d.MkdirAll(name), fs.ErrInvalid, "%q", name)
		require.ErrorIs(t, d.Remove(name), fs.ErrInvalid, "%q", name)
		require.ErrorIs(t, d.Rename(name, "x"), fs.ErrInvalid, "%q", name)
		require.ErrorIs(t, d.Rename("x", name), fs.ErrInvalid, "%q", name)
		require.ErrorIs(t, d.SyncDir(name), fs.ErrInvalid, "%q", name)
		_, err = d.Stat(name)
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", name)
		_, err = d.ReadDir(name)
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", name)
	}
}

func closedFile(t *testing.T, d env.Disk) {
	f := open(t, d, "a", create)
	require.NoError(t, f.Close())
	_, err := f.Write([]byte("x"))
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = f.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrClosed)
	require.ErrorIs(t, f.Sync(), os.ErrClosed)
	require.ErrorIs(t, f.Truncate(0), os.ErrClosed)
	require.ErrorIs(t, f.Close(), os.ErrClosed)
}

func wrongWay(t *testing.T, d env.Disk) {
	write(t, open(t, d, "a", create), "text")
	r := open(t, d, "a", os.O_RDONLY)
	_, err := r.Write([]byte("x"))
	require.Error(t, err)
	require.Error(t, r.Truncate(0))
	w := open(t, d, "a", os.O_WRONLY)
	_, err = w.Read(make([]byte, 1))
	require.Error(t, err)
	require.NotErrorIs(t, err, io.EOF)
	require.Equal(t, "text", content(t, d, "a"))
}

func free(t *testing.T, d env.Disk) {
	free, total, err := d.Free()
	require.NoError(t, err)
	require.Positive(t, free)
	require.GreaterOrEqual(t, total, free)
}
