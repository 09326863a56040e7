package worldtest

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
)

// Breakable is a network whose links from one host to another can be broken.
type Breakable struct {
	Server, Client Sockets
	From, To       string // the hosts, as the client dials the server
	Break          func(world.LinkFault) (world.Broken, error)
}

// FaultBed is a network under test whose links break.
type FaultBed struct {
	// Run runs one test on a fresh network, as Bed.Run does.
	Run func(t *testing.T, test func(t *testing.T, b Breakable))
}

// Faults runs the tests of every fault of links. They are what both ends of a connection
// can tell, and who is said to be hit.
func Faults(t *testing.T, b FaultBed) {
	for name, test := range map[string]func(*testing.T, *broken){
		"cut resets what exists":             cutExisting,
		"cut lets new ones be":               cutSparesNew,
		"refuse turns new ones away":         refuseNew,
		"stall withholds":                    stallBoth,
		"stall withholds one way":            stallForth,
		"stall of the others":                stallNew,
		"blackhole swallows":                 blackholeExisting,
		"blackhole of what exists only":      blackholeSparesNew,
		"delay is one way":                   delayBoth,
		"delay does not change the order":    delayKeepsOrder,
		"throttle spreads bytes over time":   throttleBoth,
		"the end of a stream is stalled too": stallEnd,
		"a healed fault is gone":             healTwice,
	} {
		t.Run(name, func(t *testing.T) {
			b.Run(t, func(t *testing.T, w Breakable) {
				l, err := w.Server.Listen(t.Context(), "tcp", w.Server.Addr+":0")
				require.NoError(t, err)
				defer l.Close()
				x := &broken{Breakable: w, listener: l}
				x.pair = x.another(t)
				defer x.close()
				test(t, x)
			})
		})
	}
}

// broken is a connection on links that can be broken.
type broken struct {
	Breakable
	*pair
	listener net.Listener
}

// another makes one more connection.
func (b *broken) another(t *testing.T) *pair {
	t.Helper()
	c, err := b.Client.DialContext(t.Context(), "tcp", b.listener.Addr().String())
	require.NoError(t, err)
	s, err := b.listener.Accept()
	require.NoError(t, err)
	return &pair{c.(end), s.(end)}
}

// inject puts a fault into force and waits until it has met what is under way.
func (b *broken) inject(t *testing.T, f world.LinkFault) world.Broken {
	t.Helper()
	travel()
	f.From, f.To = []string{b.From}, []string{b.To}
	on, err := b.Break(f)
	require.NoError(t, err)
	return on
}

// soon is how long silence is listened to.
const soon = 150 * time.Millisecond

// silent requires that nothing comes for a while.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(soon)))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
}

// passes requires that a connection carries bytes both ways.
func passes(t *testing.T, p *pair) {
	t.Helper()
	sends(t, p.client, "there", "ok")
	wants(t, p.server, "there", "ok")
	sends(t, p.server, "back", "ok")
	wants(t, p.client, "back", "ok")
}

// hit waits until a fault says how many connections it hit, and how many bytes.
func hit(t *testing.T, f world.Broken, conns int, bytes int64) {
	t.Helper()
	for range 100 {
		if got := f.Touched(); got.Conns == conns && got.Bytes == bytes {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	require.Equal(t, world.Touched{Conns: conns, Bytes: bytes}, f.Touched())
}

func cutExisting(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "cut"})
	wants(t, b.client, "", "reset")
	wants(t, b.server, "", "reset")
	require.Equal(t, 1, f.Touched().Conns)
}

func cutSparesNew(t *testing.T, b *broken) {
	b.inject(t, world.LinkFault{Kind: "cut", Conns: "existing"})
	p := b.another(t)
	defer p.close()
	passes(t, p)
}

func refuseNew(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "refuse"})
	passes(t, b.pair)
	_, err := b.Client.DialContext(t.Context(), "tcp", b.listener.Addr().String())
	require.Equal(t, "refused", class(err))
	require.Equal(t, 1, f.Touched().Conns)
	f.Heal()
	p := b.another(t)
	defer p.close()
	passes(t, p)
}

