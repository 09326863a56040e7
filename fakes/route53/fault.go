package route53

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// Mode is how the authoritative server treats queries.
type Mode string

// Modes of answering.
const (
	ModeOK       Mode = "ok"
	ModeServfail Mode = "servfail"
	ModeTimeout  Mode = "timeout"  // says nothing
	ModeNXDomain Mode = "nxdomain" // denies every name in the zone
	ModeStale    Mode = "stale"    // answers what it answered when the mode began
)

// faults is the server's present misbehaviour.
type faults struct {
	mu     sync.Mutex // guards all below
	mode   Mode
	share  float64
	rand   *rand.Rand
	frozen *table // for ModeStale
	spoilt int
}

// Answer has a share of the queries, 0 to 1 and chosen by the seed, treated by a
// mode from now on. ModeOK heals.
func (s *Server) Answer(mode Mode, share float64) error {
	switch mode {
	case ModeOK, ModeServfail, ModeTimeout, ModeNXDomain, ModeStale:
	default:
		return fmt.Errorf("unknown mode of DNS answers %q", mode)
	}
	if !(share >= 0 && share <= 1) {
		return fmt.Errorf("share %v of DNS answers is not between 0 and 1", share)
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.mode, s.faults.share = mode, share
	s.faults.frozen, s.faults.spoilt = s.answers.Load(), 0
	return nil
}

// Spoilt counts the queries that the present mode was applied to.
func (s *Server) Spoilt() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return s.faults.spoilt
}

// draw decides about one query; frozen is set for ModeStale.
func (f *faults) draw() (mode Mode, frozen *table) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mode == ModeOK || f.mode == "" || f.rand.Float64() >= f.share {
		return ModeOK, nil
	}
	f.spoilt++
	if f.mode == ModeStale {
		return f.mode, f.frozen
	}
	return f.mode, nil
}
