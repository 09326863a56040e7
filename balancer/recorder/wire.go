package recorder

import (
	"errors"
	"net"
	"os"
	"time"

	"deadair/balancer/icecast"
)

// wire is a connection that gives back what was read with a head but does not belong
// to it.
type wire struct {
	net.Conn
	rest []byte
}

func (w *wire) Read(p []byte) (int, error) {
	if len(w.rest) == 0 {
		return w.Conn.Read(p)
	}
	n := copy(p, w.rest)
	if w.rest = w.rest[n:]; len(w.rest) == 0 {
		w.rest = nil
	}
	return n, nil
}

// readHead reads the next head.
func (w *wire) readHead(timeout time.Duration) (*icecast.Head, error) {
	if err := w.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	h, err := icecast.ReadHead(w)
	if err != nil {
		return nil, err
	}
	w.rest = append(h.Rest, w.rest...)
	h.Rest = nil
	return h, nil
}

// lingerBytes is the most that is read from a peer that was turned away.
const lingerBytes = 256 << 10

// linger reads what a peer still sends after its last answer, so that closing does not
// become a reset that takes the answer away.
func (w *wire) linger(timeout time.Duration) {
	half, ok := w.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	if err := w.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return
	}
	var buf [2 << 10]byte
	for left := lingerBytes; left > 0; {
		n, err := w.Conn.Read(buf[:])
		if err != nil {
			return
		}
		left -= n
	}
}

// glance is how long a look at a peer may take.
const glance = 10 * time.Millisecond

// present looks whether a peer who is sent nothing at the moment is still there, and
// takes what he has sent, which is of no interest. Who has only closed his side of the
// connection cannot be told from who has left, and counts as him.
func (w *wire) present() error {
	if err := w.SetReadDeadline(time.Now().Add(glance)); err != nil {
		return err
	}
	var buf [512]byte
	for left := lingerBytes; left > 0; {
		n, err := w.Conn.Read(buf[:])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}
