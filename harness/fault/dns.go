package fault

import (
	"context"
	"errors"
	"fmt"

	"deadair/fakes/route53"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// names has a share of the questions about some names not answered as they should be.
// Healing has all of them answered.
func names(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	a := &spoilt{site: s}
	for _, z := range step.Zones {
		if err := s.Spoil(z, route53.Mode(step.Answer), float64(step.Share)/100); err != nil {
			return a, errors.Join(err, a.End(ctx))
		}
		a.zones = append(a.zones, z)
	}
	return a, nil
}

// spoilt is names of which some questions go wrong.
type spoilt struct {
	site  Site
	zones []string
	hit   int // when it was over
	over  bool
}

// Touched counts the questions.
func (a *spoilt) Touched() world.Touched {
	if a.over {
		return world.Touched{Conns: a.hit}
	}
	n := 0
	for _, z := range a.zones {
		n += a.site.Spoilt(z)
	}
	return world.Touched{Conns: n}
}

// End has all questions answered.
func (a *spoilt) End(context.Context) error {
	if a.over {
		return nil
	}
	a.hit, a.over = a.Touched().Conns, true
	var errs []error
	for _, z := range a.zones {
		if err := a.site.Spoil(z, route53.ModeOK, 0); err != nil {
			errs = append(errs, fmt.Errorf("heal the name of %s: %w", z, err))
		}
	}
	return errors.Join(errs...)
}
