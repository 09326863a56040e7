package link

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"deadair/harness/world"
	"deadair/harness/world/sock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHalfCloseKeepsTheReply(t *testing.T) {
	for name, spec := range map[string]*world.LinkFault{
		"plain":    nil,
		"delayed":  {Kind: delay, Delay: 20 * time.Millisecond},
		"throttle": {Kind: throttle, Rate: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if spec != nil {
				b.brk(*spec)
			}
			client, server := b.pair()
			send(t, client, "all I have")
			require.NoError(t, client.CloseWrite())
			request, err := io.ReadAll(server)
			require.NoError(t, err)
			require.Equal(t, "all I have", string(request))
			send(t, server, "the reply")
			require.NoError(t, server.Close())
			reply, err := io.ReadAll(client)
			require.NoError(t, err)
			require.Equal(t, "the reply", string(reply))
			b.eventually(func() bool { return len(b.classes(true)) == 1 }, "the end is reported")
			require.Equal(t, []string{"eof"}, b.classes(true))
		})
	}
}

func TestTargetSeesWhoDials(t *testing.T) {
	b := newBench(t)
	// Where an address is used by links only, its ports can be shared.
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 250, 250, 250)}, Control: sock.Share}
	if runtime.GOOS != "linux" {
		d.LocalAddr = nil
	}
	client, err := d.Dial("tcp", b.addr.String())
	require.NoError(t, err)
	defer client.Close()
	server := b.accept()
	require.Equal(t, runtime.GOOS == "linux", client.LocalAddr().String() == server.RemoteAddr().String())
}

func TestResetPassesThrough(t *testing.T) {
	for name, end := range map[string]func(client, server *net.TCPConn) (dies, sees *net.TCPConn){
		"from the dialler": func(c, s *net.TCPConn) (*net.TCPConn, *net.TCPConn) { return c, s },
		"from the target":  func(c, s *net.TCPConn) (*net.TCPConn, *net.TCPConn) { return s, c },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			dies, sees := end(b.pair())
			require.NoError(t, dies.SetLinger(0))
			require.NoError(t, dies.Close())
			requireReset(t, sees)
			b.eventually(func() bool { return len(b.classes(true)) == 1 }, "the end is reported")
			require.Equal(t, []string{"reset"}, b.classes(true))
		})
	}
}

func TestWriterToClosedPeerIsReset(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	send(t, server, "bye")
	require.NoError(t, server.Close())
	require.Equal(t, "bye", receive(t, client, 3))
	b.eventually(func() bool {
		_, err := client.Write([]byte("x"))
		return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
	}, "writing to a peer that is gone fails in the end")
}

func TestLinkIsClosedWithoutTarget(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	require.NoError(t, b.ln.Close())
	require.NoError(t, b.set.Down("b", 8000))
	requireRefused(t, b.addr)
	send(t, client, "still here") // a closed port leaves connections alone
	require.Equal(t, "still here", receive(t, server, 10))
	b.listen() // somewhere else
	b.pair()
}

func TestTargetThatRefuses(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.ln.Close()) // the Set is not told yet
	c, err := net.Dial("tcp", b.addr.String())
	if err == nil { // the reset may come before connect returns
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.Equal(t, []string{"refused"}, b.classes(false))
	require.Empty(t, b.classes(true))
}

func TestDeathOfAProcess(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	b.set.Dying("b")
	require.NoError(t, server.Close()) // as the kernel does: a plain end
	b.set.Dead("b")
	requireReset(t, client)
}

func TestDeathBehindAStallIsHeardAfterwards(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	f := b.brk(world.LinkFault{Kind: stall})
	b.set.Dying("b")
	require.NoError(t, server.Close())
	b.set.Dead("b")
	requireSilent(t, client)
	f.Heal()
	requireReset(t, client)
}

func TestManyBytesUnchanged(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() {
		client.Write(sent)
		client.CloseWrite()
	}()
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	require.True(t, bytes.Equal(sent, got))
}

func TestCloseEndsEverything(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	b.brk(world.LinkFault{Kind: throttle, Rate: 1000})
	send(t, client, string(make([]byte, 100_000))) // far more than a second's worth
	receive(t, server, 1)
	began := time.Now()
	b.set.Close()
	require.Less(t, time.Since(began), patience, "what the toxics hold is not waited for")
	requireReset(t, client)
	b.eventually(func() bool {
		_, err := hears(t, server)
		return errors.Is(err, syscall.ECONNRESET)
	}, "the target's side is reset too")
	requireRefused(t, b.addr)
	_, err := b.set.Break(world.LinkFault{Kind: cut})
	require.ErrorIs(t, err, ErrClosed)
}
