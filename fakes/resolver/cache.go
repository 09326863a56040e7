package resolver

import (
	"errors"
	"math"
	"net/netip"
	"time"
)

const (
	forever = time.Duration(math.MaxInt64)
	maxTTL  = 7 * 24 * time.Hour // RFC 8767 has longer ones cut
)

// answer is what the server said about a name.
type answer struct {
	addrs []netip.Addr
	ttl   time.Duration // incident time
	err   error
}

// entry is a name in the cache.
type entry struct {
	addrs  []netip.Addr
	err    error // instead of addrs
	next   int   // where the next answer starts
	until  time.Time
	usable time.Time // ServeStale: until when addrs may be used after all
}

// cached gives what the cache holds and may still be used.
func (r *Resolver) cached(name string, now time.Time) (addrs []netip.Addr, found bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.cache[name]
	if e == nil || !now.Before(e.until) {
		return nil, false, nil
	}
	if e.err != nil {
		return nil, true, e.err
	}
	return e.turn(r.cfg.Mode), true, nil
}

// turn returns the addresses starting with the next one.
func (e *entry) turn(m Mode) []netip.Addr {
	out := make([]netip.Addr, 0, len(e.addrs))
	out = append(append(out, e.addrs[e.next:]...), e.addrs[:e.next]...)
	if m != Pinned {
		e.next = (e.next + 1) % len(e.addrs)
	}
	return out
}

// hasStale tells whether an expired answer stands by.
func (r *Resolver) hasStale(name string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.cache[name]
	return e != nil && now.Before(e.usable)
}

// keep remembers an answer and returns what the client gets.
func (r *Resolver) keep(name string, a answer, now time.Time) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.cache[name]
	if a.failed() && old != nil && now.Before(old.usable) {
		old.until = now.Add(r.scaled(r.cfg.StaleTTL))
		return old.turn(r.cfg.Mode), nil
	}
	e := &entry{addrs: a.addrs, err: a.err, until: now.Add(r.life(a))}
	if r.cfg.Mode == ServeStale && a.err == nil {
		e.usable = e.until.Add(r.scaled(r.cfg.StaleFor))
	}
	if old == nil {
		r.makeRoom()
	}
	r.cache[name] = e
	if a.err != nil {
		return nil, a.err
	}
	return e.turn(r.cfg.Mode), nil
}

// failed tells a server that could not answer from one that denied.
func (a answer) failed() bool {
	return a.err != nil && !errors.Is(a.err, ErrNXDomain)
}

// life is how long an answer is kept, in the clock's time.
func (r *Resolver) life(a answer) time.Duration {
	switch {
	case a.failed():
		return r.scaled(r.cfg.NegativeTTL)
	case a.err != nil:
		return r.scaled(a.ttl)
	case r.cfg.Mode == Pinned:
		return forever
	case r.cfg.Mode == Clamp:
		return r.scaled(max(a.ttl, r.cfg.ClampTo))
	}
	return r.scaled(a.ttl)
}

func (r *Resolver) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / r.cfg.Speed)
}

// makeRoom forgets the entry that ends first, the lowest name among equals.
func (r *Resolver) makeRoom() {
	if len(r.cache) < r.cfg.MaxEntries {
		return
	}
	var victim string
	var until time.Time
	for name, e := range r.cache {
		if victim == "" || e.until.Before(until) || (e.until.Equal(until) && name < victim) {
			victim, until = name, e.until
		}
	}
	delete(r.cache, victim)
}
