package harness

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world"
	"deadair/harness/world/virtual"
)

// small is one datacenter with one broadcaster on air for two minutes.
const small = `schema: 1
title: A test
system:
  datacenters: [{name: eu-west, place: Ireland, balancers: 1, recorders: 2, capacity: 4}]
  redis: eu-west
  dns: {checkers: 1, threshold: 1}
broadcasters: [{name: rome, from: Rome, persona: butt}]
ends: 2m
timeline:
`

// played is what came of a run.
type played struct {
	err    error
	calls  []string // on the world, in order
	kinds  []string // of the harness' events, with their fault
	during []string // faults that were in force when the world closed
	ended  time.Duration
}

// play plays a timeline in virtual time on a world that tells what is done to it.
func play(t *testing.T, timeline string, change func(w *told, stop context.CancelCauseFunc)) played {
	t.Helper()
	f, err := scenario.Parse("test", []byte(small+timeline))
	require.NoError(t, err)
	p, err := scenario.Expand(f, "today", "virtual", 1, 1)
	require.NoError(t, err)
	var out played
	require.NoError(t, virtual.Guard(t.Context(), virtual.Limits{Still: time.Minute}, func(ctx context.Context) {
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		w := &told{force: map[string]bool{}}
		log := history.NewLog(func() time.Duration { return w.Now() })
		quiet := slog.New(slog.DiscardHandler)
		real, err := virtual.New(virtual.Config{Hosts: stack.Hosts(p), Kinds: stack.Kinds(), RTT: scenario.RoundTrip, Seed: 1, Watch: stack.Watch(log)})
		if err != nil {
			out.err = err
			return
		}
		w.World = real
		change(w, stop)
		st, err := stack.New(p, w, log, quiet)
		if err != nil {
			out.err = err
			return
		}
		out.err = Run(ctx, Config{Plan: p, World: w, Stack: st, Log: log})
		out.calls, out.during, out.ended = w.calls, w.during, w.closed
		out.kinds = kinds(log)
	}))
	return out
}

// kinds lists what the harness itself reported of faults and of the run.
func kinds(log *history.Log) []string {
	es, err := log.Events()
	if err != nil {
		return []string{err.Error()}
	}
	var all []string
	for _, e := range es {
		if e.Node == "harness" && e.Kind != history.HashChoice {
			all = append(all, strings.TrimSpace(string(e.Kind)+" "+e.Fault+e.Class+" "+map[bool]string{true: e.Detail}[e.Kind == history.RunEnded]))
		}
	}
	return all
}

// told is a world that notes what is broken and healed, and can be made to fail.
type told struct {
	world.World
	calls  []string
	force  map[string]bool // link faults in force
	during []string        // what force held at Close
	fails  map[string]func() error
	ready  bool // the stack is up
	closed time.Duration
}

func (w *told) Zero() {
	w.World.Zero()
	w.ready = true
	w.fail("zero")
}

func (w *told) fail(call string) error {
	if f := w.fails[call]; f != nil {
		return f()
	}
	return nil
}

func (w *told) Break(f world.LinkFault) (world.Broken, error) {
	call := "break " + f.Kind
	w.calls = append(w.calls, call)
	if err := w.fail(call); err != nil {
		return nil, err
	}
	b, err := w.World.Break(f)
	w.force[f.Kind] = true
	return &toldBroken{Broken: b, world: w, kind: f.Kind}, err
}

func (w *told) Signal(ctx context.Context, node string, s world.Signal) error {
	call := string(s) + " " + node
	w.calls = append(w.calls, call)
	if err := w.fail(call); err != nil {
		return err
	}
	return w.World.Signal(ctx, node, s)
}

func (w *told) Start(ctx context.Context, n world.Node) error {
	if w.ready {
		w.calls = append(w.calls, "start "+n.Name)
	}
	if err := w.fail("start " + n.Name); err != nil {
		return err
	}
	return w.World.Start(ctx, n)
}

func (w *told) Close() error {
	w.calls, w.closed = append(w.calls, "close"), w.Now()
	for k := range w.force {
		w.during = append(w.during, k)
	}
	slices.Sort(w.during)
	return w.World.Close()
}

type toldBroken struct {
	world.Broken
	world *told
	kind  string
}

func (b *toldBroken) Heal() {
	b.world.calls = append(b.world.calls, "heal "+b.kind)
	delete(b.world.force, b.kind)
	b.Broken.Heal()
	if err := b.world.fail("heal " + b.kind); err != nil {
		panic(err)
	}
}
