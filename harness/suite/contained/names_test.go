package contained

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"deadair/harness/suite"
)

// TestProgramsInContainersAskDNS: what asks its system for the name of ingest, in a node's
// container, is told the balancers of its own region, and when one dies and comes back.
func TestProgramsInContainersAskDNS(t *testing.T) {
	need(t)
	program := filepath.Join(t.TempDir(), "lookup")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/lookup")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)

	j := job(t, "balancer-down/today", 10)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		suite.Run(t.Context(), suite.Config{Out: t.ArtifactDir(), Real: 1}, []suite.Job{j})
	}()
	defer func() { <-ended }()

	e, err := client.New(client.FromEnv)
	require.NoError(t, err)
	defer e.Close()
	home := ask(t, e, "eu-west-recorder-1", program)
	far := ask(t, e, "us-east-recorder-1", program)
	both := home.await(t, func(addrs string) bool { return len(strings.Fields(addrs)) == 2 })
	require.NotContains(t, both, "error")
	others := far.await(t, func(addrs string) bool { return len(strings.Fields(addrs)) == 2 })
	require.NotEqual(t, both, others)
	one := home.await(t, func(addrs string) bool { return addrs != both })
	require.Len(t, strings.Fields(one), 1)
	require.Contains(t, strings.Fields(both), one)
	require.Equal(t, both, home.await(t, func(addrs string) bool { return addrs != one }), "it is back")
}

// asking is a program that asks.
type asking struct{ lines chan string }

// ask has a program ask, in the container of a node of the only run.
func ask(t *testing.T, e *client.Client, node, program string) *asking {
	t.Helper()
	var id string
	require.Eventually(t, func() bool {
		id = running(t.Context(), e, node)
		return id != ""
	}, time.Minute, 100*time.Millisecond, "%s runs", node)
	data, err := os.ReadFile(program)
	require.NoError(t, err)
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "lookup", Size: int64(len(data)), Mode: 0o755}))
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	_, err = e.CopyToContainer(t.Context(), id, client.CopyToContainerOptions{DestinationPath: "/", Content: &archive})
	require.NoError(t, err)

	made, err := e.ExecCreate(t.Context(), id, client.ExecCreateOptions{Cmd: []string{"/lookup", "ingest.deadair.test"}, AttachStdin: true, AttachStdout: true, AttachStderr: true})
	require.NoError(t, err)
	begun, err := e.ExecAttach(t.Context(), made.ID, client.ExecAttachOptions{})
	require.NoError(t, err)
	t.Cleanup(begun.Close)
	out, in := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(in, os.Stderr, begun.Reader)
		in.CloseWithError(err)
	}()
	a := &asking{make(chan string, 10_000)}
	go func() {
		defer close(a.lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			a.lines <- sc.Text()
		}
	}()
	return a
}

// running is the container of a node, if it runs.
func running(ctx context.Context, e *client.Client, node string) string {
	all, err := e.ContainerList(ctx, client.ContainerListOptions{Filters: client.Filters{}.Add("label", "deadair.run").Add("name", node+"$")})
	if err != nil || len(all.Items) != 1 {
		return ""
	}
	return all.Items[0].ID
}

// await is the next answer that is as wished.
func (a *asking) await(t *testing.T, wished func(addrs string) bool) string {
	t.Helper()
	limit := time.After(2 * time.Minute)
	last := ""
	for {
		select {
		case addrs, ok := <-a.lines:
			require.True(t, ok, "the run is over; the last answer was %q", last)
			if wished(addrs) {
				return addrs
			}
			last = addrs
		case <-limit:
			require.FailNow(t, "no such answer", "the last one was %q", last)
		}
	}
}
