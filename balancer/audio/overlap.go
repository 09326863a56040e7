package audio

import "github.com/cespare/xxhash/v2"

// Limits of looking for frames that are there already.
const (
	// tailFrames is how far back they are looked for.
	tailFrames = 1024
	// heldBytes is how much of a stream waits at most until it is decided.
	heldBytes = 256 << 10
	// sameFrames is how many different frames in a row have to be the same: silence
	// makes equal frames.
	sameFrames = 3
)

// tail is the hashes of a track's last frames.
type tail struct {
	hashes []uint64 // a ring once it is full
	next   int
}

func (t *tail) add(h uint64) {
	if len(t.hashes) < tailFrames {
		t.hashes = append(t.hashes, h)
		return
	}
	t.hashes[t.next] = h
	t.next = (t.next + 1) % tailFrames
}

// at is the i-th hash, oldest first.
func (t *tail) at(i int) uint64 {
	if len(t.hashes) < tailFrames {
		return t.hashes[i]
	}
	return t.hashes[(t.next+i)%tailFrames]
}

// frame is a frame that waits.
type frame struct {
	unit Unit
	data []byte
	hash uint64
}

// overlap finds out whether a stream begins with the last frames of a track. The zero
// overlap has nothing to find.
type overlap struct {
	tail   *tail
	held   []frame
	bytes  int
	starts []int // where in the tail what is held may begin
	found  int   // frames that are there already, as far as is known
}

// add takes the next frame and tells whether it waits. When it does not, the first
// repeated of what was held are to be left out, and the rest comes before it.
func (o *overlap) add(u Unit, p []byte) (waits bool) {
	if o.tail == nil {
		return false
	}
	h := xxhash.Sum64(p)
	if len(o.held) == 0 {
		for i := range o.tail.hashes {
			o.starts = append(o.starts, i)
		}
	}
	n, size := len(o.held), len(o.tail.hashes)
	going := o.starts[:0]
	for _, start := range o.starts {
		switch {
		case start+n == size:
			o.found = max(o.found, n) // the whole end of the track was held
		case o.tail.at(start+n) == h:
			going = append(going, start)
		}
	}
	o.starts = going
	if len(o.starts) == 0 || o.bytes+len(p) > heldBytes {
		return false
	}
	o.held = append(o.held, frame{u, append([]byte(nil), p...), h})
	o.bytes += len(p)
	return true
}

// end gives up what was held: repeated of it are in the track already.
func (o *overlap) end() (held []frame, repeated int) {
	if o.tail == nil {
		return nil, 0
	}
	for _, start := range o.starts {
		if start+len(o.held) == len(o.tail.hashes) {
			o.found = max(o.found, len(o.held))
		}
	}
	held, repeated = o.held, o.found
	distinct := map[uint64]bool{}
	for _, f := range held[:repeated] {
		distinct[f.hash] = true
	}
	if len(distinct) < sameFrames {
		repeated = 0
	}
	*o = overlap{}
	return held, repeated
}
