package link

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
)

// maxKept is how many bytes a stalled direction keeps in memory. Beyond them it
// stops reading, and the sender's own buffers fill, as on a real network.
const maxKept = 256 << 10

// verdict is what becomes of bytes that arrive now.
type verdict int

const (
	pass verdict = iota
	withhold
	swallow
)

// way is one direction of a connection. One goroutine, the pump, reads and
// writes; faults come and go from others.
type way struct {
	conn     *conn
	src, dst *socket       // src of the way back and dst of the way forth are set when the target is connected
	wake     chan struct{} // a fault came or went

	// guarded by conn.mu
	faults []*Fault
	chain  *chain // nil while no toxic is in force
	lost   bool   // something was swallowed
	done   bool   // it has ended

	// the pump's own
	kept []byte
	end  error   // of src, not passed on yet
	buf  *buffer // holds what next returned last
}

// verdict is what the faults in force make of bytes. The caller holds conn.mu.
func (w *way) verdict() verdict {
	v := pass
	for _, f := range w.faults {
		v = max(v, f.does())
	}
	return v
}

// judge decides about n bytes, or an end, that arrived, and counts them at the faults that hit them.
func (w *way) judge(n int, ended bool) verdict {
	w.conn.mu.Lock()
	defer w.conn.mu.Unlock()
	if len(w.faults) == 0 {
		return pass
	}
	v := w.verdict()
	if n == 0 && (!ended || v == pass) {
		return v
	}
	for _, f := range w.faults {
		if f.does() == v {
			w.conn.touch(f)
			f.bytes.Add(int64(n))
		}
	}
	w.lost = w.lost || v == swallow
	return v
}

// run pumps until the source ends or the target cannot be written to.
func (w *way) run() {
	defer w.conn.finish(w)
	defer w.release()
	for {
		p, err := w.next()
		if err == nil {
			if err = w.deliver(p); err == nil {
				continue
			}
			w.conn.snap()
			w.abort()
			return
		}
		if errors.Is(err, io.EOF) && !w.conn.doomed() && w.flush() == nil {
			w.dst.hangUp()
			w.conn.finish(w)
			w.attend()
			return
		}
		w.conn.reset()
		return
	}
}

// attend looks, after the end of this direction, for a reset that comes from the
// same side while the other direction still runs.
func (w *way) attend() {
	for w.conn.runs() {
		reset, err := w.src.watch()
		if err != nil {
			w.src.settle()
			continue
		}
		if reset && w.open() == nil {
			w.conn.reset()
		}
		return
	}
}

// next returns bytes that may pass now, good until the next call, or the end of the direction.
func (w *way) next() ([]byte, error) {
	w.release()
	for {
		if err := w.open(); err != nil {
			return nil, err
		}
		if p := w.kept; len(p) > 0 {
			w.kept = nil
			return p, nil
		}
		if w.end != nil {
			return nil, w.end
		}
		if p := w.read(); p != nil {
			return p, nil
		}
	}
}

// open waits until bytes may pass. Meanwhile it keeps what arrives, or discards it.
func (w *way) open() error {
	for {
		v := w.judge(0, false)
		if v == pass {
			return w.conn.alive()
		}
		if v == swallow && (len(w.kept) > 0 || w.end != nil) {
			w.judge(len(w.kept), w.end != nil)
			w.kept = nil
		}
		if w.end == nil && len(w.kept) < maxKept {
			p := w.read()
			w.kept = append(w.kept, p...)
			w.release()
			continue
		}
		select {
		case <-w.wake:
		case <-w.conn.gone:
		}
		if err := w.conn.alive(); err != nil {
			return err
		}
	}
}

// read waits for bytes of the source. It returns those that may pass and keeps or
// discards the others; it returns nothing when a fault came or went.
func (w *way) read() []byte {
	pool := &w.conn.link.set.buffers
	b, n, err := w.src.take(pool)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.src.settle()
		return nil
	}
	if err != nil {
		w.end = err
	}
	w.buf = b
	switch w.judge(n, err != nil) {
	case withhold:
		w.kept = append(w.kept, b[:n]...)
	case pass:
		if n > 0 {
			return b[:n]
		}
	}
	w.release()
	return nil
}

// release gives the buffer of the last read back.
func (w *way) release() {
	if w.buf != nil {
		w.conn.link.set.buffers.Put(w.buf)
		w.buf = nil
	}
}

// deliver writes bytes to the target: at once, or through the toxics in force.
func (w *way) deliver(p []byte) error {
	ch, wanted, err := w.path()
	if err != nil {
		return err
	}
	if ch != nil && !wanted {
		if err := w.flush(); err != nil {
			return err
		}
		ch = nil
	}
	if ch != nil {
		return ch.write(p)
	}
	_, err = w.dst.Write(p)
	return err
}

// path is the chain of toxics, if any, and whether it is still wanted. It is made
// for the first bytes after a toxic came.
func (w *way) path() (ch *chain, wanted bool, err error) {
	w.conn.mu.Lock()
	defer w.conn.mu.Unlock()
	toxics := slices.DeleteFunc(slices.Clone(w.faults), func(f *Fault) bool { return f.toxic == "" })
	if len(toxics) == 0 {
		return w.chain, false, nil
	}
	if w.conn.over {
		return nil, false, net.ErrClosed
	}
	if w.chain == nil {
		w.chain, err = newChain(w.conn.link.set, w.dst, toxics)
	}
	return w.chain, true, err
}

// flush waits until the chain has delivered all it holds, and drops it.
func (w *way) flush() error {
	w.conn.mu.Lock()
	ch := w.chain
	w.conn.mu.Unlock()
	if ch == nil {
		return nil
	}
	err := ch.finish()
	w.conn.mu.Lock()
	w.chain = nil
	w.conn.mu.Unlock()
	return err
}

// abort drops the chain with all it holds.
func (w *way) abort() {
	w.conn.mu.Lock()
	ch := w.chain
	w.conn.mu.Unlock()
	if ch != nil {
		ch.abort()
	}
}

// rouse has the pump look at its faults again. The caller holds conn.mu.
func (w *way) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
	if w.src != nil {
		w.src.poke()
	}
}
