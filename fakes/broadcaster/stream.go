package broadcaster

import (
	"context"
	"errors"
	"syscall"
	"time"

	"deadair/fakes/broadcaster/frame"
)

const (
	// fineFor is how long after the peer's end of file a client that only notices
	// by writing has its frames written one by one, as the real one does, so
	// that it notices as early. A peer that takes them all closed one direction only.
	fineFor = 2 * time.Second
	// goodbye is how long a client waits for the peer's close at the end of the show.
	goodbye = time.Second
	// afterthought is how long a failed write waits for the reader to say why.
	afterthought = 100 * time.Millisecond
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

// stream sends frames, each chunk when its last frame is produced, until the
// show is over or the connection lost. It returns the loss, or an event of no kind.
func (b *Broadcaster) stream(show context.Context, c *conn) Event {
	stop := whenDone(show, func() { c.SetWriteDeadline(past) })
	defer stop()
	if err := b.sendPreamble(show, c); err != nil {
		return b.lost(show, c, err)
	}
	ended := c.ended
	var fine time.Time
	for c.next < b.clock.frames {
		end := b.chunkEnd(c.next, fine)
		switch b.await(show, c, b.clock.at(end-1), ended) {
		case showOver:
			return Event{}
		case answered:
			b.judge(c)
			continue
		case peerEnded:
			if b.cfg.Persona.NoticesClose || c.dropped.Load() {
				return b.lost(show, c, nil)
			}
			ended = nil
			fine = time.Now().Add(fineFor)
			continue
		}
		n, err := b.send(show, c, b.chunk(c.next, end))
		c.handed(n, b.cfg.Kind.Size(), err)
		if err != nil {
			return b.lost(show, c, err)
		}
	}
	<-show.Done()
	return Event{}
}

// chunkEnd is the frame behind the chunk that starts with next: as many frames
// as Chunk says, or until fine those that are there already, and at least one.
func (b *Broadcaster) chunkEnd(next int64, fine time.Time) int64 {
	end := next + int64(b.cfg.Chunk)
	if now := time.Now(); now.Before(fine) {
		end = min(end, max(next+1, b.clock.produced(now)))
	}
	return min(end, b.clock.frames)
}

// chunk makes the frames from next to before end.
func (b *Broadcaster) chunk(next, end int64) []byte {
	b.buf = b.buf[:0]
	for ; next < end; next++ {
		b.buf = frame.Append(b.buf, b.cfg.Kind, b.id, uint64(next))
	}
	return b.buf
}

// send writes p whole, within the client's limit and not beyond the show.
func (b *Broadcaster) send(show context.Context, c *conn, p []byte) (int, error) {
	if limit := b.cfg.Persona.Deadlines.Write; limit > 0 {
		c.SetWriteDeadline(time.Now().Add(limit))
	}
	if err := show.Err(); err != nil { // after the line above: it may have undone the end's own deadline
		return 0, err
	}
	return c.put(p)
}

// sendPreamble sends what comes in front of the audio.
func (b *Broadcaster) sendPreamble(show context.Context, c *conn) error {
	if c.form.Ready != nil {
		b.buf = c.form.Ready(b.buf[:0], b.request)
		if _, err := c.Write(b.buf); err != nil {
			return err
		}
	}
	if b.cfg.Persona.Preamble == "" {
		return nil
	}
	_, err := b.send(show, c, []byte(b.cfg.Persona.Preamble))
	return err
}

type awaited int

const (
	due awaited = iota
	peerEnded
	answered
	showOver
)

// await waits until t, unless the show or what the peer sends ends before, or the
// answer comes that the client does not read.
func (b *Broadcaster) await(show context.Context, c *conn, t time.Time, ended <-chan struct{}) awaited {
	d := time.Until(t)
	if d <= 0 {
		return due
	}
	var answer <-chan struct{}
	if c.unjudged() {
		answer = c.answered
	}
	b.timer.Reset(d)
	select {
	case <-b.timer.C:
		return due
	case <-answer:
		return answered
	case <-ended:
		return peerEnded
	case <-show.Done():
		return showOver
	}
}

// lost is the event of a connection on which a write failed with err, or whose
// end the client noticed otherwise (nil).
func (b *Broadcaster) lost(show context.Context, c *conn, err error) Event {
	class := b.why(c, err)
	if show.Err() != nil {
		return Event{}
	}
	return Event{Kind: Lost, Peer: c.peer, Class: class, Frame: c.next}
}

// why finds the class of a loss. A system tells an error once: a write that was told
// of a reset leaves an end of file for the reader. An end of file that came before a
// reset is the loss, and a write is told of a broken pipe then, which says no more.
func (b *Broadcaster) why(c *conn, err error) Class {
	if c.dropped.Load() {
		return Dropped
	}
	if isTimeout(err) {
		return Timeout
	}
	if errors.Is(err, syscall.ECONNRESET) {
		return Reset
	}
	b.timer.Reset(afterthought)
	select {
	case <-c.ended:
		return c.how
	case <-b.timer.C:
		return EOF
	}
}

// hangUp ends the show's last connection: the frames before end that were still
// waiting to fill a chunk, nothing more to send, a moment for the peer to close too, then close.
func (b *Broadcaster) hangUp(c *conn, end int64) {
	b.setLive(nil)
	defer b.close(c)
	if !b.flush(c, end) || !c.finish() {
		return
	}
	if h, ok := c.Conn.(interface{ CloseWrite() error }); !ok || h.CloseWrite() != nil {
		return
	}
	b.timer.Reset(goodbye)
	select {
	case <-c.ended:
	case <-b.timer.C:
	}
}

// flush sends the frames before end that were not sent yet, unless a piece of one was.
func (b *Broadcaster) flush(c *conn, end int64) bool {
	c.SetWriteDeadline(time.Now().Add(goodbye))
	for c.next < end && !c.torn {
		n, err := c.put(b.chunk(c.next, min(end, c.next+int64(b.cfg.Chunk))))
		c.handed(n, b.cfg.Kind.Size(), err)
		if err != nil {
			return false
		}
	}
	return true
}

// close closes a connection and waits for its reader.
func (b *Broadcaster) close(c *conn) {
	b.setLive(nil)
	c.Close()
	<-c.ended
}

// whenDone calls f when ctx is done, unless stopped before. Once stop has
// returned, f does not run any more.
func whenDone(ctx context.Context, f func()) (stop func()) {
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		f()
	})
	return func() {
		if !cancel() {
			<-done
		}
	}
}
