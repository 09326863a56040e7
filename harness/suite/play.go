package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"deadair/harness"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world"
	"deadair/harness/world/docker/inside"
)

// orphanLimit is how long a run whose parent is gone may take to heal and end.
const orphanLimit = 1500 * time.Millisecond

// World is a further world in which a program can play.
type World struct {
	Name string
	// Play plays a plan and leaves its history in dir, which exists, with logs below
	// it. Each line that it tells is one of the run's for its parent.
	Play func(ctx context.Context, p *scenario.Plan, dir string, tell io.Writer) error
}

// Child plays one run if this process was started for that; it then does not
// return. Call it first in main and in TestMain. Further are the worlds that not
// every program can play in.
func Child(further ...World) bool {
	if len(os.Args) == 2 && os.Args[1] == inside.StageArg {
		os.Exit(playStage())
	}
	if len(os.Args) != 3 || os.Args[1] != ChildArg {
		return false
	}
	ctx, stop := context.WithCancelCause(context.Background())
	go obey(os.Stdin, stop)
	out := newTeller(toParent())
	go out.keepTime()
	err := playFolder(ctx, os.Args[2], out, further...)
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, err)
	if ctx.Err() == nil || !errors.Is(err, context.Cause(ctx)) {
		out.fail(err)
		os.Exit(childFailed)
	}
	if err.Error() != context.Cause(ctx).Error() {
		out.fail(err) // not only stopped: something went wrong on the way out
	}
	os.Exit(childStopped)
	return true
}

// toParent is standard output under another number: when the parent is gone, a
// write to the standard one would end the process before it has healed.
func toParent() io.Writer {
	fd, err := syscall.Dup(int(os.Stdout.Fd()))
	if err != nil {
		return io.Discard // nobody reads how far the run is
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "to the parent")
}

// obey ends the run at the parent's word, which is any byte, and at the parent's
// end. It runs outside of virtual time.
func obey(parent io.Reader, stop context.CancelCauseFunc) {
	io.ReadFull(parent, make([]byte, 1)) //nolint:errcheck // a byte and the end of file are the same word
	stop(errors.New("asked to end"))
	io.Copy(io.Discard, parent) //nolint:errcheck // any end is the end
	time.Sleep(orphanLimit)
	os.Exit(childOrphan)
}

// playFolder plays the plan of a folder and leaves its history there.
func playFolder(ctx context.Context, dir string, out *teller, further ...World) error {
	p, err := readPlan(dir)
	if err != nil {
		return err
	}
	for _, w := range further {
		if w.Name == p.World {
			return w.Play(ctx, p, dir, out)
		}
	}
	play, ok := worlds()[p.World]
	if !ok {
		return fmt.Errorf("play %s: no world %q", p.Scenario, p.World)
	}
	return play(ctx, p, dir, out)
}

// playIn plays a plan in a world of its own and leaves the history in dir.
type playIn func(ctx context.Context, p *scenario.Plan, dir string, out *teller) error

// worlds is the table of worlds that every program can play in.
func worlds() map[string]playIn {
	return map[string]playIn{
		"loopback": playLoopback,
		"virtual":  playVirtual,
	}
}

// stage is a world that is up, and where its run goes.
type stage struct {
	plan  *scenario.Plan
	dir   string
	world world.World
	log   *history.Log
	text  *slog.Logger
	out   *teller
}

// play plays the plan on the stage, and writes the history. An early end leaves
// the history so far.
func (s stage) play(ctx context.Context) error {
	s.log.Tap(s.out.tell)
	st, err := stack.New(s.plan, s.world, s.log, s.text)
	if err != nil {
		return errors.Join(err, s.world.Close())
	}
	grown := watchGrowth(s.plan, s.dir, s.world, st)
	played := harness.Run(ctx, harness.Config{Plan: s.plan, World: s.world, Stack: st, Log: s.log})
	return errors.Join(played, grown(), writeHistory(s.dir, s.log))
}

func writeHistory(dir string, log *history.Log) error {
	es, err := log.Events()
	if err != nil {
		return err
	}
	return toFile(filepath.Join(dir, "history.jsonl"), func(w io.Writer) error {
		_, err := history.Write(w, es)
		return err
	})
}

// beat is how often a run tells at least how far it is, on the wall.
const beat = 250 * time.Millisecond

// maxError bounds what is told of a run's error.
const maxError = 4 << 10

// teller passes on to the parent what a person wants to see.
type teller struct {
	due atomic.Bool // a beat has passed since the last line

	mu sync.Mutex // guards to
	to io.Writer
}

func newTeller(w io.Writer) *teller { return &teller{to: w} }

// Write passes on a line as it is.
func (t *teller) Write(line []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.to.Write(line)
}

// keepTime makes a line due at each beat of the wall's clock, which who tells in virtual time does not see.
func (t *teller) keepTime() {
	for range time.Tick(beat) {
		t.due.Store(true)
	}
}

// tell is called with each event.
func (t *teller) tell(e history.Event) {
	text := describe(e)
	if text == "" && !t.due.Swap(false) {
		return
	}
	t.say(line{At: e.At, Text: text})
}

// fail tells why the run could not be carried out.
func (t *teller) fail(err error) {
	text := err.Error()
	t.say(line{Err: text[:min(len(text), maxError)]})
}

func (t *teller) say(l line) {
	json.NewEncoder(t).Encode(l) //nolint:errcheck // a parent that is gone ends us another way
}

// textLog is the log for people of one host.
func textLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, nil))
}
