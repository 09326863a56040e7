package link

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
)

func TestCut(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	f := b.brk(world.LinkFault{Kind: cut, From: []string{"a"}, To: []string{"b"}})
	requireReset(t, client)
	requireReset(t, server)
	require.Equal(t, world.Touched{Conns: 1}, f.Touched())
	b.pair() // new ones are fine
	require.Equal(t, 1, f.Touched().Conns)
	f.Heal()
}

func TestFaultOfOtherHostsTouchesNothing(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	f := b.brk(world.LinkFault{Kind: blackhole, From: []string{"b"}, To: []string{"a"}})
	send(t, client, "x")
	require.Equal(t, "x", receive(t, server, 1))
	require.Zero(t, f.Touched())
}

func TestRefuse(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	f := b.brk(world.LinkFault{Kind: refuse})
	requireRefused(t, b.addr)
	b.set.Refused(key)
	require.Equal(t, world.Touched{Conns: 1}, f.Touched())
	require.Contains(t, b.classes(false), "refused")
	send(t, client, "x")
	require.Equal(t, "x", receive(t, server, 1))
	f.Heal()
	b.pair() // at the same address
}

func TestRefuseHealsClosedWhileTheTargetIsDown(t *testing.T) {
	b := newBench(t)
	f := b.brk(world.LinkFault{Kind: refuse})
	require.NoError(t, b.set.Down("b", 8000))
	f.Heal()
	requireRefused(t, b.addr)
}

func TestStallDeliversEveryByte(t *testing.T) {
	for _, direction := range []string{forth, back, both} {
		t.Run(direction, func(t *testing.T) {
			b := newBench(t)
			client, server := b.pair()
			f := b.brk(world.LinkFault{Kind: stall, Conns: existing, Direction: direction})
			open, shut := [2]*net.TCPConn{server, client}, [2]*net.TCPConn{client, server}
			if direction == back {
				open, shut = shut, open
			}
			if direction == both {
				send(t, server, "late")
				requireSilent(t, client)
			} else {
				send(t, open[0], "free")
				require.Equal(t, "free", receive(t, open[1], 4))
			}
			sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // more than is kept in memory
			go shut[0].Write(sent)
			b.eventually(func() bool { return f.Touched().Bytes >= maxKept }, "the link keeps bytes")
			requireSilent(t, shut[1])
			require.Equal(t, 1, f.Touched().Conns)
			f.Heal()
			require.Equal(t, string(sent), receive(t, shut[1], len(sent)))
			send(t, shut[0], "more")
			require.Equal(t, "more", receive(t, shut[1], 4))
			b.pair()
		})
	}
}

func TestStallKeepsTheEndToo(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	f := b.brk(world.LinkFault{Kind: stall})
	send(t, client, "last words")
	require.NoError(t, client.CloseWrite())
	requireSilent(t, server)
	f.Heal()
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	require.Equal(t, "last words", string(got))
	send(t, server, "reply")
	require.Equal(t, "reply", receive(t, client, 5))
}

func TestStallOfNewConnections(t *testing.T) {
	b := newBench(t)
	old, oldServer := b.pair()
	f := b.brk(world.LinkFault{Kind: stall, Conns: fresh})
	send(t, old, "x")
	require.Equal(t, "x", receive(t, oldServer, 1))
	client := b.dial()
	send(t, client, "hello")
	b.eventually(func() bool { return f.Touched() == world.Touched{Conns: 1, Bytes: 5} }, "it is withheld")
	require.Equal(t, []string{"ok", "held"}, b.classes(false))
	f.Heal()
	server := b.accept()
	require.Equal(t, "hello", receive(t, server, 5))
	require.Equal(t, []string{"ok", "held", "ok"}, b.classes(false))
}

func TestBlackholeOfExisting(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	idle, idleServer := b.pair()
	f := b.brk(world.LinkFault{Kind: blackhole, Conns: existing})
	send(t, client, "lost")
	b.eventually(func() bool { return f.Touched() == world.Touched{Conns: 1, Bytes: 4} }, "it is swallowed")
	requireSilent(t, server)
	b.pair() // new ones work
	f.Heal()
	requireReset(t, client)
	requireReset(t, server)
	send(t, idle, "x") // nothing of it was lost
	require.Equal(t, "x", receive(t, idleServer, 1))
}

func TestBlackholeOneWay(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	f := b.brk(world.LinkFault{Kind: blackhole, Direction: back})
	send(t, client, "order")
	require.Equal(t, "order", receive(t, server, 5))
	send(t, server, "reply")
	b.eventually(func() bool { return f.Touched().Bytes == 5 }, "the reply is swallowed")
	requireSilent(t, client)
	f.Heal()
	requireReset(t, client)
}

func TestBlackholeOfNewConnections(t *testing.T) {
	for _, direction := range []string{forth, back} {
		t.Run(direction, func(t *testing.T) {
			b := newBench(t)
			old, oldServer := b.pair()
			f := b.brk(world.LinkFault{Kind: blackhole, Conns: fresh, Direction: direction})
			client := b.dial()
			send(t, client, "anybody there?")
			b.eventually(func() bool { return f.Touched().Bytes == 14 }, "it is swallowed")
			requireSilent(t, client)
			send(t, old, "x")
			require.Equal(t, "x", receive(t, oldServer, 1))
			require.NoError(t, b.ln.(*net.TCPListener).SetDeadline(time.Now().Add(silence)))
			_, err := b.ln.Accept()
			require.Error(t, err, "the target never hears of it")
			f.Heal()
			requireReset(t, client)
			require.Equal(t, []string{"ok", "held"}, b.classes(false))
		})
	}
}

func TestSilentDialGetsThroughWhenTheHoleIsHealed(t *testing.T) {
	b := newBench(t)
	f := b.brk(world.LinkFault{Kind: blackhole})
	client := b.dial()
	b.eventually(func() bool { return f.Touched() == world.Touched{Conns: 1} }, "it is held")
	f.Heal()
	server := b.accept()
	send(t, client, "x")
	require.Equal(t, "x", receive(t, server, 1))
}

func TestBlackholeHidesADeadTarget(t *testing.T) {
	b := newBench(t)
	f := b.brk(world.LinkFault{Kind: blackhole})
	require.NoError(t, b.set.Down("b", 8000))
	client := b.dial() // a host that cannot be heard refuses nothing
	requireSilent(t, client)
	require.Equal(t, 1, f.Touched().Conns)
	f.Heal()
	requireRefused(t, b.addr)
}

func TestBlackholeSwallowsWhatAStallHeld(t *testing.T) {
	b := newBench(t)
	client, server := b.pair()
	hold := b.brk(world.LinkFault{Kind: stall})
	send(t, client, "held")
	b.eventually(func() bool { return hold.Touched().Bytes == 4 }, "it is withheld")
	hole := b.brk(world.LinkFault{Kind: blackhole})
	b.eventually(func() bool { return hole.Touched() == world.Touched{Conns: 1, Bytes: 4} }, "and then lost")
	hold.Heal()
	requireSilent(t, server)
	hole.Heal()
	requireReset(t, server)
}
