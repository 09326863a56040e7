package loopback

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
)

func TestTrafficThroughTwoNodes(t *testing.T) {
	for name, mapped := range map[string]bool{"own addresses": false, "mapped": true} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, func(c *Config) { c.Mapped = mapped })
			s.start("dc/c", "echo")
			s.startRelay("a", "dc/c")
			c := s.dial("a")
			ask(t, c, "one")
			require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
			rest, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Empty(t, rest)
			require.Equal(t, []string{"dc/c ready", "a ready"}, s.noted())
			require.FileExists(t, filepath.Join(s.cfg.Dir, "logs", "dc", "c.log"))
		})
	}
}

func TestFaultBetweenTwoNodes(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "echo")
	s.startRelay("a", "b")
	c := s.dial("a")
	ask(t, c, "before")
	f, err := s.Break(world.LinkFault{Kind: "stall", From: []string{"a"}, To: []string{"b"}})
	require.NoError(t, err)
	direct := s.dial("b")
	ask(t, direct, "another pair")
	_, err = io.WriteString(c, "late\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return f.Touched() == world.Touched{Conns: 1, Bytes: 5} }, patience, tick)
	f.Heal()
	got := make([]byte, 5)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, "late\n", string(got))
}

func TestFaultFindsAConnectionJustMade(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "echo")
	for range 50 {
		c := s.dial("b")
		f, err := s.Break(world.LinkFault{Kind: "cut", From: []string{"client"}, To: []string{"b"}})
		require.NoError(t, err)
		require.Equal(t, 1, f.Touched().Conns)
		requireReset(t, c)
	}
}

func TestRefusalIsSeenAndCounted(t *testing.T) {
	s := newStage(t, nil)
	s.start("b", "echo")
	s.startRelay("a", "b")
	f, err := s.Break(world.LinkFault{Kind: "refuse", From: []string{"a"}, To: []string{"b"}})
	require.NoError(t, err)
	answer, err := io.ReadAll(s.dial("a"))
	require.NoError(t, err)
	require.Contains(t, string(answer), "connect: connection refused")
	require.Contains(t, string(answer), s.at("b"))
	require.Eventually(t, func() bool { return f.Touched().Conns == 1 }, patience, tick, "the node's process tells of it")
	f.Heal()
	ask(t, s.dial("a"), "again")
}

func TestDestinationWithoutLink(t *testing.T) {
	s := newStage(t, nil)
	s.start("a", "relay", func(n *world.Node) { n.Config = json.RawMessage(fmt.Sprintf("%q", s.at("b"))) })
	answer, err := io.ReadAll(s.dial("a"))
	require.NoError(t, err)
	require.Contains(t, string(answer), "no link from a to "+s.at("b")+": name it in the node's Dials")

	_, err = s.Env("client").DialContext(t.Context(), "tcp", "10.0.0.1:80")
	require.ErrorContains(t, err, "no host has the address 10.0.0.1")
	_, err = s.Break(world.LinkFault{Kind: "cut", From: []string{"nobody"}})
	require.ErrorContains(t, err, `no host "nobody"`)
	require.Panics(t, func() { s.Addr("nobody") })
}

func TestAddresses(t *testing.T) {
	s := newStage(t, nil)
	require.Equal(t, "a", s.HostAt(s.Addr("a")))
	require.Equal(t, "dc/c", s.HostAt(s.Addr("dc/c")))
	require.Empty(t, s.HostAt(s.Addr("a").Prev().Prev().Prev()))
	ln, err := s.Env("a").Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	defer ln.Close()
	require.Equal(t, s.Addr("a").String()+":80", ln.Addr().String())
	c, err := s.Env("b").DialContext(t.Context(), "tcp", ln.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	got, err := ln.Accept()
	require.NoError(t, err)
	defer got.Close()
	require.Equal(t, s.Addr("b").String(), got.RemoteAddr().(*net.TCPAddr).IP.String(), "who dials is known by its address")
}

func TestSeeds(t *testing.T) {
	roll := func(seed uint64, host string) string {
		s := newStage(t, func(c *Config) { c.Seed = seed })
		s.start(host, "dice")
		line, err := io.ReadAll(s.dial(host))
		require.NoError(t, err)
		e := s.Env(host)
		require.Equal(t, string(line), fmt.Sprintln(e.Rand("a").Uint64(), e.Rand("b").Uint64(), e.Phase("loop", time.Minute)), "in every process the same")
		return string(line)
	}
	first := roll(1, "a")
	require.Equal(t, first, roll(1, "a"))
	require.NotEqual(t, first, roll(2, "a"))
	require.NotEqual(t, first, roll(1, "b"))
}
