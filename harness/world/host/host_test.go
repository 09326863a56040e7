package host

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// alone is a Network where everything is where it says.
type alone struct {
	opened, closed []int
	fail           error
}

func (*alone) Find(_ string, dst netip.AddrPort) (netip.AddrPort, error) { return dst, nil }

func (n *alone) Opened(_ string, port int, _ netip.AddrPort) error {
	n.opened = append(n.opened, port)
	return n.fail
}

func (n *alone) Closed(_ string, port int) { n.closed = append(n.closed, port) }

func (*alone) Dialed(context.Context, string, netip.AddrPort, net.Addr) {}
func (*alone) Refused(netip.AddrPort)                                   {}
func (*alone) Owner(real netip.AddrPort) netip.AddrPort                 { return real }

func newHost(name string, seed uint64, n Network) *Host {
	local := netip.MustParseAddr("127.0.0.1")
	return New(Config{Name: name, Addr: local, Bind: local, Seed: seed, Log: slog.New(slog.DiscardHandler), Net: n})
}

func TestPhase(t *testing.T) {
	phase := newHost("a", 1, nil).Env().Phase
	require.Zero(t, phase("loop", 0))
	seen := map[time.Duration]bool{}
	for _, loop := range []string{"a", "b", "c", "d"} {
		p := phase(loop, time.Minute)
		require.Equal(t, p, phase(loop, time.Minute))
		require.True(t, 0 <= p && p < time.Minute)
		seen[p] = true
	}
	require.Len(t, seen, 4)
	require.NotEqual(t, phase("a", time.Minute), newHost("b", 1, nil).Env().Phase("a", time.Minute))
	require.NotEqual(t, phase("a", time.Minute), newHost("a", 2, nil).Env().Phase("a", time.Minute))
}

func TestPortsAreTakenOnce(t *testing.T) {
	n := &alone{}
	h := newHost("a", 1, n)
	e := h.Env()
	ln, err := e.Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:80", ln.Addr().String())
	_, err = e.Listen(t.Context(), "tcp", ":80")
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	pc, err := e.ListenPacket(t.Context(), "udp", ":80")
	require.NoError(t, err, "of another network")
	require.Equal(t, []int{80, 80}, n.opened)
	require.Empty(t, n.closed, "who came too late closed nothing")

	h.Close()
	require.Equal(t, []int{80, 80}, n.closed)
	_, err = ln.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, pc.Close(), net.ErrClosed)
	ln, err = e.Listen(t.Context(), "tcp", "0.0.0.0:80")
	require.NoError(t, err, "free again")
	require.NoError(t, ln.Close())
}

func TestListenThatNobodyTakesNoteOf(t *testing.T) {
	n := &alone{fail: errors.New("no link")}
	e := newHost("a", 1, n).Env()
	_, err := e.Listen(t.Context(), "tcp", ":80")
	require.ErrorContains(t, err, "listen tcp :80: no link")
	require.Equal(t, []int{80}, n.closed)
	n.fail = nil
	ln, err := e.Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
}

func TestNamesAreNotResolved(t *testing.T) {
	e := newHost("a", 1, &alone{}).Env()
	_, err := e.DialContext(t.Context(), "tcp", "localhost:80")
	require.ErrorContains(t, err, "names are not resolved here")
}
