package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
)

// chain is one direction of a connection on its way through toxiproxy's toxics.
// It exists only while a toxic is in force.
type chain struct {
	in     *io.PipeWriter
	toxics *toxiproxy.ToxicCollection
	out    *spool
}

// newChain starts a chain that writes to dst.
func newChain(s *Set, dst io.Writer, faults []*Fault) (*chain, error) {
	c := &chain{toxics: toxiproxy.NewToxicCollection(s.proxy), out: newSpool(dst)}
	for _, f := range faults {
		if _, err := c.toxics.AddToxicJson(strings.NewReader(f.toxic)); err != nil {
			return nil, fmt.Errorf("add toxic %s: %w", f.toxic, err)
		}
	}
	r, w := io.Pipe()
	c.in = w
	s.wg.Go(c.out.run)
	c.toxics.StartLink(s.server, "link", r, c.out, stream.Upstream)
	return c, nil
}

// write puts bytes into the chain. It waits while the toxics hold too many already.
func (c *chain) write(p []byte) error {
	if err := c.out.failed(); err != nil {
		return err
	}
	_, err := c.in.Write(p)
	return err
}

// add puts a toxic into the running chain.
func (c *chain) add(f *Fault) error {
	c.out.lift()
	defer c.out.lower()
	_, err := c.toxics.AddToxicJson(strings.NewReader(f.toxic))
	return err
}

// remove takes a toxic out; what it holds is delivered at once. The spool is
// lifted meanwhile: toxiproxy drops bytes it cannot hand on within 5 s.
func (c *chain) remove(f *Fault) error {
	c.out.lift()
	defer c.out.lower()
	err := c.toxics.RemoveToxic(context.Background(), f.name)
	if errors.Is(err, toxiproxy.ErrToxicNotFound) {
		return nil // the chain was made after the fault had gone
	}
	return err
}

// finish ends the input and returns when all of it is written.
func (c *chain) finish() error {
	c.in.Close()
	<-c.out.done
	return c.out.failed()
}

// abort ends the chain at once; what it holds is discarded.
func (c *chain) abort() {
	c.out.fail(io.ErrClosedPipe)
	c.toxics.ResetToxics(context.Background())
	c.in.Close()
}

// maxSpool is how many bytes wait for the target behind the toxics.
const maxSpool = 64 << 10

// spool takes what comes out of the toxics and writes it to the target. It never
// tells the toxics of an error, for toxiproxy's goroutines end only when all that
// they hold has been taken from them.
type spool struct {
	dst  io.Writer
	done chan struct{} // closed when all is written after Close

	mu     sync.Mutex
	moved  *sync.Cond // something below changed
	bytes  []byte
	lifted int // edits of the chain in progress: no limit meanwhile
	closed bool
	err    error
}

func newSpool(dst io.Writer) *spool {
	s := &spool{dst: dst, done: make(chan struct{})}
	s.moved = sync.NewCond(&s.mu)
	return s
}

// Write takes bytes from the toxics. It never fails.
func (s *spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.bytes) >= maxSpool && s.lifted == 0 && s.err == nil {
		s.moved.Wait()
	}
	if s.err == nil {
		s.bytes = append(s.bytes, p...)
		s.moved.Broadcast()
	}
	return len(p), nil
}

// Close tells that no more bytes come.
func (s *spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.moved.Broadcast()
	return nil
}

// run writes until all is written.
func (s *spool) run() {
	defer close(s.done)
	var batch []byte
	for {
		batch = s.take(batch[:0])
		if len(batch) == 0 {
			return
		}
		if _, err := s.dst.Write(batch); err != nil {
			s.fail(err)
		}
	}
}

// take waits for bytes and returns all there are; none at the end. The spool goes on with the spare buffer.
func (s *spool) take(spare []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.bytes) == 0 && !s.closed {
		s.moved.Wait()
	}
	batch := s.bytes
	s.bytes = spare
	s.moved.Broadcast()
	return batch
}

func (s *spool) lift() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifted++
	s.moved.Broadcast()
}

func (s *spool) lower() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifted--
}

// fail discards what waits and what will come.
func (s *spool) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.bytes = nil
	s.moved.Broadcast()
}

func (s *spool) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
