package hold

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"deadair/harness/scenario"
)

// typed makes a step of what a person types: a fault and the names of its nodes, or
// both ends of its links and more of a step's keys as key=value. It goes the way of a
// scenario's step, so that names mean what they mean there.
func typed(p *scenario.Plan, words []string) (scenario.Step, error) {
	fault, ok := scenario.FaultNamed(words[0])
	if !ok || absent(fault) {
		return scenario.Step{}, fmt.Errorf("no fault %q: use one of %s", words[0], strings.Join(typeable(), ", "))
	}
	var names, keys []string
	for _, w := range words[1:] {
		if key, value, given := strings.Cut(w, "="); given {
			keys = append(keys, fmt.Sprintf("%q: %q", key, value))
			continue
		}
		names = append(names, strconv.Quote(w))
	}
	action := "[" + strings.Join(names, ", ") + "]"
	switch {
	case fault.Shape == scenario.OnNodes && (len(names) == 0 || len(keys) > 0):
		return scenario.Step{}, fmt.Errorf("%s takes the names of nodes", fault.Name)
	case fault.Shape == scenario.OnLinks && len(names) != 2:
		return scenario.Step{}, fmt.Errorf("%s takes both ends of a link: who dials, and whom", fault.Name)
	case fault.Shape == scenario.OnLinks:
		ends := []string{"from: " + names[0], "to: " + names[1]}
		action = "{" + strings.Join(append(ends, keys...), ", ") + "}"
	case fault.Shape == scenario.OnRedis && (len(names) != 1 || len(keys) > 0):
		return scenario.Step{}, fmt.Errorf("%s takes one of %s", fault.Name, strings.Join(scenario.RedisAnswers(), ", "))
	case fault.Shape == scenario.OnDisks && (len(names) != 2 || len(keys) > 0):
		return scenario.Step{}, fmt.Errorf("%s takes what it is, one of %s, and a server", fault.Name, strings.Join(scenario.DiskFaults(), ", "))
	case fault.Shape == scenario.OnDisks:
		action = "{is: " + names[0] + ", of: " + names[1] + "}"
	case fault.Shape == scenario.OnStore && (len(names) != 1 || len(keys) > 0):
		return scenario.Step{}, fmt.Errorf("%s takes one of %s", fault.Name, strings.Join(scenario.StoreFaults(), ", "))
	case fault.Shape == scenario.OnRedis, fault.Shape == scenario.OnStore:
		action = names[0]
	}
	text := fmt.Appendf(slices.Clone(system), "timeline: [{at: 1m, %s: %s}]\n", fault.Name, action)
	return stepOf(p, text)
}

// stepOf is the only step of a scenario. What is wrong with it is told without the
// place, which the person did not write.
func stepOf(stands *scenario.Plan, text []byte) (scenario.Step, error) {
	f, err := scenario.Parse("typed", text)
	var p *scenario.Plan
	if err == nil {
		p, err = scenario.Expand(f, "today", stands.World, 1, 1)
	}
	if err == nil {
		err = p.UseRedis(stands.Redis)
	}
	var invalid *scenario.Invalid
	if errors.As(err, &invalid) {
		return scenario.Step{}, errors.New(invalid.Problems[0].Message)
	}
	if err != nil {
		return scenario.Step{}, err
	}
	step := p.Steps[0]
	step.ID, step.Line = "typed", 0
	return step, nil
}

// absent tells whether what stands has nothing that a fault could hit: no broadcasters of
// its own are on air, there is neither website nor API nor mail, and all clocks are the
// machine's.
func absent(f scenario.Fault) bool {
	return slices.Contains([]scenario.Shape{scenario.OnBroadcasters, scenario.OnWeb, scenario.OnFloors, scenario.OnMail, scenario.OnZones, scenario.OnClocks}, f.Shape)
}

// typeable names the faults that what stands can be given.
func typeable() []string {
	return slices.DeleteFunc(scenario.FaultNames(), func(name string) bool {
		f, _ := scenario.FaultNamed(name)
		return absent(f)
	})
}
