package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// health is a recorder's answer to GET /health.
type health struct {
	Status   string `json:"status"`
	Capacity int    `json:"capacity"`
	Sources  int    `json:"sources"`
}

// state is what a recorder says of itself.
func (h health) state() (State, error) {
	switch h.Status {
	case "ok":
		return Up, nil
	case "full":
		return Full, nil
	case "draining":
		return Draining, nil
	case "failing":
		return Failing, nil
	}
	return Unknown, fmt.Errorf("%w: unknown status %q", errNonsense, h.Status)
}

var healthRequest = getRequest("/health", true)

// looker asks one recorder for its health over a connection that it keeps. It is
// not safe for concurrent use.
type looker struct {
	dial     Dial
	addr     string
	deadline time.Duration // of one look, its connection included

	conn    net.Conn    // nil when there is none
	release func() bool // forgets to close conn when the watch ends
}

// look asks once. A kept connection that turns out to be closed is replaced at
// once; one that keeps silent costs the whole deadline and is given up.
func (l *looker) look(ctx context.Context) (health, State, error) {
	deadline := time.Now().Add(l.deadline)
	kept := l.conn != nil
	h, s, err := l.ask(ctx, deadline)
	if err != nil && kept && !errors.Is(err, os.ErrDeadlineExceeded) {
		h, s, err = l.ask(ctx, deadline)
	}
	if err != nil && time.Since(deadline) > l.deadline/20 {
		err = fmt.Errorf("%w: %w", errLate, err)
	}
	return h, s, err
}

// errLate is a failed look that was itself noticed late: this process gets no time
// to run, and silence proves nothing about the recorder.
var errLate = errors.New("look came too late to tell")

func (l *looker) ask(ctx context.Context, deadline time.Time) (health, State, error) {
	if err := l.connect(ctx, deadline); err != nil {
		return health{}, Unknown, err
	}
	l.conn.SetDeadline(deadline)
	status, body, keep, err := exchange(l.conn, healthRequest)
	if err != nil || !keep {
		l.close()
	}
	if err != nil {
		return health{}, Unknown, err
	}
	return readHealth(status, body)
}

func readHealth(status int, body []byte) (health, State, error) {
	if status != http.StatusOK && status != http.StatusServiceUnavailable {
		return health{}, Unknown, fmt.Errorf("%w: status %d", errNonsense, status)
	}
	var h health
	if err := json.Unmarshal(body, &h); err != nil {
		return health{}, Unknown, fmt.Errorf("%w: %w", errNonsense, err)
	}
	state, err := h.state()
	return h, state, err
}

// connect makes a connection unless there is one. It is closed when ctx is done.
func (l *looker) connect(ctx context.Context, deadline time.Time) error {
	if l.conn != nil {
		return nil
	}
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := l.dial(dialing, "tcp", l.addr)
	if err != nil {
		return err
	}
	l.conn = conn
	l.release = context.AfterFunc(ctx, func() { conn.Close() })
	return nil
}

func (l *looker) close() {
	if l.conn != nil {
		l.release()
		l.conn.Close()
		l.conn = nil
	}
}
