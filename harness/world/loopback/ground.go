package loopback

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"deadair/balancer/env"
	"deadair/harness/world/child"
	"deadair/harness/world/link"
	"deadair/harness/world/loopback/journal"
	"deadair/harness/world/realtime"
)

// ground is this machine: processes with folders for disks, on addresses of a block.
type ground struct {
	exe      string
	bin      map[string]string
	dir      string
	block    *block
	journal  *journal.Journal
	launcher *child.Launcher
}

func (g *ground) Link(k link.Key) (netip.AddrPort, error) { return g.block.link(k.Port) }

// Room finds a program a port. Nobody else opens sockets at a host's address. Where
// addresses are mapped somebody may be faster; then the program says so and ends.
func (g *ground) Room(h realtime.Host, _ int) (at netip.AddrPort, dir string, err error) {
	if err := os.MkdirAll(g.Dir(h.Name), 0o755); err != nil {
		return netip.AddrPort{}, "", fmt.Errorf("make its folder: %w", err)
	}
	ln, err := net.Listen("tcp4", netip.AddrPortFrom(h.Bind, 0).String())
	if err != nil {
		return netip.AddrPort{}, "", fmt.Errorf("find it a port: %w", err)
	}
	at, err = netip.ParseAddrPort(ln.Addr().String())
	ln.Close()
	return at, g.Dir(h.Name), err
}

// Begin starts a process of this machine, and writes it down for Cleanup.
func (g *ground) Begin(s realtime.Start) (realtime.Process, error) {
	node := s.Spec.Node
	if err := g.journal.Starts(node); err != nil {
		return nil, err
	}
	s.Spec.Dir = g.Dir(node)
	cfg := child.Config{
		Exe: g.exe, Spec: s.Spec, Launcher: g.launcher, Hear: s.Hear,
		LogPath: filepath.Join(g.dir, "logs", filepath.FromSlash(node)+".log"),
		Started: func(pid int) error { return g.journal.Started(node, pid) },
	}
	if bin := g.bin[s.Spec.Kind]; bin != "" {
		cfg.Exe = bin
	}
	if s.Program != nil {
		cfg.Exe, cfg.Args = s.Program.Path, append([]string{}, s.Program.Args...)
	}
	p, err := child.Begin(cfg)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (g *ground) Dir(host string) string {
	return filepath.Join(g.dir, "disks", filepath.FromSlash(host))
}

func (g *ground) Disk(host string) env.Disk { return env.OSDisk(g.Dir(host)) }

func (g *ground) Close() error {
	g.launcher.Close()
	return errors.Join(g.journal.Close(), g.block.close())
}
