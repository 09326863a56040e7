package recorder

import (
	"container/list"
	"net"
	"sync"
	"time"
)

// patience is how long a connection may wait for its request however many come: a head
// that was sent at once may be read late on a busy machine.
const patience = 250 * time.Millisecond

// waiting are a port's connections without a request: new ones, and those that may ask
// once more. Honest requests come at once, so that, when a port is full, the one that has
// waited longest makes room. There are never more than max-conns.
type waiting struct {
	mu    sync.Mutex
	conns list.List // of *waiter, longest first
}

// waiter is a connection and since when it waits.
type waiter struct {
	net.Conn
	since  time.Time
	ousted bool
}

func (q *waiting) enter(conn net.Conn) *list.Element {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.conns.PushBack(&waiter{Conn: conn, since: time.Now()})
}

// leave ends what enter began. It is false for who has made room: his request is not to
// be served, for a source without a connection would take the place of one that has it.
func (q *waiting) leave(place *list.Element) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.conns.Remove(place).(*waiter).ousted
}

// oust closes the connection that has waited longest. It is false when none has waited
// for long.
func (q *waiting) oust() bool {
	longest := q.longest()
	if longest == nil {
		return false
	}
	_ = longest.Close()
	return true
}

// longest takes the connection out that has waited longest; nil when none has for long.
func (q *waiting) longest() *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	first := q.conns.Front()
	if first == nil || time.Since(first.Value.(*waiter).since) < patience {
		return nil
	}
	w := q.conns.Remove(first).(*waiter)
	w.ousted = true
	return w
}
