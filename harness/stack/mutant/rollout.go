package mutant

import (
	"net"
	"slices"

	"deadair/balancer"
	"deadair/balancer/env"
	"deadair/balancer/fleet"
)

// cohortsIgnored has the balancer choose as if there were no generations.
func cohortsIgnored() Mutant {
	return choosing("cohorts-ignored", "shows that begin go to any recorder, whatever the rollout says", func(c balancer.Choice) balancer.Choice {
		c.Generation = ""
		return c
	})
}

// rolloutMoves has shows that come back follow the rollout.
func rolloutMoves() Mutant {
	return choosing("rollout-moves", "a show that comes back after a change of the rollout goes where it would go if it began", func(c balancer.Choice) balancer.Choice {
		i := slices.IndexFunc(c.View, func(s fleet.Status) bool { return s.Name == c.Sticky })
		if i >= 0 && c.View[i].Generation != c.Generation {
			c.Sticky = ""
		}
		return c
	})
}

// choosing is a mutant of what a balancer chooses a recorder from.
func choosing(name, doc string, change func(balancer.Choice) balancer.Choice) Mutant {
	return Mutant{Name: name, Doc: doc, Balancer: func(_ balancer.Config, _ *env.Env, p *balancer.Parts) error {
		p.Choose = func(c balancer.Choice) []fleet.Recorder { return balancer.Choose(change(c)) }
		return nil
	}}
}

// rolloutOrder is how an operator's order to change the rollout begins.
const rolloutOrder = "POST /rollout "

// rolloutCuts has the balancer end what it has when the rollout is changed.
func rolloutCuts() Mutant {
	return Mutant{Name: "rollout-cuts", Doc: "a balancer ends its live shows when an operator changes the rollout",
		Balancer: func(_ balancer.Config, e *env.Env, _ *balancer.Parts) error {
			heard := func(o *operated, c net.Conn) []byte {
				o.cutAllBut(c)
				return []byte(rolloutOrder)
			}
			(&operated{order: rolloutOrder, heard: heard}).hear(e)
			return nil
		}}
}
