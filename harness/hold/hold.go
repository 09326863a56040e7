// Package hold holds the system up for a person, who streams to it with real programs
// and breaks it by hand.
//
// It owns the plan of what stands, what the person is told and what they type. Where
// it stands is the caller's. Nothing is judged.
package hold

import (
	"bufio"
	"context"
	_ "embed" // the scenario of what stands
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"

	"deadair/harness/fault"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world"
	"deadair/harness/world/realtime"
)

//go:embed system.yaml
var system []byte

// The account and the mount that a person uses.
const (
	account  = "source"
	password = "hackme"
	mount    = "/show"
)

// Plan is the plan of what stands in a world, with the person's own show in it. Speed
// divides every wait of the system.
func Plan(in string, speed float64) (*scenario.Plan, error) {
	f, err := scenario.Parse("up", system)
	if err != nil {
		return nil, err
	}
	p, err := scenario.Expand(f, "today", in, 1, speed)
	if err != nil {
		return nil, err
	}
	you := &p.Broadcasters[0]
	you.Account, you.Password, you.Mount = account, password, mount
	return p, nil
}

// World is a world that programs outside of the harness can reach.
type World interface {
	world.World
	// Expose lets them reach a node's port as if they stood on the host from, until ctx ends.
	Expose(ctx context.Context, from, to string, port int) (netip.AddrPort, error)
	// Doors are where they can ask the DNS that a host listens for.
	Doors(ctx context.Context, from, dns string, port int) ([]realtime.Door, error)
}

// Config is what Run needs. All fields but Files.Fetch and Stands must be set.
type Config struct {
	Plan     *scenario.Plan // of Plan
	World    World          // with the hosts of the plan
	Log      *history.Log   // of the world
	Files    Files
	In       <-chan string // lines that the person types
	Out, Err io.Writer
	Stands   func(at netip.AddrPort) // told where the first balancer is reached before it is explained
}

// Files tells the person where files are.
type Files struct {
	Dir   string // logs and disks; with Fetch only from the end on
	Fetch string // the command that copies the disks as they are now into the folder that one is in; "" where all is in Dir
}

// Run brings the system up, tells the person how to reach it, breaks what they ask it to
// until ctx ends, and takes it down. When ctx ends before it is up, the error is ctx's
// cause. The world is closed when it returns.
func Run(ctx context.Context, cfg Config) error {
	h := &held{Config: cfg}
	var err error
	if h.stack, err = stack.New(cfg.Plan, cfg.World, cfg.Log, slog.New(slog.DiscardHandler)); err != nil {
		return errors.Join(err, cfg.World.Close())
	}
	if err = h.up(ctx); err == nil {
		err = h.explain(ctx)
	}
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), h.close()) // what did not come up for it is no news
	}
	if err != nil {
		return errors.Join(err, h.close())
	}
	h.obey(ctx)
	return h.close()
}

// held is a system that stands.
type held struct {
	Config
	stack  *stack.Stack
	active []fault.Active
}

// up brings the system up and waits until it is healthy.
func (h *held) up(ctx context.Context) error {
	if err := h.stack.Up(ctx); err != nil {
		return err
	}
	if missing := h.stack.Healthy(ctx); missing != "" {
		return errors.New(missing)
	}
	return nil
}

// obey does what is typed until ctx is done.
func (h *held) obey(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case line := <-h.In:
			if err := h.do(ctx, strings.Fields(line)); err != nil {
				fmt.Fprintf(h.Err, "deadair: %v\n", err)
			}
		}
	}
}

// do begins one fault, or ends all.
func (h *held) do(ctx context.Context, words []string) error {
	if len(words) == 0 {
		return nil
	}
	if words[0] == "heal" {
		return h.heal(ctx)
	}
	step, err := typed(h.Plan, words)
	if err != nil {
		return err
	}
	a, err := fault.Inject(ctx, h.stack, step)
	if a != nil {
		h.active = append(h.active, a)
	}
	return err
}

// heal ends all faults, the last one first.
func (h *held) heal(ctx context.Context) error {
	var errs []error
	for len(h.active) > 0 {
		last := len(h.active) - 1
		errs = append(errs, h.active[last].End(ctx))
		h.active = h.active[:last]
	}
	return errors.Join(errs...)
}

func (h *held) close() error {
	err := h.heal(context.Background())
	h.stack.Down()
	return errors.Join(err, h.World.Close())
}

// Lines are those of a reader. They end with the process, for a read of a terminal cannot
// be interrupted.
func Lines(in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		for sc := bufio.NewScanner(in); sc.Scan(); {
			lines <- sc.Text()
		}
	}()
	return lines
}
