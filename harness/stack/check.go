package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"deadair/balancer"
	"deadair/balancer/env"
	"deadair/balancer/recorder"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack/legacy"
	"deadair/harness/stack/mutant"
	"deadair/harness/world"
)

// Check tells what a scenario asks for that cannot be built: pieces of 2014 and
// mutants that do not exist, settings that a server does not know or refuses. It
// builds the stack of every variant on paper and starts nothing. Its error is a
// *scenario.Invalid about the file of that name.
func Check(file string, f *scenario.File) error {
	found := &scenario.Invalid{File: file}
	found.Problems = append(badSettings(f.System), unknownEvents(f.Documented)...)
	for _, v := range f.Variants {
		found.Problems = append(append(found.Problems, unknownParts(v)...), badSettings(v.System)...)
	}
	if len(found.Problems) == 0 {
		found.Problems = unbuildable(f)
	}
	if len(found.Problems) == 0 {
		return nil
	}
	return found
}

// unknownParts lists the pieces that a variant names and that do not exist.
func unknownParts(v scenario.Variant) (found []scenario.Problem) {
	for _, l := range v.Legacy {
		if err := legacy.Known(l.Value); err != nil {
			found = append(found, scenario.Problem{Pos: l.Pos, Message: err.Error()})
		}
	}
	if _, err := mutant.Named(v.Mutant.Value); err != nil {
		found = append(found, scenario.Problem{Pos: v.Mutant.Pos, Message: err.Error()})
	}
	return found
}

// unknownEvents lists the kinds of events that nobody reports.
func unknownEvents(ms []scenario.MilestoneSpec) (found []scenario.Problem) {
	for _, m := range ms {
		if m.Seen == nil || slices.Contains(history.Kinds(), m.Seen.Kind().Value) {
			continue
		}
		word := m.Seen.Kind()
		found = append(found, scenario.Problem{Pos: word.Pos, Message: fmt.Sprintf("no event is of the kind %q%s", word.Value, scenario.Meant(word.Value, history.Kinds()))})
	}
	return found
}

// badSettings lists the settings of the servers that these do not know or cannot read.
func badSettings(of scenario.SystemSpec) []scenario.Problem {
	return append(refused(balancer.Config{}, "balancer", of.Balancer), refused(recorder.Config{}, "recorder", of.Recorder)...)
}

// refused tries a server's settings one by one.
func refused[C any](cfg C, server string, settings scenario.Settings) (found []scenario.Problem) {
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		if _, err := override(cfg, map[string]any{k: settings[k].Value}); err != nil {
			found = append(found, scenario.Problem{Pos: settings[k].Pos, Message: fmt.Sprintf("configure a %s: %v", server, err)})
		}
	}
	return found
}

// unbuildable lists the variants whose system cannot be built. Variants of one
// system are as good as one another.
func unbuildable(f *scenario.File) (found []scenario.Problem) {
	own := map[string]scenario.Pos{} // where a variant changes the system
	for _, v := range f.Variants {
		own[v.Name] = v.System.Pos
	}
	tried := map[string]bool{}
	for _, v := range f.VariantNames() {
		p, err := onPaper(f, v)
		if err == nil {
			system := fmt.Sprint(p.System) // maps are printed in order
			if tried[system] {
				continue
			}
			tried[system] = true
			err = build(p)
		}
		if err != nil {
			found = append(found, scenario.Problem{Pos: cmp.Or(own[v], f.System.Pos), Message: strings.ReplaceAll(err.Error(), "\n", "; ")})
		}
	}
	return found
}

// onPaper expands a variant. For which world makes no difference to what is built.
func onPaper(f *scenario.File, variant string) (*scenario.Plan, error) {
	in := slices.IndexFunc(scenario.Worlds(), func(w string) bool { _, ok := f.RunsIn(variant, w); return ok })
	return scenario.Expand(f, variant, scenario.Worlds()[in], 1, 1)
}

// build makes the stack of a plan and one server of each kind and datacenter, and starts nothing.
func build(p *scenario.Plan) error {
	w := newPaper(p)
	s, err := New(p, w, history.NewLog(w.Now), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	for _, dc := range p.System.Datacenters {
		n, _ := s.Node(balancerName(dc.Name, 0))
		if _, err := newBalancer(context.Background(), w.env(n)); err != nil {
			return fmt.Errorf("configure %s: %w", n.Name, err)
		}
		n, _ = s.Node(recorderName(dc.Name, 0))
		if _, err := newRecorder(w.env(n)); err != nil {
			return fmt.Errorf("configure %s: %w", n.Name, err)
		}
	}
	return nil
}

// paper is a world of addresses only: what is built on it can be looked at, and
// never started.
type paper struct {
	world.World // nil: nothing else may be asked of it
	addrs       map[string]netip.Addr
}

func newPaper(p *scenario.Plan) paper {
	w := paper{addrs: map[string]netip.Addr{}}
	addr := netip.AddrFrom4([4]byte{10, 0, 0, 1})
	for _, h := range Hosts(p) {
		w.addrs[h.Name] = addr
		addr = addr.Next()
	}
	return w
}

// Addr implements world.World.
func (w paper) Addr(host string) netip.Addr { return w.addrs[host] }

// Now implements world.World.
func (w paper) Now() time.Duration { return 0 }

// env is what a node on paper is given.
func (w paper) env(n world.Node) env.Env {
	e := w.Env(n.Name)
	e.Config = n.Config
	return e
}

// Env implements world.World. Its sockets do not open.
func (w paper) Env(host string) env.Env {
	errPaper := errors.New("this world is made of paper")
	return env.Env{
		Host:         host,
		Listen:       func(context.Context, string, string) (net.Listener, error) { return nil, errPaper },
		ListenPacket: func(context.Context, string, string) (net.PacketConn, error) { return nil, errPaper },
		DialContext:  func(context.Context, string, string) (net.Conn, error) { return nil, errPaper },
		Wall:         func() time.Time { return time.Time{} },
		Rand:         func(string) *rand.Rand { return rand.New(rand.NewPCG(1, 1)) },
		Phase:        func(string, time.Duration) time.Duration { return 0 },
		Log:          slog.New(slog.DiscardHandler),
	}
}
