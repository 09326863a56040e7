package feed

import "time"

// lulls are the times at which nothing had followed for a while. A feed looks for them
// while it has listeners: one timer for all of them, and nothing when they are sent to.
type lulls struct {
	n     uint64 // so far
	told  int64  // up to where listeners could read at the last look
	timer *time.Timer
}

// start begins to look, when listeners can read up to told.
func (u *lulls) start(told int64, look func()) {
	u.told = told
	if u.timer == nil {
		u.timer = time.AfterFunc(lullEvery, look)
		return
	}
	u.timer.Reset(lullEvery)
}

// lull wakes the listeners if nothing has followed since it was called last.
func (f *Feed) lull() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.listeners) == 0 {
		return
	}
	if f.end == f.lulls.told {
		f.lulls.n++
		f.tellLocked()
	}
	f.lulls.told = f.told
	f.lulls.timer.Reset(lullEvery)
}
