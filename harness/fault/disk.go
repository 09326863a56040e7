package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// slowDisk is how much longer each operation of a slow disk takes. It competes with
// deadlines, and those are not scaled.
const slowDisk = 3 * time.Second

// disk breaks the disks of servers: they are full, give errors, or are slow. Healing has
// them work again; what was not written stays unwritten.
func disk(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	breaker, ok := s.World().(world.Disks)
	if !ok {
		return nil, errors.New("this world cannot break disks")
	}
	a := &disks{}
	for _, n := range step.Nodes {
		b, err := breaker.BreakDisk(n, world.DiskFault{Kind: step.Answer, Delay: slowDisk})
		if b != nil {
			a.broken = append(a.broken, b)
		}
		if err != nil {
			return a, errors.Join(fmt.Errorf("disk of %s: %w", n, err), a.End(ctx))
		}
	}
	return a, nil
}

// disks are some disks while they are broken.
type disks struct{ broken []world.Broken }

func (a *disks) Touched() (t world.Touched) {
	for _, b := range a.broken {
		t.Conns += b.Touched().Conns
	}
	return t
}

func (a *disks) End(context.Context) error {
	for _, b := range a.broken {
		b.Heal()
	}
	return nil
}
