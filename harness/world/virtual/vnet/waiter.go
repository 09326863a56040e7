package vnet

import "time"

// waiter is where the callers of one operation wait, such as the reader of a
// connection. Its timer's channel is all they receive from: who has news for them
// sets the timer, to now or to the instant when the news arrives. So a delivery
// costs one timer and one wake-up.
type waiter struct {
	timer   *time.Timer
	at      time.Duration // when the timer fires; never if it is stopped
	waiting int           // callers
}

// wait returns when something may have happened, at the latest at the instant
// until. Callers hold n.mu, which is free meanwhile, and look again.
func (w *waiter) wait(n *Net, until time.Duration) {
	if w.timer == nil {
		w.timer = n.timer()
	}
	if w.waiting == 0 {
		w.at = never
	}
	w.waiting++
	w.wakeAt(n, until)
	n.unlock()
	<-w.timer.C
	n.mu.Lock()
	w.waiting--
	w.at = never
	if w.waiting > 0 {
		w.wake(n) // one firing wakes one caller: it passes on
	}
}

// wakeAt wakes who waits at an instant, if not earlier.
func (w *waiter) wakeAt(n *Net, at time.Duration) {
	if w.waiting == 0 || at >= w.at {
		return
	}
	w.at = at
	w.timer.Reset(max(0, at-n.now()))
}

// wake wakes who waits now.
func (w *waiter) wake(n *Net) { w.wakeAt(n, 0) }

// release gives the timer back once nobody will wait here again.
func (w *waiter) release(n *Net) {
	if w.timer == nil || w.waiting > 0 {
		return
	}
	w.timer.Stop()
	if len(n.spare) < maxSpare {
		n.spare = append(n.spare, w.timer)
	}
	w.timer = nil
}

// maxSpare is how many stopped timers are kept.
const maxSpare = 1024

// timer is a stopped one.
func (n *Net) timer() *time.Timer {
	if k := len(n.spare); k > 0 {
		t := n.spare[k-1]
		n.spare = n.spare[:k-1]
		return t
	}
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}
