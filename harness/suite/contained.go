package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"deadair/harness/history"
	"deadair/harness/hold"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world/docker/inside"
)

// playStage plays one run in a container, for the engine's side outside of it. It
// returns the process' exit code.
func playStage() int {
	ctx, stop := context.WithCancelCause(context.Background())
	s, err := inside.Enter(os.Stdin, toParent(), func(why error) {
		stop(why)
		if errors.Is(why, inside.ErrGone) {
			time.AfterFunc(orphanLimit, func() { os.Exit(childOrphan) })
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return childFailed
	}
	if s.Hold != "" {
		s.Over(endOf(ctx, holdInside(ctx, s)))
		return 0
	}
	out := newTeller(s)
	go out.keepTime()
	s.Over(endOf(ctx, playInside(ctx, s, out)))
	return 0
}

// holdInside holds the system of a plan up, for a person outside.
func holdInside(ctx context.Context, s *inside.Stage) error {
	p, err := scenario.ReadPlan(bytes.NewReader(s.Plan))
	if err != nil {
		return err
	}
	me, err := os.Hostname() // a container's is its id
	if err != nil {
		return fmt.Errorf("name this container: %w", err)
	}
	var w *inside.World
	log := history.NewLog(func() time.Duration { return w.Now() })
	w, err = inside.Open(inside.Config{Stage: s, Kinds: stack.Kinds(), Programs: stack.Programs(p), Seed: p.Seed, Watch: stack.Watch(log)})
	if err != nil {
		return err
	}
	cfg := hold.Config{
		Plan: p, World: w, Log: log, In: s.Typed,
		Files: hold.Files{Dir: s.Hold, Fetch: "docker cp " + me + ":" + inside.Dir + "/disks ."},
	}
	return hold.Run(ctx, cfg.Elsewhere(s))
}

// endOf tells how a run ended: asked to end early is no error of its own.
func endOf(ctx context.Context, err error) inside.End {
	switch {
	case err == nil:
		return inside.End{}
	case ctx.Err() == nil || !errors.Is(err, context.Cause(ctx)):
		return inside.End{Err: err.Error()}
	case err.Error() != context.Cause(ctx).Error():
		return inside.End{Err: err.Error(), Stopped: true}
	}
	return inside.End{Stopped: true}
}

// playInside plays the plan that a stage was given, and leaves what there is to take home.
func playInside(ctx context.Context, s *inside.Stage, out *teller) error {
	p, err := scenario.ReadPlan(bytes.NewReader(s.Plan))
	if err != nil {
		return err
	}
	logs, err := newLogs(filepath.Join(inside.Dir, "logs"))
	if err != nil {
		return err
	}
	defer logs.close()
	var w *inside.World
	log := history.NewLog(func() time.Duration { return incident(p, w.Now()) })
	w, err = inside.Open(inside.Config{
		Stage: s, Kinds: stack.Kinds(), Programs: stack.Programs(p), Seed: p.Seed, Watch: stack.Watch(log),
		Canary: canary(p, log), Late: lateNodes(p, log), SlowDisk: slowDisk(p, log), Log: logs.of("world"),
	})
	if err != nil {
		return err
	}
	return stage{p, inside.Dir, w, log, logs.of("harness"), out}.play(ctx)
}
