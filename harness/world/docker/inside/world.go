package inside

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"deadair/balancer/env"
	"deadair/harness/world"
	"deadair/harness/world/link"
	"deadair/harness/world/realtime"
)

// Links listen on the stage at ports that nothing else there takes: below those
// that the kernel gives out by itself.
const (
	firstLink = 10_000
	lastLink  = 32_000
	perThird  = 250 // addresses with one third number, of hosts that the stage plays
	maxPlayed = 200 * perThird
)

// Config is what a World needs. Zero values stand for realtime's defaults.
type Config struct {
	Stage    *Stage
	Kinds    world.Kinds
	Programs world.Programs
	Seed     uint64
	Watch    world.Watch
	Canary   func(late time.Duration)
	Late     func(node string, by time.Duration) // told, once a second from Zero until Close, how late timers fired in a node's container at worst
	SlowDisk func(node string, by time.Duration) // as realtime's
	Log      *slog.Logger
}

// World is a run in containers, as its stage sees it. It implements world.World.
type World struct {
	*realtime.World
	stage  *Stage
	log    *slog.Logger
	closed atomic.Bool
}

// Close implements world.World.
func (w *World) Close() error {
	w.closed.Store(true)
	return w.World.Close()
}

// hears tells how late nodes' containers are while the run is on: to start many is always late.
func (w *World) hears(tell func(node string, by time.Duration)) {
	w.stage.mu.Lock()
	defer w.stage.mu.Unlock()
	w.stage.late = func(node string, by time.Duration) {
		if w.Now() > 0 && !w.closed.Load() {
			tell(node, by)
		}
	}
}

// Unplug implements world.Networks.
func (w *World) Unplug(ctx context.Context, node string) (plug func(context.Context) error, err error) {
	if err := w.stage.wire(ctx, Message{Do: Unplug, Node: node}); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return w.stage.wire(ctx, Message{Do: Plug, Node: node}) }, nil
}

// Open opens the world of a stage. The caller closes it.
func Open(cfg Config) (*World, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	g := &ground{stage: cfg.Stage, gates: map[string]netip.Addr{}, next: map[netip.Addr]int{}}
	var hosts []realtime.Host
	played := 0
	for _, h := range cfg.Stage.Hosts {
		if !h.Addr.IsValid() {
			if played == maxPlayed {
				return nil, fmt.Errorf("open the stage: more than %d hosts that it plays", maxPlayed)
			}
			h.Addr = netip.AddrFrom4([4]byte{127, 1, byte(played / perThird), byte(1 + played%perThird)})
			h.Gate = netip.AddrFrom4([4]byte{127, 2, byte(played / perThird), byte(1 + played%perThird)})
			played++
		}
		g.gates[h.Name] = h.Gate
		hosts = append(hosts, realtime.Host{Name: h.Name, Addr: h.Addr, Bind: h.Addr})
	}
	w, err := realtime.New(realtime.Config{
		Hosts: hosts, Kinds: cfg.Kinds, Seed: cfg.Seed, Watch: cfg.Watch, Programs: cfg.Programs,
		Canary: cfg.Canary, SlowDisk: cfg.SlowDisk, Log: cfg.Log,
	}, g)
	if err != nil {
		return nil, fmt.Errorf("open the stage: %w", err)
	}
	all := &World{World: w, stage: cfg.Stage, log: cfg.Log}
	if cfg.Late != nil {
		all.hears(cfg.Late)
	}
	return all, nil
}

// ground is the networks and the containers of a run, from the stage's point of view.
type ground struct {
	stage *Stage
	gates map[string]netip.Addr // the stage, as each host sees it

	mu   sync.Mutex
	next map[netip.Addr]int // links at each address
}

// Link is a port of the stage, at the address in the dialler's own network.
func (g *ground) Link(k link.Key) (netip.AddrPort, error) {
	at, ok := g.gates[k.From]
	if !ok {
		return netip.AddrPort{}, errors.New("no such host")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	port := firstLink + g.next[at]
	if port > lastLink {
		return netip.AddrPort{}, fmt.Errorf("a network has at most %d links", lastLink-firstLink+1)
	}
	g.next[at]++
	return netip.AddrPortFrom(at, uint16(port)), nil
}

// Room is the port itself: nobody else is in the container.
func (g *ground) Room(h realtime.Host, port int) (netip.AddrPort, string, error) {
	return netip.AddrPortFrom(h.Bind, uint16(port)), ProgramDir, nil
}

func (g *ground) Begin(s realtime.Start) (realtime.Process, error) {
	s.Spec.Dir = g.Dir(s.Spec.Node)
	return g.stage.begin(s), nil
}

// Dir is the host's folder in the volume that all containers of the run share.
func (g *ground) Dir(host string) string {
	return filepath.Join(Dir, "disks", filepath.FromSlash(host))
}

func (g *ground) Disk(host string) env.Disk { return env.OSDisk(g.Dir(host)) }

// Close leaves networks and containers to the engine's side.
func (g *ground) Close() error { return nil }
