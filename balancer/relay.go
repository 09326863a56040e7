package balancer

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"deadair/balancer/icecast"
)

// bufferSize is the most that one read takes from a source, in bytes: a second of
// 128 kbit/s.
const bufferSize = 16 << 10

// body is what a head tells about what follows it.
type body struct {
	begun   []byte // came with the head
	chunked bool
}

// relay carries the source's bytes to the recorder until one of them ends, and
// tells which. The source's end is handed on as such: the recorder takes what is
// still on its way and closes.
func (b *Balancer) relay(s *show) ending {
	p := b.newPump(s)
	from, why := p.begin(s.client, s.body)
	s.body = body{} // not to be kept for as long as the show lasts
	if why == "" {
		why = p.copy(from)
	}
	p.timer.Stop()
	if why == endSource {
		b.handOn(s)
	}
	return why
}

// newPump is the pump of a show. It is not inlined, so that the pump does not lie on
// the stack of the goroutine that runs it for hours.
//
//go:noinline
func (b *Balancer) newPump(s *show) *pump {
	return &pump{
		buffers: &b.buffers, to: s.upstream, stall: b.cfg.StallTimeout, batch: b.cfg.Batch, since: b.began,
		haste: s.haste, stop: s.ended, count: b.metrics.relayed.Add, timer: time.NewTimer(time.Hour),
	}
}

// handOn tells the recorder that the source has ended, and waits for its end.
func (b *Balancer) handOn(s *show) {
	s.sourceDone.Store(true)
	if half, ok := s.upstream.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	linger := time.NewTimer(b.cfg.LingerTimeout)
	defer linger.Stop()
	select {
	case <-s.ended: // the recorder has closed
	case <-linger.C:
	}
}

// pump copies one source's bytes.
type pump struct {
	buffers pool
	to      net.Conn
	stall   time.Duration   // a write may take this long, and up to a sixteenth more
	refresh time.Duration   // when the deadline of writes is set again, counted from since
	batch   time.Duration   // rest between two reads; ≤ 0: none
	since   time.Time       // from when time is counted, the same for all pumps
	step    time.Duration   // rests end on a multiple of it, for many pumps at once; 0: each for itself
	haste   <-chan struct{} // ends a rest
	stop    <-chan struct{} // ends all
	count   func(float64)
	timer   *time.Timer
}

// pool is a sync.Pool of *[bufferSize]byte.
type pool interface {
	Get() any
	Put(any)
}

// begin copies what came with the head, and returns where all that follows comes from.
func (p *pump) begin(client net.Conn, b body) (from source, why ending) {
	from = p.open(client)
	if b.chunked {
		chunks := &chunkedReader{from: from}
		n, err := chunks.Strip(b.begun)
		return chunks, p.pass(b.begun[:n], err)
	}
	return from, p.write(b.begun)
}

// open is the cheapest way to read from a connection.
func (p *pump) open(client net.Conn) source {
	if s, ok := client.(*secureConn); ok {
		return s.reader(p.open(s.wire.Conn), p.buffers)
	}
	if raw := newRawReader(client, p.buffers, p.batch > 0); raw != nil {
		p.step = max(p.batch, 0) / stepsPerBatch
		return raw
	}
	return &plainReader{r: client, buffers: p.buffers}
}

// source reads into a buffer of the pool, which the caller gives back. more tells
// that there may be more to read at once.
type source interface {
	next() (buf *[bufferSize]byte, n int, more bool, err error)
}

// copy is the hot path: read, write, rest. Resting lets bytes gather, so that
// sources that send often cost no more than others.
func (p *pump) copy(from source) ending {
	for {
		buf, n, more, err := from.next()
		why := p.pass(buf[:n], err)
		p.buffers.Put(buf)
		switch {
		case why != "":
			return why
		case !more && !p.rest():
			return endStopped
		}
	}
}

// pass hands data on, and tells what an error of its reader means.
func (p *pump) pass(data []byte, err error) ending {
	why := p.write(data)
	switch {
	case why != "":
		return why
	case errors.Is(err, io.EOF):
		return endSource
	case errors.Is(err, icecast.ErrBodyMalformed):
		return endSourceBad
	case err != nil:
		return endSourceLost
	}
	return ""
}

func (p *pump) write(data []byte) ending {
	if len(data) == 0 {
		return ""
	}
	if now := time.Since(p.since); now >= p.refresh { // so that it is not set for each write
		p.refresh = now + p.stall/16
		p.to.SetWriteDeadline(p.since.Add(p.refresh + p.stall))
	}
	n, err := p.to.Write(data)
	p.count(float64(n))
	switch {
	case err == nil:
		return ""
	case errors.Is(err, os.ErrDeadlineExceeded):
		return endStalled
	}
	return endRecorder
}

// stepsPerBatch is how many times a batch the pumps of sockets wake. What a show costs
// is the waking of a sleeping thread rather than its bytes, so they wake together.
const stepsPerBatch = 8

// rest waits for more bytes to gather. It returns false when the show has ended.
func (p *pump) rest() bool {
	if p.batch <= 0 {
		return true
	}
	d := p.batch
	if p.step > 0 {
		d -= time.Since(p.since) % p.step
	}
	p.timer.Reset(d)
	select {
	case <-p.timer.C:
		return true
	case <-p.haste:
		return true
	case <-p.stop:
		return false
	}
}

// plainReader reads from anything. It holds its buffer while it waits.
type plainReader struct {
	r       io.Reader
	buffers pool
}

func (r *plainReader) next() (*[bufferSize]byte, int, bool, error) {
	buf := r.buffers.Get().(*[bufferSize]byte)
	n, err := r.r.Read(buf[:])
	return buf, n, n == bufferSize, err
}

// chunkedReader takes the framing out of a chunked body.
type chunkedReader struct {
	icecast.Dechunker
	from source
}

func (r *chunkedReader) next() (*[bufferSize]byte, int, bool, error) {
	buf, n, more, err := r.from.next()
	n, over := r.Strip(buf[:n])
	switch {
	case over != nil:
		err = over
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF // the last chunk has not come
	}
	return buf, n, more, err
}
