package main

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asTool makes this test's binary the tool itself.
const asTool = "DEADAIR_TEST_AS_TOOL"

func TestMain(m *testing.M) {
	if os.Getenv(asTool) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestNoEngine tells so at once, in one line, with what to do.
func TestNoEngine(t *testing.T) {
	for arg, want := range map[string]int{"ready": exitUsage, "images": exitUsage, "cleanup": exitOK, "": exitUsage} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], arg)
		cmd.Env = append(os.Environ(), asTool+"=1", "DOCKER_HOST=unix:///nowhere/docker.sock", "HOME="+t.TempDir())
		var text bytes.Buffer
		cmd.Stderr = &text
		began := time.Now()
		out, err := cmd.Output()
		require.Less(t, time.Since(began), 10*time.Second, arg)
		require.Equal(t, want, cmd.ProcessState.ExitCode(), "%s: %v %s", arg, err, text.String())
		require.Empty(t, out)
		if arg == "ready" || arg == "images" {
			require.Regexp(t, `^deadair: no Docker engine answers at DOCKER_HOST=unix:///nowhere/docker.sock \(.*\): start one or set DOCKER_HOST, or use --world loopback\n$`, text.String())
		}
	}
}
