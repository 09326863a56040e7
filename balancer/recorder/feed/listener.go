package feed

import (
	"context"
	"errors"

	"deadair/balancer/audio"
)

// Why a listener gets nothing more.
var (
	ErrOver    = errors.New("the show is over")
	ErrChanged = errors.New("the show goes on with another content type")
	ErrSlow    = errors.New("listener too far behind")
)

// maxTurn is the most that Next returns at once, in bytes, and with it how far behind
// a listener may be besides Backlog.
const maxTurn = 64 << 10

// Listener is one listener's place in a feed.
type Listener struct {
	feed   *Feed
	kind   string
	format audio.Format
	past   []Extent
	at     int64 // of the next byte
	ended  error
	turn   [][]byte
}

// Extent is a part of a segment's file.
type Extent struct {
	File     string
	From, To int64 // offsets in bytes; To is the first one behind it
}

// Join adds a listener, unless there are max already or the feed is closed. Before
// anything else he is to be sent his extents: with the burst, what was published last,
// and what a decoder needs before it can begin. He has to Leave.
func (f *Feed) Join(maximum int, burst bool) (*Listener, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || len(f.listeners) >= maximum {
		return nil, false
	}
	if len(f.listeners) == 0 {
		f.told, f.listeners = f.end, map[*Listener]struct{}{}
		f.lulls.start(f.told, f.lull)
	}
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	l := &Listener{
		feed: f, kind: mediaType(f.format, f.declared), format: f.format, at: f.end, past: f.pastLocked(burst),
	}
	f.listeners[l] = struct{}{}
	f.peak = max(f.peak, len(f.listeners))
	return l, true
}

// pastLocked is what a listener needs of what was published before he came.
func (f *Feed) pastLocked(burst bool) []Extent {
	begin := f.end
	if mark, ok := f.marks.from(f.end - f.cfg.Burst); ok && burst {
		begin = mark
	}
	var past []Extent
	switch {
	case f.opening.open: // all there is
		begin = f.opening.at
	case begin > f.opening.at && f.opening.To > 0:
		past = append(past, f.opening.Extent)
	}
	if begin < f.end {
		past = append(past, Extent{File: f.file, From: begin - f.base, To: f.end - f.base})
	}
	return past
}

// Type is the content type of all that the listener gets.
func (l *Listener) Type() string { return l.kind }

// Past is what he is to be sent first, in this order.
func (l *Listener) Past() []Extent { return l.past }

// Next waits for what follows and returns it. It is valid until the next call, must
// not be changed, and is not copied. While nothing follows it returns nothing every few
// seconds: nobody is written to then, so that who has left has to be looked for. The
// error is ErrOver, ErrChanged, ErrSlow or that of ctx.
func (l *Listener) Next(ctx context.Context) ([][]byte, error) {
	f := l.feed
	f.mu.Lock()
	lulls := f.lulls.n
	for l.ended == nil && l.at >= f.told && !f.closed && f.lulls.n == lulls {
		changed := f.changed
		f.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		f.mu.Lock()
	}
	defer f.mu.Unlock()
	switch {
	case l.ended != nil:
		return nil, l.ended
	case l.at >= f.told && f.closed:
		return nil, ErrOver
	case l.at >= f.told:
		return nil, nil
	case l.at < f.first:
		return nil, ErrSlow
	}
	return l.takeLocked(), nil
}

// takeLocked returns what follows, and moves on.
func (l *Listener) takeLocked() [][]byte {
	f := l.feed
	clear(l.turn)
	l.turn = l.turn[:0]
	for end := min(f.told, l.at+maxTurn); l.at < end; {
		offset := l.at - f.first
		block := f.blocks[offset/blockSize]
		from := offset % blockSize
		to := min(blockSize, from+end-l.at)
		l.turn = append(l.turn, block[from:to:to])
		l.at += to - from
	}
	return l.turn
}

// Leave ends it. It may be called more than once.
func (l *Listener) Leave() {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	l.feed.leaveLocked(l)
}

func (f *Feed) leaveLocked(l *Listener) {
	delete(f.listeners, l)
	if len(f.listeners) > 0 {
		return
	}
	f.listeners, f.blocks, f.armed = nil, nil, false
	f.lulls.timer.Stop()
	if f.timer != nil {
		f.timer.Stop()
	}
}
