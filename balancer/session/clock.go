package session

import (
	"sync"
	"time"
)

// clock estimates Redis' time from its answers, never ahead of it. By it a claim
// carries the moment from which on it must not be executed any more: one that was
// given up while it was stuck on its way would otherwise take the mount from the
// connection that got it since.
type clock struct {
	limit time.Duration // no answer is older than this

	mu     sync.Mutex
	base   time.Time     // of the local clock; zero until the first answer
	offset time.Duration // Redis time at base
	at     time.Duration // when it was learned, since base
}

func newClock(cfg RedisConfig) *clock { return &clock{limit: cfg.Deadline} }

// learn takes the time that an answer carries, on arrival. It was true when the
// answer was made, so it is behind by the way back, and the one least behind is
// kept. What is kept loses a thousandth of its age, because clocks drift, and all
// if it is ahead by more than any way is long: then Redis' clock was set back.
func (c *clock) learn(redis time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.base.IsZero() {
		c.base, c.offset = time.Now(), redis
		return
	}
	local := time.Since(c.base)
	sample, kept := redis-local, c.offset-(local-c.at)/1000
	if sample > kept || sample < kept-c.limit {
		kept = sample
	}
	c.offset, c.at = kept, local
}

// redis is Redis' time at a local moment; ok is false before the first answer.
func (c *clock) redis(t time.Time) (redis time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.base.IsZero() {
		return 0, false
	}
	local := t.Sub(c.base)
	return c.offset - (local-c.at)/1000 + local, true
}
