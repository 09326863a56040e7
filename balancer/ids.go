package balancer

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// ids names sessions. Names sort by the time they were given and are not to be
// guessed; a generator that starts over with the same numbers gives new names.
type ids struct {
	mu   sync.Mutex
	rand *rand.Rand
	wall func() time.Time
}

func (i *ids) next() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return fmt.Sprintf("%012x%016x", uint64(i.wall().UnixMilli())&0xffffffffffff, i.rand.Uint64())
}
