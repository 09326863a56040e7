package broadcaster

import (
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// conn is a connection on which the stream is sent. One goroutine reads it to its end.
type conn struct {
	net.Conn
	peer     netip.Addr
	form     Form
	began    time.Time     // when it was dialled
	first    int64         // frame
	next     int64         // the first frame not handed over
	torn     bool          // what was sent ends in the middle of a frame, or of a chunk
	accepted bool          // as far as the witness knows
	judged   bool          // the answer of a Blind form was
	room     []byte        // for one chunk
	dropped  atomic.Bool   // by Drop
	answered chan struct{} // closed when reply is there; nil when it was read before
	reply    Reply
	ended    chan struct{} // closed when there is nothing more to read
	how      Class         // why, once ended is closed
}

// newConn begins to send the stream on a connection, with the next frame.
func (b *Broadcaster) newConn(d dialed, form Form) *conn {
	next := b.clock.produced(time.Now())
	c := &conn{Conn: d.Conn, peer: d.peer, form: form, began: d.began, first: next, next: next, ended: make(chan struct{})}
	if form.Blind {
		c.answered = make(chan struct{})
	}
	go c.read()
	return c
}

// unjudged tells whether nobody has looked at the answer yet.
func (c *conn) unjudged() bool { return c.answered != nil && !c.judged }

func (c *conn) read() {
	defer close(c.ended)
	var answer []byte
	var b [512]byte
	waiting := c.answered != nil
	for {
		n, err := c.Read(b[:])
		if waiting {
			answer = append(answer, b[:n]...)
			waiting = err == nil && !answerEnds(answer) && len(answer) < maxAnswer
			if !waiting && len(answer) > 0 {
				c.reply = Reply{Class: Answered, Status: c.form.status(string(answer))}
				close(c.answered)
			}
		}
		if err != nil {
			c.how = classify(err)
			return
		}
	}
}

// drop cuts the connection; the peer sees a reset where the network can make one.
func (c *conn) drop() {
	c.dropped.Store(true)
	if l, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		l.SetLinger(0)
	}
	c.Close()
}

// put writes p, in a chunk if the form has it so. It returns how many bytes of p were written.
func (c *conn) put(p []byte) (int, error) {
	if c.form.Chunk == "" {
		return c.Write(p)
	}
	c.room = fmt.Appendf(c.room[:0], c.form.Chunk, len(p))
	head := len(c.room)
	c.room = append(append(c.room, p...), "\r\n"...)
	n, err := c.Write(c.room)
	return min(max(0, n-head), len(p)), err
}

// handed counts the frames in n bytes that were written.
func (c *conn) handed(n, size int, err error) {
	c.next += int64(n / size)
	c.torn = n%size != 0 || err != nil && c.form.Chunk != ""
}

// finish ends a chunked body.
func (c *conn) finish() bool {
	if c.form.Chunk == "" || c.torn {
		return true
	}
	_, err := fmt.Fprintf(c, c.form.Chunk+"\r\n", 0)
	return err == nil
}
