package docker

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// archive makes one of files; a name that ends in a slash is a folder.
func archive(t *testing.T, names ...string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 2, Mode: 0o600}
		if name[len(name)-1] == '/' {
			h = &tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o700}
		}
		require.NoError(t, w.WriteHeader(h))
		if h.Size > 0 {
			_, err := w.Write([]byte("x\n"))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return &b
}

func TestTakenHome(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "logs"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "logs", "harness.log"), []byte("before\n"), 0o644))
	require.NoError(t, unpack(archive(t, "deadair/", "deadair/history.jsonl", "deadair/logs/", "deadair/logs/harness.log", "deadair/disks/", "deadair/disks/us-east/", "deadair/disks/us-east/x"), dir))
	for name, want := range map[string]string{"history.jsonl": "x\n", "logs/harness.log": "before\nx\n", "disks/us-east/x": "x\n"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, want, string(got), name)
	}
	require.Error(t, unpack(archive(t, "deadair/../../escaped"), dir))
	require.Error(t, unpack(archive(t, "deadair/", "deadair/none/x"), dir))
	cut := archive(t, "deadair/x")
	require.Error(t, unpack(bytes.NewReader(cut.Bytes()[:513]), dir))
}

func TestOnlyTheDeadAreSwept(t *testing.T) {
	me, err := self()
	require.NoError(t, err)
	machine, err := os.Hostname()
	require.NoError(t, err)
	of := func(harness string, runs bool) []thing {
		return []thing{{kind: "network", harness: harness}, {kind: "container", harness: harness, runs: runs}}
	}
	require.Equal(t, fmt.Sprintf("process %d", os.Getpid()), alive(of(me, false), machine))
	require.Empty(t, alive(of(machine+" 1 another-boot/1", true), machine), "its pid is somebody else's now")
	require.Equal(t, "process 7 on elsewhere", alive(of("elsewhere 7 b/1", true), machine))
	require.Empty(t, alive(of("elsewhere 7 b/1", false), machine))
	require.Empty(t, alive(of("", true), machine), "whose label is none of ours")
	require.Equal(t, "1 container, 1 network", counted(of("", true)))
}

func TestWhatIsMissingIsSaidInOneLine(t *testing.T) {
	require.NoError(t, oneLine(nil, nil))
	a, b := &Remedy{"no image a: make it"}, &Remedy{"no image b: pull it"}
	require.EqualError(t, oneLine(nil, a, b), "no image a: make it; no image b: pull it")
	broken := errors.New("broken")
	require.ErrorIs(t, oneLine(a, broken), broken, "what nobody can put right comes first")

	t.Setenv(RedisEnv, "")
	require.Equal(t, []string{"redis:7", localRedis}, choices(Redis))
	t.Setenv(RedisEnv, "my/redis:8")
	require.Equal(t, []string{"my/redis:8"}, choices(Redis))
}

func TestNamesForTheEnginesDNS(t *testing.T) {
	require.Equal(t, "balancer-1.us-east", alias("us-east/balancer-1"))
	require.Equal(t, "redis", alias("redis"))
}
