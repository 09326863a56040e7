package link

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
)

func TestDelayOfExistingOnly(t *testing.T) {
	const late = 150 * time.Millisecond
	b := newBench(t)
	client, server := b.pair()
	f := b.brk(world.LinkFault{Kind: delay, Delay: late, Conns: existing, Direction: forth})
	began := time.Now()
	send(t, client, "slow")
	require.Equal(t, "slow", receive(t, server, 4))
	require.GreaterOrEqual(t, time.Since(began), late)
	require.Equal(t, world.Touched{Conns: 1, Bytes: 4}, f.Touched())

	f.Heal()
	b.brk(world.LinkFault{Kind: delay, Delay: time.Hour, Conns: existing, Direction: forth})
	send(t, server, "back")
	require.Equal(t, "back", receive(t, client, 4), "the way back is not delayed")
	third, thirdServer := b.pair()
	send(t, third, "new")
	require.Equal(t, "new", receive(t, thirdServer, 3), "nor are new connections")
}

func TestDelayHealsAtOnceWithoutLoss(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	f := b.brk(world.LinkFault{Kind: delay, Delay: time.Hour})
	send(t, client, "in flight")
	b.eventually(func() bool { return f.Touched().Bytes == 9 }, "it is under way")
	f.Heal()
	require.Equal(t, "in flight", receive(t, server, 9))
	send(t, client, "after")
	require.Equal(t, "after", receive(t, server, 5))
	require.Equal(t, int64(9), f.Touched().Bytes)
}

func TestThrottle(t *testing.T) {
	const rate, amount = 100_000, 30_000
	b := newBench(t)
	client, server := b.pair()
	f := b.brk(world.LinkFault{Kind: throttle, Rate: rate, Direction: forth})
	began := time.Now()
	send(t, client, string(make([]byte, amount)))
	receive(t, server, amount)
	require.Greater(t, time.Since(began).Seconds(), float64(amount)/rate-0.15)
	f.Heal()
	f = b.brk(world.LinkFault{Kind: throttle, Rate: 1, Direction: forth})
	send(t, client, string(make([]byte, amount))) // for hours
	f.Heal()
	receive(t, server, amount)
}

func TestThrottleHealsWithAReaderThatWaits(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	f := b.brk(world.LinkFault{Kind: throttle, Rate: 50_000_000})
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	go client.Write(sent) // fills every buffer up to the reader
	b.eventually(func() bool {
		before := f.Touched().Bytes
		time.Sleep(50 * time.Millisecond)
		return before > 0 && f.Touched().Bytes == before
	}, "the stream backs up")
	f.Heal()
	got := make([]byte, len(sent))
	require.NoError(t, server.SetReadDeadline(time.Now().Add(patience)))
	_, err := io.ReadFull(server, got)
	require.NoError(t, err)
	require.True(t, bytes.Equal(sent, got), "no byte is lost, doubled or moved")
}

func TestFaultsOnTopOfEachOther(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	slow := b.brk(world.LinkFault{Kind: delay, Delay: 10 * time.Millisecond})
	send(t, client, "1")
	require.Equal(t, "1", receive(t, server, 1)) // the chain of toxics runs
	thin := b.brk(world.LinkFault{Kind: throttle, Rate: 1 << 20})
	hold := b.brk(world.LinkFault{Kind: stall})
	send(t, client, "23")
	b.eventually(func() bool { return hold.Touched().Bytes == 2 }, "it is withheld")
	require.Zero(t, thin.Touched().Bytes)
	slow.Heal()
	hold.Heal()
	require.Equal(t, "23", receive(t, server, 2))
	thin.Heal()
	thin.Heal()
	send(t, server, "4")
	require.Equal(t, "4", receive(t, client, 1))
}

func TestHealAllEndsWhatIsLeft(t *testing.T) {
	b := newBench(t)
	b.brk(world.LinkFault{Kind: refuse})
	b.brk(world.LinkFault{Kind: stall})
	b.set.HealAll()
	b.pair()
}

func TestFaultsThatMeanNothing(t *testing.T) {
	b := newBench(t)
	for name, spec := range map[string]world.LinkFault{
		"no fault":               {Kind: "melt"},
		"no connections":         {Kind: stall, Conns: "some"},
		"no direction":           {Kind: stall, Direction: "up"},
		"cut of new ones":        {Kind: cut, Conns: fresh},
		"refuse of a direction":  {Kind: refuse, Direction: forth},
		"cut of a direction":     {Kind: cut, Direction: back},
		"refuse of existing":     {Kind: refuse, Conns: existing},
		"delay without a length": {Kind: delay},
		"throttle without rate":  {Kind: throttle},
	} {
		_, err := b.set.Break(spec)
		require.Error(t, err, name)
	}
}
