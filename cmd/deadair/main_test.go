package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// built tells where the tool is that the tests use.
const built = "DEADAIR_TEST_TOOL"

func TestMain(m *testing.M) { os.Exit(tested(m)) }

// tested builds the tool as its users have it, also under the race detector: a run is
// many processes that start often, and each of them would start ten times as slowly.
// What they do is tested with the detector where it is written.
func tested(m *testing.M) int {
	dir, err := os.MkdirTemp("", "deadair")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	exe := filepath.Join(dir, "deadair")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the tool: %v\n%s", err, out)
		return 1
	}
	os.Setenv(built, exe)
	return m.Run()
}

// tool is deadair with a folder and an environment of its own.
type tool struct {
	dir   string
	state string // of the loopback world; also the mark by which its processes are found
	env   []string
}

func newTool(t *testing.T) *tool {
	t.Helper()
	return &tool{dir: t.TempDir(), state: t.TempDir()}
}

// command is a deadair that can be started.
func (x *tool) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv(built), args...)
	cmd.Dir = x.dir
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); name != "GITHUB_STEP_SUMMARY" && name != "GOCOVERDIR" {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(append(cmd.Env, "DEADAIR_STATE="+x.state), x.env...)
	return cmd
}

// result is what a deadair that has ended left.
type result struct {
	code     int
	out, err string
}

// run runs deadair to its end.
func (x *tool) run(t *testing.T, args ...string) result {
	t.Helper()
	cmd := x.command(args...)
	var out, text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &text
	code := codeOf(t, cmd.Run())
	return result{code, out.String(), text.String()}
}

// codeOf is the exit code that an ended command's error tells.
func codeOf(t *testing.T, err error) int {
	t.Helper()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return ended.ExitCode()
	}
	require.NoError(t, err)
	return 0
}

// example is the absolute path of a file in testdata.
func example(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	require.NoError(t, err)
	return path
}

// file writes a file into the tool's folder and returns its name.
func (x *tool) file(t *testing.T, name, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(x.dir, name), []byte(text), 0o644))
	return name
}

// read reads a file of the tool's folder.
func (x *tool) read(t *testing.T, name ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{x.dir}, name...)...))
	require.NoError(t, err)
	return string(data)
}