func stallBoth(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "stall"})
	sends(t, b.client, "late", "ok")
	sends(t, b.server, "too", "ok")
	silent(t, b.server)
	silent(t, b.client)
	hit(t, f, 1, 7)
	f.Heal()
	wants(t, b.server, "late", "ok")
	wants(t, b.client, "too", "ok")
	passes(t, b.pair)
}

func stallForth(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "stall", Direction: "forth"})
	sends(t, b.server, "back", "ok")
	wants(t, b.client, "back", "ok")
	sends(t, b.client, "late", "ok")
	silent(t, b.server)
	hit(t, f, 1, 4)
	f.Heal()
	wants(t, b.server, "late", "ok")
}

func stallNew(t *testing.T, b *broken) {
	b.inject(t, world.LinkFault{Kind: "stall", Conns: "new"}).Heal()
	f := b.inject(t, world.LinkFault{Kind: "stall", Conns: "existing"})
	p := b.another(t)
	defer p.close()
	passes(t, p)
	sends(t, b.client, "late", "ok")
	silent(t, b.server)
	f.Heal()
	wants(t, b.server, "late", "ok")
}

func stallEnd(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "stall"})
	require.NoError(t, b.client.CloseWrite())
	silent(t, b.server)
	f.Heal()
	wants(t, b.server, "", "eof")
	sends(t, b.server, "half open", "ok")
	wants(t, b.client, "half open", "ok")
}

func blackholeExisting(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "blackhole", Conns: "existing"})
	sends(t, b.client, "gone", "ok")
	silent(t, b.server)
	hit(t, f, 1, 4)
	f.Heal()
	wants(t, b.server, "", "reset")
	wants(t, b.client, "", "reset")
}

func blackholeSparesNew(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "blackhole", Conns: "existing"})
	p := b.another(t)
	defer p.close()
	passes(t, p)
	f.Heal()
	passes(t, p)
}

// arrival is how long bytes take from the client to the server.
func arrival(t *testing.T, p *pair, bytes int) time.Duration {
	t.Helper()
	began := time.Now()
	sends(t, p.client, string(make([]byte, bytes)), "ok")
	_, err := io.ReadFull(p.server, make([]byte, bytes))
	require.NoError(t, err)
	return time.Since(began)
}

func delayBoth(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "delay", Delay: 200 * time.Millisecond, Direction: "forth"})
	require.GreaterOrEqual(t, arrival(t, b.pair, 10), 200*time.Millisecond)
	sends(t, b.server, "at once", "ok")
	require.NoError(t, b.client.SetReadDeadline(time.Now().Add(150*time.Millisecond)))
	wants(t, b.client, "at once", "ok")
	require.Equal(t, 1, f.Touched().Conns)
	f.Heal()
	require.Less(t, arrival(t, b.pair, 10), 150*time.Millisecond)
}

func delayKeepsOrder(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "delay", Delay: 200 * time.Millisecond})
	sends(t, b.client, "one ", "ok")
	travel()
	sends(t, b.client, "two ", "ok")
	f.Heal()
	sends(t, b.client, "three", "ok")
	got := make([]byte, 13)
	_, err := io.ReadFull(b.server, got)
	require.NoError(t, err)
	require.Equal(t, "one two three", string(got))
}

func throttleBoth(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "throttle", Rate: 20_000})
	require.GreaterOrEqual(t, arrival(t, b.pair, 10_000), 300*time.Millisecond, "ten thousand bytes at twenty thousand a second")
	require.Equal(t, 1, f.Touched().Conns)
	f.Heal()
	require.Less(t, arrival(t, b.pair, 10_000), 300*time.Millisecond)
}

func healTwice(t *testing.T, b *broken) {
	f := b.inject(t, world.LinkFault{Kind: "stall"})
	f.Heal()
	f.Heal()
	passes(t, b.pair)
}
