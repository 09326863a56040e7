// Package feed is what the listeners of one mount are served from: what the recorder
// has just written to the mount's segments, in whole frames, once for all listeners.
//
// A feed without listeners holds no audio, only where in the newest segment a listener
// may begin. It opens no file, writes to no connection and never waits for a listener:
// who falls too far behind is left behind.
package feed

import (
	"sync"
	"time"

	"deadair/balancer/audio"
)

// Config is what a feed keeps to. Every field is positive.
type Config struct {
	Burst   int64         // bytes that a listener gets at once, at most
	Backlog int64         // bytes that a listener may be behind
	Batch   time.Duration // how long bytes wait for others before listeners are woken
}

const (
	// blockSize is how much is kept in one piece, in bytes: a second of 128 kbit/s.
	blockSize = 16 << 10
	// eager is how many bytes wake the listeners before Batch is over.
	eager = 64 << 10
	// lullEvery is how often listeners who are sent nothing are woken all the same.
	lullEvery = 2 * time.Second
)

// Feed is one mount's. It stays while sources come and go.
type Feed struct {
	cfg *Config

	mu        sync.Mutex // guards all below and in every Listener; never held during I/O
	declared  string     // the content type that the source says it sends
	format    audio.Format
	file      string // the segment being written; "" before the first
	base      int64  // where it begins; all such places count from the feed's first byte
	end       int64  // where the last published byte ends
	marks     marks
	opening   opening
	closed    bool
	listeners map[*Listener]struct{}
	peak      int

	// Since the first listener came. Without any there are no blocks.
	blocks  [][]byte // all full but the last; bytes in them never change
	first   int64    // where blocks begin
	told    int64    // up to where listeners may read
	changed chan struct{}
	timer   *time.Timer
	armed   bool
	lulls   lulls
}

// New makes a feed. It keeps cfg, which must not change.
func New(cfg *Config) *Feed {
	return &Feed{cfg: cfg}
}

// Source tells which content type the source declares that comes next.
func (f *Feed) Source(contentType string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.declared = contentType
}

// Segment tells into which file goes what is published from now on. Listeners to whom
// it is something else than what they were told end there.
func (f *Feed) Segment(file string, format audio.Format) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if format != f.format || f.opening.open {
		f.opening = opening{}
	}
	f.file, f.base, f.format, f.marks = file, f.end, format, marks{}
	kind := mediaType(format, f.declared)
	for l := range f.listeners {
		if l.format == audio.Unknown {
			l.format = format
		}
		if l.kind != kind || l.format != format {
			l.ended = ErrChanged
			f.leaveLocked(l)
		}
	}
	f.tellLocked()
}

// Publish passes whole units on that are in the segment's file already. It does not
// keep p.
func (f *Feed) Publish(p []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.end
	if f.format == audio.Ogg {
		f.readPagesLocked(p)
	}
	if f.opening.before(at) {
		f.marks.add(at, f.cfg.Burst)
	}
	f.end += int64(len(p))
	if len(f.listeners) == 0 {
		return
	}
	f.keepLocked(p)
	switch {
	case f.end-f.told >= eager:
		f.tellLocked()
	case f.armed:
	case f.timer == nil:
		f.armed, f.timer = true, time.AfterFunc(f.cfg.Batch, f.tick)
	default:
		f.armed = true
		f.timer.Reset(f.cfg.Batch)
	}
}

// Close ends the feed: listeners get what was published, and then ErrOver.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.tellLocked()
}

// Count tells how many listeners there are, and how many there were at most.
func (f *Feed) Count() (now, peak int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.listeners), f.peak
}

// Type is the content type of what is published.
func (f *Feed) Type() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return mediaType(f.format, f.declared)
}

// keepLocked copies what was published into blocks, and lets go what is older than the
// slowest listener may need.
func (f *Feed) keepLocked(p []byte) {
	if len(f.blocks) == 0 {
		f.first = f.end - int64(len(p))
	}
	for len(p) > 0 {
		if last := len(f.blocks) - 1; last < 0 || len(f.blocks[last]) == blockSize {
			f.blocks = append(f.blocks, make([]byte, 0, blockSize))
		}
		last := &f.blocks[len(f.blocks)-1]
		n := min(len(p), blockSize-len(*last))
		*last = append(*last, p[:n]...)
		p = p[n:]
	}
	f.dropLocked(f.end - f.cfg.Backlog)
}

// dropLocked lets go the blocks that end before a place.
func (f *Feed) dropLocked(before int64) {
	n := 0
	for n < len(f.blocks)-1 && f.first+blockSize <= before {
		f.first += blockSize
		n++
	}
	if n > 0 {
		kept := copy(f.blocks, f.blocks[n:])
		clear(f.blocks[kept:])
		f.blocks = f.blocks[:kept]
	}
}

// tick ends a batch.
func (f *Feed) tick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	f.tellLocked()
}

// tellLocked wakes the listeners for all that was published.
func (f *Feed) tellLocked() {
	f.told = f.end
	if f.changed == nil {
		return
	}
	close(f.changed)
	f.changed = make(chan struct{})
	slowest := f.end
	for l := range f.listeners {
		slowest = min(slowest, l.at)
	}
	f.dropLocked(slowest)
}
