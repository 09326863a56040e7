package fault

import (
	"context"
	"errors"
	"fmt"

	"deadair/harness/world"
)

// tellAll has fakes misbehave as their state says. Healing tells them an empty state.
func tellAll(ctx context.Context, s Site, nodes []string, verb string, state any) (Active, error) {
	a := &told{site: s, verb: verb, hits: map[string]int{}}
	for _, n := range nodes {
		if err := s.Tell(ctx, n, verb, state, nil); err != nil {
			return a, errors.Join(err, a.End(ctx))
		}
		a.nodes = append(a.nodes, n)
	}
	return a, nil
}

// told is fakes that misbehave because they were told to.
type told struct {
	site  Site
	verb  string
	nodes []string
	hits  map[string]int // requests that met it, as far as known
	over  bool
}

// Touched asks the fakes, which are the far end.
func (a *told) Touched() world.Touched {
	var hit world.Touched
	for _, n := range a.nodes {
		var state struct{ Hit, Written int }
		if !a.over && a.site.Tell(context.Background(), n, a.verb, nil, &state) == nil {
			a.hits[n] = max(a.hits[n], state.Hit+state.Written)
		}
		hit.Conns += a.hits[n]
	}
	return hit
}

// End has them work again. What ailed one whose process has ended meanwhile has ended
// with it.
func (a *told) End(ctx context.Context) error {
	if a.over {
		return nil
	}
	a.over = true
	var errs []error
	for _, n := range a.nodes {
		if !a.site.World().Running(n) {
			continue
		}
		if err := a.site.Tell(ctx, n, a.verb, struct{}{}, nil); err != nil {
			errs = append(errs, fmt.Errorf("heal %s: %w", n, err))
		}
	}
	return errors.Join(errs...)
}
