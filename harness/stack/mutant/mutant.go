// Package mutant breaks one named thing of the system at a time, to show that the
// checks would notice. A mutant is put in place through a seam that is there for
// other reasons, or as a fake on the wire; the system's own code knows nothing of it.
//
// It does not say which property a mutant must fail: the scenario's variant does.
package mutant

import (
	"context"
	"fmt"
	"net"
	"slices"

	"deadair/balancer"
	"deadair/balancer/env"
	"deadair/balancer/recorder"
	"deadair/fakes/route53"
	"deadair/harness/scenario"
)

// Mutant is one planted defect. A nil function leaves that part alone.
type Mutant struct {
	Name     string
	Doc      string // one sentence: what is broken
	Zone     func(*route53.Config)
	Balancer func(cfg balancer.Config, e *env.Env, p *balancer.Parts) error
	Recorder func(cfg *recorder.Config, e *env.Env, p *recorder.Parts)
}

// Table is every mutant, each in its own file.
func Table() []Mutant {
	return []Mutant{
		accountTroubleRefuses(),
		capacityIgnored(),
		cohortsIgnored(),
		deleteBeforeVerify(),
		diskUnsynced(),
		dnsFailsClosed(),
		dnsIgnoresLatency(),
		dnsIgnoresSubnet(),
		dnsKeepsTheDead(),
		dnsNeverReturns(),
		dnsOneAddress(),
		drainCuts(),
		drainIgnored(),
		epochIgnored(),
		guardNeverOpens(),
		healthFilterOff(),
		healthNeedsHome(),
		healthNeedsRedis(),
		homeOnly(),
		homeTooEarly(),
		joinByWallClock(),
		keysChanged(),
		leaseByWallClock(),
		mailBelieved(),
		mailRenamed(),
		neverHome(),
		noJournal(),
		noRetry(),
		noticesForgotten(),
		redisTroubleCuts(),
		redisTroubleRefuses(),
		relayDoubles(),
		relayLoses(),
		retryNotIdempotent(),
		rolloutCuts(),
		rolloutMoves(),
		stickyOff(),
		takeoverOff(),
		windowZero(),
	}
}

// Names lists the table.
func Names() []string {
	var names []string
	for _, m := range Table() {
		names = append(names, m.Name)
	}
	return names
}

// Named finds a mutant. No name is the zero Mutant, which breaks nothing.
func Named(name string) (Mutant, error) {
	if name == "" {
		return Mutant{}, nil
	}
	i := slices.IndexFunc(Table(), func(m Mutant) bool { return m.Name == name })
	if i < 0 {
		return Mutant{}, fmt.Errorf("no mutant %q%s", name, scenario.Meant(name, Names()))
	}
	return Table()[i], nil
}

// dialer wraps what a dialler of e returns for the addresses that match.
func dialer(e *env.Env, match func(addr string) bool, wrap func(net.Conn) net.Conn) {
	dial := e.DialContext
	e.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil || !match(addr) {
			return c, err
		}
		return wrap(c), nil
	}
}
