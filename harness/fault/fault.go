// Package fault injects the faults that a plan names, and ends them.
//
// It owns what a step means in terms of a world: which node gets a signal, which
// links break, whose connection drops. Each fault is one small file and one line
// in the table. It does not decide when (the harness does), nor who and where
// (the plan does).
package fault

import (
	"context"
	"fmt"

	"deadair/fakes/route53"
	"deadair/harness/scenario"
	"deadair/harness/stack/console"
	"deadair/harness/world"
)

// Active is a fault in force.
type Active interface {
	// Touched tells how many connections, nodes or broadcasters were really hit so
	// far, and how many bytes were withheld or lost.
	Touched() world.Touched
	// End heals the fault and returns when it is healed. Ending twice does nothing.
	End(ctx context.Context) error
}

// Site is what faults act on.
type Site interface {
	// World is where nodes and links are.
	World() world.World
	// Node is a node's definition, to start it again.
	Node(name string) (world.Node, bool)
	// Today is a node's definition with nothing of 2014 in it.
	Today(name string) (world.Node, error)
	// Define takes a definition in the place of the one that its node had: whoever starts
	// the node from now on starts it so.
	Define(n world.Node)
	// DropBroadcaster ends a broadcaster's connection from its own side and tells whether it had one.
	DropBroadcaster(name string) bool
	// Operate asks a node's admin port for something ("drain", "undrain").
	Operate(ctx context.Context, node, verb string) error
	// Aliases are the hosts that share a named host's fate on the network.
	Aliases(host string) []string
	// RedisKind is which Redis stands behind the index, by scenario's names.
	RedisKind() string
	// Console opens a connection to Redis from an operator's host.
	Console(ctx context.Context) (*console.Console, error)
	// Tell tells a fake at its admin port how to behave, and reads how it does; with a nil
	// want it only asks.
	Tell(ctx context.Context, node, verb string, want, state any) error
	// Spoil has a share of the questions about a site's name treated by a mode; Spoilt
	// counts those since.
	Spoil(site string, mode route53.Mode, share float64) error
	Spoilt(site string) int
	// Speed is incident seconds per second of the world's clock.
	Speed() float64
}

// Begin puts a step's fault into force.
type Begin func(ctx context.Context, s Site, step scenario.Step) (Active, error)

// Table is every fault by its name in a scenario.
func Table() map[string]Begin {
	return map[string]Begin{
		"answer":    answer,
		"blackhole": blackhole,
		"cut":       cut,
		"delay":     delay,
		"deploy":    deploy,
		"disk":      disk,
		"dns":       names,
		"drain":     drain,
		"drop":      drop,
		"harden":    harden,
		"kill":      kill,
		"mail":      mailing,
		"outage":    outage,
		"pause":     pause,
		"powercut":  powercut,
		"redis":     redis,
		"refuse":    refuse,
		"restart":   restart,
		"rollout":   rollout,
		"skew":      skew,
		"stall":     stall,
		"stop":      stop,
		"store":     store,
		"throttle":  throttle,
		"undrain":   undrain,
		"vanish":    vanish,
	}
}

// Inject begins a step's fault.
func Inject(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	begin, ok := Table()[step.Do]
	if !ok {
		return nil, fmt.Errorf("inject %s: no such fault", step.Do)
	}
	a, err := begin(ctx, s, step)
	if err != nil {
		at := step.ID
		if step.Line > 0 {
			at = fmt.Sprintf("%s, line %d", step.ID, step.Line)
		}
		return nil, fmt.Errorf("inject %s (%s): %w", step.Do, at, err)
	}
	return a, nil
}

// over is a fault that is an instant: it hit, and nothing is left to heal.
type over struct{ hit world.Touched }

func (o over) Touched() world.Touched  { return o.hit }
func (over) End(context.Context) error { return nil }
