// Package console talks to Redis as a person at redis-cli does: a command, its
// answer, the next one. It owns one connection that it was given, and neither
// dials nor tries again.
package console

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/alicebob/miniredis/v2/proto"
)

// patience is how long an answer may take when the caller sets no deadline.
const patience = 5 * time.Second

// Refusal is an error that Redis answered; any other error is the connection's.
type Refusal struct{ Text string }

// Error implements error.
func (r *Refusal) Error() string { return "redis answered: " + r.Text }

// Console is one connection to Redis, for one goroutine at a time.
type Console struct {
	conn    net.Conn
	answers *bufio.Reader
}

// New takes over a connection.
func New(conn net.Conn) *Console {
	return &Console{conn: conn, answers: bufio.NewReader(conn)}
}

// Close closes the connection.
func (c *Console) Close() error { return c.conn.Close() }

// Do sends a command and returns its answer: a string, an int, nil or a list of
// them. It ends by the deadline of ctx, or after 5 s. After an error that is no
// Refusal the console is of no more use.
func (c *Console) Do(ctx context.Context, words ...string) (any, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(patience)
	}
	if err := c.conn.SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("ask redis: %w", err)
	}
	if _, err := io.WriteString(c.conn, proto.Strings(words...)); err != nil {
		return nil, fmt.Errorf("ask redis: %w", err)
	}
	raw, err := proto.Read(c.answers)
	if err != nil {
		return nil, fmt.Errorf("ask redis: %w", err)
	}
	if text, err := proto.ReadError(raw); err == nil {
		return nil, &Refusal{text}
	}
	answer, err := proto.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("read the answer of redis: %w", err)
	}
	return answer, nil
}
