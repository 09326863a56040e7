package broadcaster

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// Kind says what an Event reports.
type Kind string

const (
	// OnAir is the instant of frame 0.
	OnAir Kind = "on-air"
	// OffAir is the end of the show: frames 0 to Frame-1 were produced.
	OffAir Kind = "off-air"
	// Resolved is an answer of the resolver: Hosts in its order, or Class.
	Resolved Kind = "resolved"
	// Attempt is one try to connect that is over: Peer (none when unresolved),
	// Took, Class, and Status when answered. Frame is the first that will be sent
	// when accepted. A try that another address overtook is not reported, nor is a
	// Question that was answered. Of a Blind form it is reported when the answer comes.
	Attempt Kind = "attempt"
	// Lost is a connection that ended during the show, when the client noticed:
	// Peer, Class, and Frame, the first that was not handed to it whole.
	Lost Kind = "lost"
	// GaveUp is a client that will not try again, so that its show is lost for good.
	// Peer, Class and Status as of its last Attempt, or of the Lost that ended it.
	GaveUp Kind = "gave-up"
)

// Class is how something went, in place of an error's text.
type Class string

const (
	Accepted   Class = "accepted"   // the server took the stream
	Answered   Class = "answered"   // the server said something else: see Status
	Refused    Class = "refused"    // nobody listens there, or no way leads there
	Reset      Class = "reset"      // the connection was reset
	EOF        Class = "eof"        // the other end closed it
	Timeout    Class = "timeout"    // nothing came, or nothing left, in time
	Unresolved Class = "unresolved" // the name has no address
	Dropped    Class = "dropped"    // the broadcaster's own network ended it
)

// Event is one thing that a broadcaster observed. Fields that a kind does not
// use are zero.
type Event struct {
	Kind   Kind
	Peer   netip.Addr
	Hosts  []netip.Addr
	Class  Class
	Status int
	Frame  int64
	Took   time.Duration // of the clock, not of the show
	Count  int           // of an Attempt that stands for several alike (see Config.Quiet); Took is that of the last
}

// classify gives the class of an error of an open connection.
func classify(err error) Class {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return EOF
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case isTimeout(err):
		return Timeout
	default:
		return Reset
	}
}

// classifyDial gives the class of an error of Dial.
func classifyDial(err error) Class {
	switch {
	case isTimeout(err):
		return Timeout
	case errors.Is(err, syscall.ECONNRESET):
		return Reset
	default:
		return Refused
	}
}

func isTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	var timed net.Error
	return errors.As(err, &timed) && timed.Timeout()
}
