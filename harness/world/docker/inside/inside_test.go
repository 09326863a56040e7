package inside

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/env"
	"deadair/harness/world"
	"deadair/harness/world/child"
	"deadair/harness/world/link"
	"deadair/harness/world/realtime"
)

// patience is how long anything here may take.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	child.Run(world.Kinds{"idle": func(ctx context.Context, e env.Env) error {
		l, err := e.Listen(ctx, "tcp", ":8000")
		if err != nil {
			return err
		}
		defer l.Close()
		<-ctx.Done()
		return nil
	}})
	os.Exit(m.Run())
}

// pipe is the two ends of a wire.
func pipe(t *testing.T) (*lines, *json.Decoder, func()) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	require.NoError(t, r.SetDeadline(time.Now().Add(patience)))
	return newLines(w), json.NewDecoder(r), func() { w.Close() }
}

func TestGuardDoesWhatItIsTold(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	tell, in, silence := pipe(t)
	out, hear, _ := pipe(t)
	dir := t.TempDir()
	g := &guard{exe: exe, logs: filepath.Join(dir, "logs"), launcher: child.NewLauncher(), out: out}
	defer g.launcher.Close()
	ended := make(chan struct{})
	go func() { defer close(ended); g.obey(in) }()

	heard := func() Message {
		var m Message
		require.NoError(t, hear.Decode(&m))
		return m
	}
	here := netip.MustParseAddr("127.0.0.1")
	begin := Message{Do: Begin, Spec: &child.Spec{Node: "a/b", Kind: "idle", Addr: here, Bind: here, Dir: dir}}
	listening := func() {
		m := heard()
		require.Equal(t, Heard, m.Do)
		require.Equal(t, child.Listening, m.Child.Do)
		require.Equal(t, 8000, m.Child.Port)
	}
	tell.say(Message{Do: Kill}) // nothing runs yet
	tell.say(begin)
	listening()
	tell.say(Message{Do: Pause})
	require.Equal(t, Message{Do: Did}, heard())
	tell.say(Message{Do: Kill})
	require.Equal(t, Message{Do: Ended, Text: "signal: killed"}, heard())

	tell.say(begin)
	listening()
	tell.say(Message{Do: Pause})
	require.Equal(t, Message{Do: Did}, heard())
	tell.say(Message{Do: Stop}) // it goes on before it stops
	for m := heard(); m.Do != Ended; m = heard() {
		require.Equal(t, child.Closed, m.Child.Do)
	}
	require.FileExists(t, filepath.Join(dir, "logs", "a", "b.log"))

	tell.say(Message{Do: Begin, Spec: &child.Spec{Node: "a/b", Kind: "unknown", Dir: dir}})
	require.Equal(t, Message{Do: Ended, Text: "exit status 2"}, heard())
	tell.say(begin)
	listening()
	silence()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the guard outlives who tells it what to do")
	}
	require.Equal(t, "signal: killed", g.process.End())
}

func TestStage(t *testing.T) {
	tell, in, silence := pipe(t)
	out, hear, _ := pipe(t)
	asked := make(chan error, 2)
	tell.say(Opened(Opening{Plan: json.RawMessage(`{}`)}))
	s, err := enter(in, out, func(why error) { asked <- why })
	require.NoError(t, err)

	told := make(chan child.Message, 1)
	p := s.begin(realtime.Start{Spec: child.Spec{Node: "n"}, Hear: func(m child.Message) { told <- m }})
	said := func() (m Message) {
		require.NoError(t, hear.Decode(&m))
		return m
	}
	require.Equal(t, Begin, said().Do)
	tell.say(Message{Do: Heard, Node: "n", Child: &child.Message{Do: child.DiskHit, Hits: 3}})
	require.Equal(t, 3, (<-told).Hits)

	paused := make(chan error, 1)
	go func() { paused <- p.Pause(t.Context()) }()
	require.Equal(t, Message{Do: Pause, Node: "n"}, said())
	tell.say(Message{Do: Did, Node: "n", Text: "it does not stand still"})
	require.EqualError(t, <-paused, "it does not stand still")

	tell.say(Message{Do: Ended, Node: "n", Text: "signal: killed"})
	<-p.Done()
	require.Equal(t, "signal: killed", p.End())
	require.ErrorIs(t, p.Kill(), os.ErrProcessDone)
	require.ErrorIs(t, p.Pause(t.Context()), os.ErrProcessDone)

	_, err = s.Write([]byte(`{"at":1}` + "\n"))
	require.NoError(t, err)
	end, line := said().Said()
	require.Nil(t, end)
	require.JSONEq(t, `{"at":1}`, string(line))

	tell.say(Asked())
	require.EqualError(t, <-asked, "asked to end")
	silence()
	require.ErrorIs(t, <-asked, ErrGone)
	s.Over(End{Err: "x"}) // does not wait for who is gone
	end, _ = said().Said()
	require.Equal(t, &End{Err: "x"}, end)
}

func TestStageIsForTheHarness(t *testing.T) {
	r, w := io.Pipe()
	w.CloseWithError(errors.New("a terminal"))
	_, err := Enter(r, io.Discard, nil)
	require.ErrorContains(t, err, "__stage is for the harness only")
}

func TestEachLinkHasAPortOfItsOwn(t *testing.T) {
	a, b := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.1.2")
	g := &ground{gates: map[string]netip.Addr{"x": a, "y": a, "z": b}, next: map[netip.Addr]int{}}
	seen := map[netip.AddrPort]bool{}
	for range (lastLink - firstLink) / 2 {
		for _, from := range []string{"x", "y"} {
			at, err := g.Link(link.Key{From: from, To: "z", Port: 80})
			require.NoError(t, err)
			require.Equal(t, a, at.Addr())
			require.False(t, seen[at])
			seen[at] = true
		}
	}
	at, err := g.Link(link.Key{From: "z"})
	require.NoError(t, err)
	require.Equal(t, netip.AddrPortFrom(b, firstLink), at)
	_, err = g.Link(link.Key{From: "x"})
	require.NoError(t, err, "the last one")
	_, err = g.Link(link.Key{From: "x"})
	require.EqualError(t, err, "a network has at most 22001 links")
	_, err = g.Link(link.Key{From: "nobody"})
	require.EqualError(t, err, "no such host")
}

// TestUnplug: the engine's side is asked, and answers whether the node's process lives or not.
func TestUnplug(t *testing.T) {
	tell, in, _ := pipe(t)
	out, hear, _ := pipe(t)
	tell.say(Opened(Opening{Plan: json.RawMessage(`{}`)}))
	s, err := enter(in, out, func(error) {})
	require.NoError(t, err)
	w := &World{stage: s}
	said := func() (m Message) {
		require.NoError(t, hear.Decode(&m))
		return m
	}
	var plug func(context.Context) error
	done := make(chan error, 1)
	go func() { plug, err = w.Unplug(t.Context(), "n"); done <- err }()
	require.Equal(t, Message{Do: Unplug, Node: "n"}, said())
	tell.say(Message{Do: Wired, Node: "n"})
	require.NoError(t, <-done)
	go func() { done <- plug(t.Context()) }()
	require.Equal(t, Message{Do: Plug, Node: "n"}, said())
	tell.say(Message{Do: Wired, Node: "n", Text: "no such network"})
	require.EqualError(t, <-done, "no such network")
}
