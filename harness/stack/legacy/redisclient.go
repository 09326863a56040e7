package legacy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// maxQueue bounds the commands that wait for an answer. The clients of 2014 had no
// bound; a caller beyond it waits just as long, without being queued.
const maxQueue = 10_000

// client is a Redis client as they were in the summer of 2014: one connection
// for the whole process, commands in a queue, no deadline for an answer. When
// the connection ends it dials again, once in its life: the state of that retry
// is never reset. After that, or when the connection falls silent without
// ending, commands go into a connection that is dead, and their callers wait.
type client struct {
	ctx  context.Context // the process' life
	addr string
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	turn  chan struct{} // one token, for dialling and writing; guards the rest
	link  *link
	dials int
}

// link is one connection with the callers that wait for its answers.
type link struct {
	conn    net.Conn
	waiting chan chan answer // in the order of the commands
	dead    chan struct{}    // closed at the connection's end
}

type answer struct {
	value any
	err   error
}

func newClient(ctx context.Context, addr string, dial func(context.Context, string, string) (net.Conn, error)) *client {
	return &client{ctx: ctx, addr: addr, dial: dial, turn: make(chan struct{}, 1)}
}

// Eval runs a script. It ignores the deadline of its caller, as its kind did.
func (c *client) Eval(_ context.Context, script, key string, args []any) ([]any, error) {
	cmd := []string{"EVAL", script, "1", key}
	for _, a := range args {
		cmd = append(cmd, fmt.Sprint(a))
	}
	v, err := c.call(cmd)
	if err != nil {
		return nil, err
	}
	values, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("script answered a %T", v)
	}
	return values, nil
}

// Now is Redis' time.
func (c *client) Now(context.Context) (time.Time, error) {
	v, err := c.call([]string{"TIME"})
	if err != nil {
		return time.Time{}, err
	}
	parts, _ := v.([]any)
	if len(parts) != 2 {
		return time.Time{}, errors.New("TIME answered something else")
	}
	sec, err1 := strconv.ParseInt(fmt.Sprint(parts[0]), 10, 64)
	usec, err2 := strconv.ParseInt(fmt.Sprint(parts[1]), 10, 64)
	return time.Unix(sec, usec*1000), errors.Join(err1, err2)
}

// call sends a command and waits for its answer, for as long as that takes.
func (c *client) call(cmd []string) (any, error) {
	mine := make(chan answer, 1)
	select {
	case c.turn <- struct{}{}:
	case <-c.ctx.Done():
		return nil, c.ctx.Err()
	}
	l, err := c.connected()
	if err == nil {
		l.send(cmd, mine)
	}
	<-c.turn
	if err != nil {
		return nil, err
	}
	select {
	case a := <-mine:
		return a.value, a.err
	case <-c.ctx.Done():
		return nil, c.ctx.Err()
	}
}

// connected is the one connection. A dead one is replaced once; after that it is kept.
func (c *client) connected() (*link, error) {
	if c.link != nil {
		select {
		case <-c.link.dead:
		default:
			return c.link, nil
		}
		if c.dials > 1 {
			return c.link, nil
		}
	}
	conn, err := c.dial(c.ctx, "tcp", c.addr)
	if err != nil {
		return nil, err
	}
	c.dials++
	c.link = &link{conn: conn, waiting: make(chan chan answer, maxQueue), dead: make(chan struct{})}
	go c.link.read()
	context.AfterFunc(c.ctx, func() { conn.Close() })
	return c.link, nil
}

// send queues the caller and writes the command. What a dead connection makes
// of it is not looked at.
func (l *link) send(cmd []string, mine chan answer) {
	select {
	case l.waiting <- mine:
	default:
		return // the queue is full: wait without a place in it
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(cmd))
	for _, arg := range cmd {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	io.WriteString(l.conn, b.String()) //nolint:errcheck // the reader finds out, if anybody does
}

// read hands answers to callers until the connection ends; those who still wait are told.
func (l *link) read() {
	r := bufio.NewReader(l.conn)
	for {
		v, err := readReply(r)
		if err != nil {
			close(l.dead)
			l.conn.Close()
			l.fail(err)
			return
		}
		select {
		case mine := <-l.waiting:
			refusal, _ := v.(error)
			mine <- answer{v, refusal}
		default:
			l.conn.Close() // an answer that nobody asked for
		}
	}
}

// fail tells those who wait now. Who comes later waits for ever.
func (l *link) fail(err error) {
	for {
		select {
		case mine := <-l.waiting:
			mine <- answer{nil, err}
		default:
			return
		}
	}
}

// readReply reads one RESP2 reply: a string, an int64, nil, an error or a []any of them.
func readReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return nil, errors.New("empty reply")
	}
	rest := line[1:]
	switch line[0] {
	case '+':
		return rest, nil
	case '-':
		return errors.New(rest), nil
	case ':':
		return strconv.ParseInt(rest, 10, 64)
	case '$':
		return readBulk(r, rest)
	case '*':
		return readArray(r, rest)
	}
	return nil, fmt.Errorf("reply of kind %q", line[0])
}

const (
	maxBulk  = 1 << 20
	maxArray = 1 << 10
)

func readBulk(r *bufio.Reader, length string) (any, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n > maxBulk {
		return nil, fmt.Errorf("bulk of length %q", length)
	}
	if n < 0 {
		return nil, nil
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	return string(b[:n]), nil
}

func readArray(r *bufio.Reader, length string) (any, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > maxArray {
		return nil, fmt.Errorf("array of length %q", length)
	}
	all := make([]any, n)
	for i := range all {
		if all[i], err = readReply(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}
