// Package loopback is the world of real time and real sockets on one machine:
// each node is a process of its own, each pair of hosts is joined by a link of
// its own.
//
// It owns the addresses of a run, where its nodes' processes and disks are, and
// what a killed run leaves behind; the rest is package realtime's. Somebody
// else's program runs as a node too; where the kernel does not end it with a
// killed harness (Linux does), Cleanup does.
package loopback

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"deadair/harness/world"
	"deadair/harness/world/child"
	"deadair/harness/world/loopback/journal"
	"deadair/harness/world/realtime"
)

// ChildArg is the first argument of a node's process.
const ChildArg = child.Arg

// Child runs a node if this process is one, and then ends the process.
// Otherwise it returns false at once. It must be called first thing in main and
// TestMain of every program that opens this world.
func Child(kinds world.Kinds) bool {
	child.Run(kinds)
	return false
}

// Cleanup ends what killed runs left behind and tells what it did, one sentence
// each. Runs that live are left alone. An empty state is the default folder.
func Cleanup(state string) ([]string, error) { return journal.Cleanup(state) }

// StateDir is the folder where killed runs are remembered by default.
func StateDir() (string, error) { return journal.Dir() }

// Config is what a World needs. Zero values stand for the defaults given.
type Config struct {
	Hosts []world.Host // at most 25 000
	Kinds world.Kinds  // the same that the binary gives to Child
	Seed  uint64
	Dir   string      // disks/<host> and logs/<node>.log; must exist
	Watch world.Watch // nil functions are not called; none is called from Close on

	Programs     world.Programs                      // nodes that are servers of somebody else's
	State        string                              // where killed runs are remembered; default $DEADAIR_STATE or the user's cache folder
	Bin          map[string]string                   // by kind: the binary of its nodes; it calls Child; default this one
	ReadyTimeout time.Duration                       // until a node listens on its ports; default 2 min, for a slow machine
	StopTimeout  time.Duration                       // until a node has ended after Stop; default 30 s
	Mapped       bool                                // keep all sockets on 127.0.0.1, as where the system has no other loopback addresses
	Canary       func(late time.Duration)            // told, once a second from Zero on, how late this process' timers fired at worst
	SlowDisk     func(node string, by time.Duration) // told from Zero on how long one operation of this machine's disk kept a node waiting
	Starved      realtime.Starved                    // told, once a second from Zero on, how long processes waited for a processor, where the system counts that
	Log          *slog.Logger                        // for people; default none
}

// World is a run on this machine. It implements world.World.
type World struct{ *realtime.World }

// Open claims an address block and opens a world without nodes. The caller closes it.
func Open(cfg Config) (*World, error) {
	w, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("open loopback: %w", err)
	}
	return &World{w}, nil
}

func open(cfg Config) (*realtime.World, error) {
	if cfg.Dir == "" {
		return nil, errors.New("no folder given for disks and logs")
	}
	if len(cfg.Hosts) > hostsPerBlock {
		return nil, fmt.Errorf("%d hosts are more than the %d addresses of a run", len(cfg.Hosts), hostsPerBlock)
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if cfg.State == "" {
		if cfg.State, err = journal.Dir(); err != nil {
			return nil, err
		}
	}
	b, err := claimBlock(cfg.Mapped)
	if err != nil {
		return nil, err
	}
	j, err := journal.Open(cfg.State, b.run, cfg.Dir)
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	g := &ground{exe: exe, bin: cfg.Bin, dir: cfg.Dir, block: b, journal: j, launcher: child.NewLauncher()}
	var hosts []realtime.Host
	for i, h := range cfg.Hosts {
		addr := b.host(i)
		hosts = append(hosts, realtime.Host{Name: h.Name, Addr: addr, Bind: b.bind(addr)})
	}
	w, err := realtime.New(realtime.Config{
		Hosts: hosts, Kinds: cfg.Kinds, Seed: cfg.Seed, Watch: cfg.Watch, Programs: cfg.Programs,
		ReadyTimeout: cfg.ReadyTimeout, StopTimeout: cfg.StopTimeout, Canary: cfg.Canary, SlowDisk: cfg.SlowDisk, Starved: cfg.Starved, Log: cfg.Log,
	}, g)
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return w, nil
}
