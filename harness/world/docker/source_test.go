package docker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSourceIsWhatIsCompiled: what an image is made of changes its name, and nothing else does.
func TestSourceIsWhatIsCompiled(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	of := func() string {
		t.Helper()
		got, err := sourceOf(t.Context(), dir, "amd64", "deadair/cmd/a", "deadair/cmd/b")
		require.NoError(t, err)
		return got
	}
	write("go.mod", "module deadair\n\ngo 1.26\n")
	write("cmd/a/main.go", "package main\n\nimport _ \"deadair/lib\"\n\nfunc main() {}\n")
	write("cmd/b/main.go", "package main\n\nfunc main() {}\n")
	write("lib/lib.go", "package lib\n\nimport _ \"embed\"\n\n//go:embed page.html\nvar Page string\n")
	write("lib/page.html", "<p>")
	write("idle/idle.go", "package idle\n")
	was := of()
	require.Len(t, was, 64)

	for _, name := range []string{"README.md", "lib/lib_test.go", "lib/lib_windows.go", "lib/lib_arm64.go", "lib/unused.html", "idle/idle.go", "idle/more.go"} {
		write(name, "package "+filepath.Base(filepath.Dir(name))+"\n\n// "+name+"\n")
		require.Equal(t, was, of(), "%s is not compiled", name)
	}
	seen := map[string]string{was: "at first"}
	for _, c := range [][2]string{
		{"lib/lib.go", "package lib\n\nimport _ \"embed\"\n\n//go:embed page.html\nvar Site string\n"},
		{"lib/page.html", "<b>"},
		{"lib/more.go", "package lib\n"},
		{"lib/lib_linux.go", "package lib\n"},
		{"cmd/b/main.go", "package main\n\nfunc main() { println() }\n"},
		{"cmd/a/main.go", "package main\n\nfunc main() {}\n"},
	} {
		write(c[0], c[1])
		now := of()
		require.Empty(t, seen[now], "%s is compiled", c[0])
		seen[now] = c[0]
	}
}

// TestSourceOfAnotherPlace is not guessed: there is none.
func TestSourceOfAnotherPlace(t *testing.T) {
	_, err := sourceOf(t.Context(), t.TempDir(), "amd64", nodeProgram, engineProgram)
	require.ErrorContains(t, err, "list the source: exit status 1: ")
	require.NotContains(t, err.Error(), "\n")
	t.Setenv("PATH", t.TempDir())
	_, err = sourceOf(t.Context(), ".", "amd64", nodeProgram)
	require.ErrorContains(t, err, "executable file not found")
}
