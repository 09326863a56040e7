package balancer

import (
	"deadair/balancer/account"
	"deadair/balancer/fleet"
	"deadair/balancer/session"
)

// Parts replaces parts of a balancer by others. nil means the real one.
type Parts struct {
	Store    session.Store                 // the index; nil: Redis at Config.Redis. Serve does not close a given one
	Accounts account.Checker               // nil: as the configuration says. Serve closes a given one
	Health   HealthCheck                   // nil: a probe through the index and a recorder, weighed against the peers
	Choose   func(Choice) []fleet.Recorder // nil: Choose
}

// Choice is what a choice of recorders is made from.
type Choice struct {
	Mount      string
	Sticky     string         // the recorder that has the mount's session; "" when none has
	Generation string         // of recorders that a show goes to if it begins; "" for any
	View       []fleet.Status // all recorders, as this balancer sees them
	Near       []string       // datacenters by nearness
}

// Choose names the recorders that a source is offered to, best first: the
// session's own, unless it is down, then those of fleet.Choose, of the generation that
// the show is for before all others.
func Choose(c Choice) []fleet.Recorder {
	var meant, others []fleet.Status
	for _, s := range c.View {
		if c.Generation == "" || s.Generation == c.Generation {
			meant = append(meant, s)
		} else {
			others = append(others, s)
		}
	}
	rest := append(fleet.Choose(meant, c.Near, c.Mount), fleet.Choose(others, c.Near, c.Mount)...)
	if c.Sticky == "" {
		return rest
	}
	recorders := make([]fleet.Recorder, 0, len(rest)+1)
	for _, s := range c.View {
		if s.Name == c.Sticky && s.State != fleet.Down {
			recorders = append(recorders, s.Recorder)
		}
	}
	for _, r := range rest {
		if r.Name != c.Sticky {
			recorders = append(recorders, r)
		}
	}
	return recorders
}
