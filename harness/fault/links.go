package fault

import (
	"context"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// onLinks breaks the links that a step names.
func onLinks(s Site, step scenario.Step) (Active, error) {
	b, err := s.World().Break(world.LinkFault{
		Kind:      step.Do,
		From:      withAliases(s, step.From),
		To:        withAliases(s, step.To),
		Conns:     step.Conns,
		Direction: step.Way,
		Delay:     step.Delay, // it competes with deadlines, and those are not scaled
		Rate:      int(float64(step.Rate) * s.Speed()),
	})
	if err != nil {
		return nil, err
	}
	return links{b}, nil
}

type links struct{ world.Broken }

func (l links) End(context.Context) error {
	l.Heal()
	return nil
}

func withAliases(s Site, hosts []string) []string {
	var all []string
	for _, h := range hosts {
		all = append(append(all, h), s.Aliases(h)...)
	}
	return all
}
