package disk

import "math/rand/v2"

// chunkSize is the longest piece that content is kept in, in bytes.
const chunkSize = 64 << 10

// content is the bytes of a file. The first durable bytes survive a power cut, with
// the patches undone.
type content struct {
	chunks  [][]byte // all but the last are chunkSize long
	size    int64
	durable int64
	patches []patch // synced bytes that were overwritten or cut off since, oldest first
	lost    bool    // a sync failed: nothing becomes durable any more
}

// patch is what was there before.
type patch struct {
	at  int64
	old []byte
}

// readAt copies what is there from an offset on, and returns how much.
func (c *content) readAt(p []byte, at int64) int {
	n := 0
	for n < len(p) && at < c.size {
		m := copy(p[n:], c.chunks[at/chunkSize][at%chunkSize:])
		n, at = n+m, at+int64(m)
	}
	return n
}

// writeAt writes, after zeros when it begins behind the end.
func (c *content) writeAt(p []byte, at int64) {
	if at > c.size {
		c.append(make([]byte, at-c.size))
	}
	c.remember(at, at+int64(len(p)))
	for len(p) > 0 && at < c.size {
		n := copy(c.chunks[at/chunkSize][at%chunkSize:], p)
		p, at = p[n:], at+int64(n)
	}
	c.append(p)
}

func (c *content) append(p []byte) {
	for len(p) > 0 {
		if c.size%chunkSize == 0 {
			c.chunks = append(c.chunks, make([]byte, 0, min(c.size, chunkSize))) // small files stay small
		}
		last := &c.chunks[len(c.chunks)-1]
		n := min(len(p), chunkSize-len(*last))
		*last = append(*last, p[:n]...)
		p, c.size = p[n:], c.size+int64(n)
	}
}

func (c *content) truncate(size int64) {
	if size >= c.size {
		c.append(make([]byte, size-c.size))
		return
	}
	c.remember(size, c.size)
	c.durable = min(c.durable, size)
	c.cut(size)
	if size <= c.durable {
		c.lost = false
	}
}

// cut drops what is behind a size.
func (c *content) cut(size int64) {
	c.chunks = c.chunks[:(size+chunkSize-1)/chunkSize]
	if rest := size % chunkSize; rest > 0 {
		last := &c.chunks[len(c.chunks)-1]
		*last = (*last)[:rest:rest]
	}
	c.size = size
}

// remember keeps the durable bytes in a range that is about to change.
func (c *content) remember(from, to int64) {
	to = min(to, c.durable)
	if from >= to {
		return
	}
	old := make([]byte, to-from)
	c.readAt(old, from)
	c.patches = append(c.patches, patch{from, old})
}

func (c *content) sync() {
	if !c.lost {
		c.durable, c.patches = c.size, nil
	}
}

// revert goes back to what is durable. With a generator, some of the bytes that were
// only appended stay.
func (c *content) revert(rng *rand.Rand) {
	keep := c.durable
	if rng != nil && len(c.patches) == 0 {
		keep += rng.Int64N(c.size - c.durable + 1)
	}
	c.cut(keep)
	c.durable, c.lost = keep, false
	patches := c.patches
	c.patches = nil
	c.durable = 0 // so that undoing is not remembered
	for i := len(patches) - 1; i >= 0; i-- {
		c.writeAt(patches[i].old, patches[i].at)
	}
	c.durable = c.size
}
