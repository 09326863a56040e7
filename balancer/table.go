package balancer

import (
	"context"
	"maps"
	"slices"
	"sync"

	"deadair/balancer/fleet"
	"deadair/balancer/icecast"
)

// table counts the sources on air or waiting to be, within limits, and knows the
// shows on air.
type table struct {
	maxSources, maxPerAccount, maxOutside int

	mu       sync.Mutex
	sources  int
	outside  int                       // sources that wait for a place
	proving  int                       // sources whose credentials are being proven
	arrivals map[arrival]*admission    // the latest of each that is not on air yet
	accounts map[string]map[string]int // connections by account and mount
	shows    map[*show]bool
	newest   map[string]*show // by mount
	idle     chan struct{}    // closed while there are no sources
}

// arrival is what two connections of the same source have in common.
type arrival struct{ account, mount string }

func newTable(maxSources, maxPerAccount, maxOutside int) *table {
	idle := make(chan struct{})
	close(idle)
	return &table{
		maxSources: maxSources, maxPerAccount: maxPerAccount, maxOutside: maxOutside, arrivals: make(map[arrival]*admission),
		accounts: make(map[string]map[string]int), shows: make(map[*show]bool), newest: make(map[string]*show), idle: idle,
	}
}

// prove takes note of a source whose credentials are to be proven, which can take as
// long as its answer is held. Of strangers no more may wait than of others go on air.
func (t *table) prove(a *admission) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !a.proving {
		if t.proving >= t.maxSources {
			return false
		}
		a.proving = true
		t.proving++
	}
	return true
}

// proven ends what prove began, if it did.
func (t *table) proven(a *admission) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.provenLocked(a)
}

func (t *table) provenLocked(a *admission) {
	if a.proving {
		a.proving = false
		t.proving--
	}
}

// arrive takes note of a source that wants to go on air. It returns the one that its
// client has given up for it: of the same account and mount, and still waiting. One on
// air has little time left to hand on the last of what its client sent.
func (t *table) arrive(a *admission) (older *admission) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := arrival{a.account, a.mount}
	older = t.arrivals[key]
	t.arrivals[key] = a
	if s := t.newest[a.mount]; s != nil && s.account == a.account {
		s.hurry()
	}
	return older
}

// depart ends what prove, arrive and a refused enter began. It may be called without them.
func (t *table) depart(a *admission) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if key := (arrival{a.account, a.mount}); t.arrivals[key] == a {
		delete(t.arrivals, key)
	}
	t.insideLocked(a)
	t.provenLocked(a)
}

// enter takes a source in. An account is limited by its mounts, so that its ghosts
// never keep its own sources out.
func (t *table) enter(a *admission) *refused {
	t.mu.Lock()
	defer t.mu.Unlock()
	mounts := t.accounts[a.account]
	switch {
	case t.sources >= t.maxSources:
		return t.outsideLocked(a, refuseBusy())
	case mounts[a.mount] == 0 && len(mounts) >= t.maxPerAccount:
		return t.outsideLocked(a, refuseAccountFull())
	case mounts == nil:
		mounts = make(map[string]int)
		t.accounts[a.account] = mounts
	}
	t.insideLocked(a)
	mounts[a.mount]++
	if t.sources++; t.sources == 1 {
		t.idle = make(chan struct{})
	}
	return nil
}

// outsideLocked lets a source wait for a place, if not too many do.
func (t *table) outsideLocked(a *admission, r icecast.Refusal) *refused {
	switch {
	case a.outside:
	case t.outside >= t.maxOutside:
		return &refused{r, giveUp}
	default:
		a.outside = true
		t.outside++
	}
	return &refused{r, tryLater}
}

func (t *table) insideLocked(a *admission) {
	if a.outside {
		a.outside = false
		t.outside--
	}
}

func (t *table) leave(account, mount string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mounts := t.accounts[account]
	if mounts[mount]--; mounts[mount] == 0 {
		delete(mounts, mount)
	}
	if len(mounts) == 0 {
		delete(t.accounts, account)
	}
	if t.sources--; t.sources == 0 {
		close(t.idle)
	}
}

// add takes a show on air. It returns the one of the same mount that must end for
// it, which is s itself when it comes late; nil if there is none.
func (t *table) add(s *show) (older *show) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shows[s] = true
	newest := t.newest[s.mount]
	if newest != nil && !s.newerThan(newest) {
		return s
	}
	t.newest[s.mount] = s
	return newest
}

func (t *table) remove(s *show) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.shows, s)
	if t.newest[s.mount] == s {
		delete(t.newest, s.mount)
	}
}

// on lists the shows on a recorder.
func (t *table) on(recorder string) []*show {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.DeleteFunc(slices.Collect(maps.Keys(t.shows)), func(s *show) bool { return s.recorder.Name != recorder })
}

// holder is the recorder of a mount's show on air here.
func (t *table) holder(mount string) (r fleet.Recorder, account string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.newest[mount]
	if s == nil {
		return fleet.Recorder{}, "", false
	}
	return s.recorder, s.account, true
}

func (t *table) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sources
}

func (t *table) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.outside
}

func (t *table) unproven() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.proving
}

func (t *table) onAir() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.shows)
}

func (t *table) waitIdle(ctx context.Context) error {
	t.mu.Lock()
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
