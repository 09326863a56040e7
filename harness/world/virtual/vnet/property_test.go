package vnet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"deadair/harness/world"
	"deadair/harness/world/virtual"
	"deadair/harness/world/virtual/vnet"
)

// op is a step of a random play on one connection.
type op struct {
	Do    string // write, read, break, heal, wait
	Way   int    // whose end, 0 or 1
	Bytes int
	Fault world.LinkFault
	Which int // of the faults in force
	For   time.Duration
}

func genOp() *rapid.Generator[op] {
	fault := rapid.Custom(func(t *rapid.T) world.LinkFault {
		f := world.LinkFault{
			Kind:      rapid.SampledFrom([]string{"stall", "delay", "throttle", "blackhole"}).Draw(t, "kind"),
			Conns:     rapid.SampledFrom([]string{"existing", "all"}).Draw(t, "conns"),
			Direction: rapid.SampledFrom([]string{"both", "forth", "back"}).Draw(t, "direction"),
			From:      []string{"client"}, To: []string{"server"},
		}
		switch f.Kind {
		case "delay":
			f.Delay = time.Duration(rapid.IntRange(1, 3000).Draw(t, "delay")) * ms
		case "throttle":
			f.Rate = rapid.IntRange(500, 1<<20).Draw(t, "rate")
		}
		return f
	})
	return rapid.Custom(func(t *rapid.T) op {
		return op{
			Do:    rapid.SampledFrom([]string{"write", "write", "read", "read", "break", "heal", "wait"}).Draw(t, "do"),
			Way:   rapid.IntRange(0, 1).Draw(t, "way"),
			Bytes: rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 300<<10)).Draw(t, "bytes"),
			Fault: fault.Draw(t, "fault"),
			Which: rapid.IntRange(0, 5).Draw(t, "which"),
			For:   time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * ms,
		}
	})
}

// Whatever happens to a connection, each end reads a beginning of what the other
// wrote. Once all faults are healed it reads all, unless a black hole hit: then there is a reset.
func TestStreamsStayWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ops := rapid.SliceOfN(genOp(), 1, 40).Draw(t, "ops")
		var wrong error
		err := virtual.InBubble(func() { wrong = playOps(ops) })
		if err := errors.Join(err, wrong); err != nil {
			t.Fatal(err)
		}
	})
}

// side is one direction: what went in and what came out.
type side struct {
	from, to net.Conn
	in, out  []byte
	ended    error // of reading
	broken   bool  // somebody at its end was told of a reset, which is told once
}

func playOps(ops []op) error {
	n := vnet.New(apart(20 * ms))
	n.AddHost("server", netip.MustParseAddr("10.0.0.1"))
	n.AddHost("client", netip.MustParseAddr("10.0.0.2"))
	server, client := n.Process("server"), n.Process("client")
	defer server.Kill()
	defer client.Kill()
	l, _ := server.Listen(context.Background(), "tcp", ":80")
	c, err := client.DialContext(context.Background(), "tcp", "10.0.0.1:80")
	if err != nil {
		return err
	}
	s, _ := l.Accept()
	sides := [2]*side{{from: c, to: s}, {from: s, to: c}}
	var faults []world.Broken
	hit := false
	heal := func(i int) {
		f := faults[i]
		faults = append(faults[:i:i], faults[i+1:]...)
		hit = hit || f.(*vnet.Fault).Kind == "blackhole" && f.Touched().Conns > 0
		f.Heal()
	}
	for _, o := range ops {
		switch way := sides[o.Way]; o.Do {
		case "write":
			way.write(o.Bytes)
		case "read":
			way.read(o.Bytes)
		case "wait":
			time.Sleep(o.For)
		case "break":
			if f, err := n.Break(o.Fault); err == nil {
				faults = append(faults, f)
			}
		case "heal":
			if len(faults) > 0 {
				heal(o.Which % len(faults))
			}
		}
	}
	for len(faults) > 0 {
		heal(0)
	}
	return finish(sides, hit)
}

// finish closes both directions and compares.
func finish(sides [2]*side, hit bool) error {
	for _, way := range sides {
		way.from.(interface{ CloseWrite() error }).CloseWrite()
	}
	for i, way := range sides {
		for way.ended == nil {
			way.read(1 << 20)
		}
		switch {
		case !bytes.HasPrefix(way.in, way.out):
			return fmt.Errorf("way %d: read what was not written", i)
		case hit && !way.broken && !sides[1-i].broken:
			return fmt.Errorf("way %d: bytes were swallowed, but it ended with %w", i, way.ended)
		case !hit && (!errors.Is(way.ended, io.EOF) || len(way.in) != len(way.out)):
			return fmt.Errorf("way %d: wrote %d, read %d, then %w", i, len(way.in), len(way.out), way.ended)
		}
	}
	return nil
}

func (w *side) write(n int) {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte((len(w.in) + i) * 7 >> 3)
	}
	w.from.SetWriteDeadline(time.Now().Add(300 * ms))
	n, err := w.from.Write(b)
	w.in = append(w.in, b[:n]...)
	w.broken = w.broken || errors.Is(err, syscall.ECONNRESET)
}

func (w *side) read(n int) {
	b := make([]byte, n+1)
	w.to.SetReadDeadline(time.Now().Add(300 * ms))
	n, err := w.to.Read(b)
	w.out = append(w.out, b[:n]...)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		w.ended = err
		w.broken = w.broken || errors.Is(err, syscall.ECONNRESET)
	}
}
