//go:build linux

package realclient_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// wire reads the packets between the client and the servers: when the client began
// which connection to whom, what it asked for, when a server ended it.
type wire struct {
	file  *os.File
	ended chan struct{}

	mu      sync.Mutex
	conns   []*conn
	lookups []time.Time // the client's questions to the name server
}

// conn is one attempt of the client to connect.
type conn struct {
	port    uint16     // the client's
	to      netip.Addr // a balancer
	service uint16     // its port
	began   time.Time  // its SYN
	head    string     // what the client sent first
	sent    int        // bytes that the client sent
	refused bool       // no server listened
	cut     time.Time  // a server ended it; zero: it has not
}

// Flags in a TCP segment's fourteenth byte.
const (
	tcpFin = 1
	tcpSyn = 2
	tcpRst = 4
	tcpAck = 16
)

const (
	headKept = 2 << 10 // of a packet, and about that much of a head
	carrying = 8 << 10 // a connection that has sent so much carries a show
	waiting  = 8 << 20 // bytes that the kernel keeps while the machine is busy
)

// watch reads what passes in a namespace.
func watch(s space) (*wire, error) {
	w := &wire{ended: make(chan struct{})}
	err := s.do(func() error {
		// With a narrower protocol the kernel shows only what comes in.
		all := int(binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL)))
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, all)
		if err != nil {
			return err
		}
		w.file = os.NewFile(uintptr(fd), "packets")
		// A machine that is busy has this process read late: the kernel tells when a packet came.
		return errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1), unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, waiting))
	})
	if err != nil {
		return nil, fmt.Errorf("watch the packets: %w", err)
	}
	go w.read()
	return w, nil
}

func (w *wire) close() {
	w.file.Close()
	<-w.ended
}

func (w *wire) read() {
	defer close(w.ended)
	raw, err := w.file.SyscallConn()
	if err != nil {
		return
	}
	buf, stamp := make([]byte, headKept), make([]byte, unix.CmsgSpace(16))
	for {
		var n, stamped int
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, stamped, _, _, failed = unix.Recvmsg(int(fd), buf, stamp, 0)
			return !errors.Is(failed, unix.EAGAIN) && !errors.Is(failed, unix.EINTR)
		})
		if errors.Join(err, failed) != nil {
			return
		}
		w.packet(buf[:n], cameAt(stamp[:stamped]))
	}
}

// cameAt is when a packet came, by the kernel's word.
func cameAt(stamp []byte) time.Time {
	messages, _ := unix.ParseSocketControlMessage(stamp)
	for _, m := range messages {
		if m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		}
	}
	return time.Now()
}

// packet takes note of an IPv4 packet.
func (w *wire) packet(p []byte, at time.Time) {
	const udpHead = 8
	if len(p) < 20 || p[0]>>4 != 4 {
		return
	}
	from, to := netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20]))
	head, size := int(p[0]&15)*4, int(binary.BigEndian.Uint16(p[2:]))
	if len(p) < head+udpHead || size < head+udpHead {
		return
	}
	body := p[head:min(len(p), size)] // a short packet may be followed by padding
	w.mu.Lock()
	defer w.mu.Unlock()
	switch p[9] {
	case unix.IPPROTO_UDP:
		if from.String() == home && binary.BigEndian.Uint16(body[2:]) == dnsPort {
			w.lookups = append(w.lookups, at)
		}
	case unix.IPPROTO_TCP:
		w.segment(from, to, body, size-head, at)
	}
}

// segment takes note of a TCP segment that belongs to the ingest's ports. It may be cut.
func (w *wire) segment(from, to netip.Addr, tcp []byte, size int, at time.Time) {
	if len(tcp) < 20 {
		return
	}
	source, target, flags := binary.BigEndian.Uint16(tcp), binary.BigEndian.Uint16(tcp[2:]), tcp[13]
	head := int(tcp[12]>>4) * 4
	switch {
	case from.String() == home && ingestPort <= target && target <= ingestPort+1:
		w.asked(source, netip.AddrPortFrom(to, target), flags, tcp[min(head, len(tcp)):], size-head, at)
	case to.String() == home && ingestPort <= source && source <= ingestPort+1:
		w.answered(target, flags, at)
	}
}

func (w *wire) asked(port uint16, to netip.AddrPort, flags byte, data []byte, size int, at time.Time) {
	c := w.find(port)
	if flags&(tcpSyn|tcpAck) == tcpSyn {
		if c == nil || c.sent > 0 || c.refused { // otherwise it is sent again
			w.conns = append(w.conns, &conn{port: port, to: to.Addr(), service: to.Port(), began: at})
		}
		return
	}
	if c == nil {
		return
	}
	c.sent += size
	if len(c.head) < headKept && !strings.Contains(c.head, "\n\r\n") {
		c.head += string(data) // DarkIce sends it in pieces
	}
}

func (w *wire) answered(port uint16, flags byte, at time.Time) {
	c := w.find(port)
	if c == nil || flags&(tcpFin|tcpRst) == 0 {
		return
	}
	c.refused = c.refused || flags&tcpRst != 0 && c.sent == 0
	if c.cut.IsZero() {
		c.cut = at
	}
}

// find returns the last connection from a port.
func (w *wire) find(port uint16) *conn {
	for _, c := range slices.Backward(w.conns) {
		if c.port == port {
			return c
		}
	}
	return nil
}

// since returns the connections that began later than a moment.
func (w *wire) since(t time.Time) (later []conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		if c.began.After(t) {
			later = append(later, *c)
		}
	}
	return later
}

// lookedUp tells whether the client asked the name server between two moments.
func (w *wire) lookedUp(from, to time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.lookups, func(t time.Time) bool { return t.After(from) && t.Before(to) })
}

// source returns the last connection after a moment that carries a show.
func (w *wire) source(after time.Time) (last conn, ok bool) {
	for _, c := range w.since(after) {
		if c.sent >= carrying {
			last, ok = c, true
		}
	}
	return last, ok
}

// now returns a connection as it is now.
func (w *wire) now(c conn) conn {
	for _, again := range w.since(c.began.Add(-1)) {
		if again.port == c.port && again.began.Equal(c.began) {
			return again
		}
	}
	return c
}

// request says what a connection was for.
func (c conn) request() string {
	method, rest, _ := strings.Cut(c.head, " ")
	switch {
	case c.refused:
		return "refused"
	case strings.HasPrefix(c.head, "\x16"):
		return "tls"
	case method == "OPTIONS" || strings.HasPrefix(rest, "/admin/!POKE"):
		return "poke"
	case strings.HasPrefix(rest, "/admin/") && !c.authorized():
		return "title without credentials"
	case strings.HasPrefix(rest, "/admin"):
		return "title"
	case method == "SOURCE" || method == "PUT" || method == "POST":
		if !c.authorized() {
			return method + " without credentials"
		}
		return method
	case c.head != "" && !strings.Contains(c.head, " HTTP/"):
		return "password"
	}
	return "other"
}

// title is what a request tells is playing.
func (c conn) title() string {
	_, query, _ := strings.Cut(c.head, "?")
	query, _, _ = strings.Cut(query, " ")
	values, _ := url.ParseQuery(query) // what parses comes with the error
	return cmp.Or(values.Get("title"), values.Get("song"))
}

func (c conn) authorized() bool { return strings.Contains(c.head, "Authorization: Basic ") }
