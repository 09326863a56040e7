package suite

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

// TestOrphanEndsByItself closes the input of a child whose run never ends.
func TestOrphanEndsByItself(t *testing.T) {
	cmd := exec.Command(os.Args[0], ChildArg, filepath.Join(t.TempDir(), "orphan.virtual"))
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = in.Write([]byte("\n"))
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, in.Close())
	err = cmd.Wait()
	var ended *exec.ExitError
	require.ErrorAs(t, err, &ended)
	require.Equal(t, childOrphan, ended.ExitCode())
	require.GreaterOrEqual(t, time.Since(began), orphanLimit, "it was given time to heal")
}

func TestChildArgumentIsExact(t *testing.T) {
	args := os.Args
	t.Cleanup(func() { os.Args = args })
	for _, other := range [][]string{{"x"}, {"x", ChildArg}, {"x", "replay", "dir"}, {"x", ChildArg, "a", "b"}} {
		os.Args = other
		require.False(t, Child())
	}
}

func TestPlayFolderRefusesWhatItCannotPlay(t *testing.T) {
	dir := t.TempDir()
	play := func() error { return playFolder(t.Context(), dir, newTeller(io.Discard)) }
	require.ErrorContains(t, play(), "read plan: open ")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "plan.json"), []byte(`{"schema": 1, "wrld": "virtual"}`), 0o644))
	require.ErrorContains(t, play(), `read plan: json: unknown field "wrld"`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "plan.json"), []byte(`{"schema": 1, "scenario": "x", "world": "moon"}`), 0o644))
	require.EqualError(t, play(), `play x: no world "moon"`)
}

func TestLastLines(t *testing.T) {
	stack := "goroutine 1 [running]:\nmain.main()\n\t/x/main.go:3\nmore\nand more\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":     {"", "it left no log"},
		"blank":       {"\n \n", "it left no log"},
		"few":         {"a\nb\n", "a\nb"},
		"many":        {"1\n2\n3\n4\n5\n6\n7\n", "3\n4\n5\n6\n7"},
		"panic":       {"a\nb\npanic: kaboom\n\n" + stack, "panic: kaboom\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:3"},
		"fatal error": {"fatal error: all goroutines are asleep\n" + stack, "fatal error: all goroutines are asleep\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:3\nmore"},
		"short panic": {"a\npanic: kaboom", "panic: kaboom"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "log")
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o644))
			require.Equal(t, c.want, lastLines(file))
		})
	}
	require.Equal(t, "it left no log", lastLines(filepath.Join(t.TempDir(), "missing")))
}

func TestWallLimitFollowsThePlan(t *testing.T) {
	require.Equal(t, 16*time.Minute, wallLimit(&scenario.Plan{World: "virtual", End: 10 * time.Hour}))
	require.Equal(t, 7*time.Minute, wallLimit(&scenario.Plan{World: "loopback", End: 10 * time.Minute, Speed: 10}))

	p := &scenario.Plan{World: "loopback", End: 2 * time.Minute, Speed: 2, Timing: scenario.Timing{Over: 10 * time.Minute}}
	p.System.Store = &scenario.Store{}
	require.Greater(t, wallLimit(p), 6*time.Minute+5*time.Minute, "what is published when the windows have passed, as late as may be")
}

func TestChildEnv(t *testing.T) {
	t.Setenv("GOGC", "")
	require.Equal(t, []string{"GOMAXPROCS=1", "GODEBUG=randseednop=0", "GOGC=400"}, childEnv())
	t.Setenv("GOGC", "50")
	require.Equal(t, []string{"GOMAXPROCS=1", "GODEBUG=randseednop=0"}, childEnv(), "what somebody asked for is kept")
}

func TestTellerTellsWhatPeopleSeeAndAtEachBeatWhereItIs(t *testing.T) {
	var b bytes.Buffer
	tell := newTeller(&b)
	dull := history.Event{At: time.Second, Kind: history.Resolved}
	tell.tell(dull)
	require.Empty(t, b.String())
	tell.due.Store(true)
	tell.tell(dull)
	tell.tell(dull)
	require.Equal(t, `{"at":1000000000}`+"\n", b.String())

	b.Reset()
	tell.tell(history.Event{At: time.Second, Kind: history.FaultBegan, Detail: "kill redis"})
	require.JSONEq(t, `{"at":1000000000,"text":"kill redis"}`+"\n", b.String())

	b.Reset()
	tell.fail(io.ErrUnexpectedEOF)
	require.JSONEq(t, `{"at":0,"err":"unexpected EOF"}`+"\n", b.String())

	b.Reset()
	tell.fail(errorString(strings.Repeat("x", 1<<20)))
	require.Less(t, b.Len(), maxError+100)
}

type errorString string

func (e errorString) Error() string { return string(e) }

func TestDescribe(t *testing.T) {
	for want, e := range map[string]history.Event{
		"kill redis":                         {Kind: history.FaultBegan, Detail: "kill redis"},
		"healed step-1":                      {Kind: history.FaultEnded, Fault: "step-1"},
		"DNS answers us-east with a, b":      {Kind: history.AnswerChanged, Subject: "us-east", Hosts: []string{"a", "b"}},
		"rome-01 lost its connection":        {Kind: history.Lost, Node: "rome-01"},
		"not healthy at the start: no redis": {Kind: history.BaselineFailed, Detail: "no redis"},
		"":                                   {Kind: history.Resolved},
	} {
		require.Equal(t, want, describe(e))
	}
}
