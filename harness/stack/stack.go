// Package stack builds what a plan names: the system under test as nodes of a
// world, and round it DNS with its checkers, resolvers, broadcasters and
// witnesses, played by the harness.
//
// It owns the names and addresses of hosts, the configuration of every node, the
// one function that scales time, and the translation of what the witnesses see
// into history. It injects no faults and judges nothing. What the system was in
// 2014 is put in place from legacy, planted defects from mutant; both through the
// same seams.
package stack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"deadair/balancer/env"
	"deadair/fakes/broadcaster"
	"deadair/fakes/broadcaster/frame"
	"deadair/fakes/resolver"
	"deadair/fakes/route53"
	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack/legacy"
	"deadair/harness/world"
)

// Stack is the system of one plan with its surroundings. It is the fault.Site of its run.
type Stack struct {
	plan  *scenario.Plan
	world world.World
	log   *history.Log
	text  *slog.Logger

	operator env.Env // who asks and tells nodes what operators do

	stages    [][]world.Node             // of one part each, in the order in which they start
	gateway   *gateway                   // to a foreign Redis; nil without one
	dns       *route53.Server            // of ingest
	zones     []*route53.Server          // of other names
	sites     map[string]*route53.Server // of them those of the first names, by what they name
	resolvers map[resolverSpec]*resolver.Resolver
	shows     map[string]*broadcaster.Broadcaster
	visitors  []guest
	byID      map[uint32]string // whose frames

	actors sync.WaitGroup // DNS and witnesses
	stop   context.CancelFunc
}

// New builds the stack of a plan on a world that has its Hosts. It starts nothing.
func New(p *scenario.Plan, w world.World, log *history.Log, text *slog.Logger) (*Stack, error) {
	s := &Stack{
		plan: p, world: w, log: log, text: text, operator: w.Env(operatorHost),
		resolvers: map[resolverSpec]*resolver.Resolver{},
		shows:     map[string]*broadcaster.Broadcaster{},
		byID:      map[uint32]string{},
		sites:     map[string]*route53.Server{},
		stop:      func() {},
	}
	for _, l := range p.Legacy {
		if err := legacy.Known(l); err != nil {
			return nil, err
		}
	}
	var err error
	if p.RedisKind() == scenario.RedisForeign {
		if s.gateway, err = newGateway(p.Redis, text); err != nil {
			return nil, err
		}
	}
	if err := s.buildNodes(); err != nil {
		return nil, err
	}
	if err := s.buildZones(); err != nil {
		return nil, err
	}
	if err := s.buildResolvers(); err != nil {
		return nil, err
	}
	for _, b := range p.Broadcasters {
		if s.shows[b.Name], err = s.buildShow(b); err != nil {
			return nil, err
		}
		if other, taken := s.byID[frame.ID(b.Name)]; taken {
			return nil, fmt.Errorf("broadcasters %s and %s have the same frame id: rename one", other, b.Name)
		}
		s.byID[frame.ID(b.Name)] = b.Name
	}
	if err := s.buildVisitors(); err != nil {
		return nil, err
	}
	return s, nil
}

// Up starts all nodes, part after part, and DNS with its checkers.
func (s *Stack) Up(ctx context.Context) error {
	actors, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	if s.gateway != nil {
		if err := s.openGateway(ctx, actors); err != nil {
			return err
		}
	}
	if err := s.startNodes(ctx); err != nil {
		return err
	}
	for _, z := range append([]*route53.Server{s.dns}, s.zones...) {
		s.actors.Go(func() {
			if err := z.Serve(actors); err != nil {
				s.text.Error("dns ended", "err", err)
			}
		})
	}
	if w, ok := s.world.(world.Systems); ok {
		s.actors.Go(func() {
			if err := w.Resolve(actors, s.servers()); err != nil {
				s.text.Error("systems resolve no names", "err", err)
			}
		})
	}
	for _, b := range witnessed(s.plan) {
		s.actors.Go(func() { s.witness(actors, b) })
	}
	return nil
}

// Down ends what Up started, apart from the nodes: those are the world's to end.
func (s *Stack) Down() {
	s.stop()
	s.actors.Wait()
	if s.gateway == nil {
		return
	}
	if err := s.gateway.sweep(context.Background(), s.keys()); err != nil {
		s.text.Warn("what the run wrote into the foreign redis expires after a day", "error", err)
	}
}

// baselineLimit is how long the stack may take to be healthy, in the world's time. It
// is for a machine that is slow, not for a stack: what is well is so in a second.
const baselineLimit = 2 * time.Minute

// Healthy waits until DNS names every balancer and each says that it is ok. It
// returns what is missing when that does not come true.
func (s *Stack) Healthy(ctx context.Context) (missing string) {
	ctx, stop := context.WithTimeout(ctx, baselineLimit)
	defer stop()
	for {
		if missing = s.unhealthy(ctx); missing == "" {
			return ""
		}
		select {
		case <-ctx.Done():
			return missing
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s *Stack) unhealthy(ctx context.Context) string {
	for i, p := range parts() {
		for _, n := range s.stages[i] {
			if !p.asked || s.plan.ForeignOf(p.kind) != nil {
				continue // one of somebody else's has no admin port, and said that it serves
			}
			if err := s.ask(ctx, http.MethodGet, n.Name, "health"); err != nil {
				return fmt.Sprintf("%s is not healthy: %v", n.Name, err)
			}
		}
	}
	return s.answering()
}

// World is where the stack stands.
func (s *Stack) World() world.World { return s.world }

// Speed is incident seconds per second of the world's clock.
func (s *Stack) Speed() float64 { return s.plan.Speed }

// Node is a node's definition.
func (s *Stack) Node(name string) (world.Node, bool) {
	for _, n := range slices.Concat(s.stages...) {
		if n.Name == name {
			return n, true
		}
	}
	return world.Node{}, false
}

// Balancers names the balancers, in the order of the plan.
func (s *Stack) Balancers() []string {
	var all []string
	for _, n := range s.of(kindBalancer) {
		all = append(all, n.Name)
	}
	return all
}

// DNS is the host and the port where the hosted zone answers.
func (s *Stack) DNS() (host string, port int) { return dnsHost, dnsPort }

// Aliases are the hosts that share a host's links.
func (s *Stack) Aliases(host string) []string {
	for _, w := range witnessed(s.plan) {
		if w == host {
			return []string{witnessName(w)}
		}
	}
	return nil
}

// DropBroadcaster ends a broadcaster's connection from its own side.
func (s *Stack) DropBroadcaster(name string) bool {
	b := s.shows[name]
	return b != nil && b.Drop()
}

// Operate asks a node's admin port for something, as an operator would.
func (s *Stack) Operate(ctx context.Context, node, verb string) error {
	return s.ask(ctx, http.MethodPost, node, verb)
}

// Tell tells a node at its admin port a state, and reads the one that it has then into
// state unless that is nil. A nil want only asks.
func (s *Stack) Tell(ctx context.Context, node, verb string, want, state any) error {
	if want == nil {
		return s.tell(ctx, http.MethodGet, node, verb, nil, state)
	}
	data, err := json.Marshal(want)
	if err != nil {
		return fmt.Errorf("ask %s to %s: %w", node, verb, err)
	}
	return s.tell(ctx, http.MethodPost, node, verb, bytes.NewReader(data), state)
}

// askDeadline is how long an operator waits for a node: a machine that is too busy
// must not end a run.
const askDeadline = 30 * time.Second

func (s *Stack) ask(ctx context.Context, method, node, verb string) error {
	return s.tell(ctx, method, node, verb, nil, nil)
}

// tell asks as an operator does, with a body unless that is nil, and reads what is
// answered into answer unless that is nil.
func (s *Stack) tell(ctx context.Context, method, node, verb string, body io.Reader, answer any) error {
	ctx, stop := context.WithTimeout(ctx, askDeadline)
	defer stop()
	url := "http://" + netip.AddrPortFrom(s.world.Addr(node), adminPort).String() + "/" + verb
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return fmt.Errorf("ask %s to %s: %w", node, verb, err)
	}
	transport := &http.Transport{DialContext: s.operator.DialContext, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("ask %s to %s: %w", node, verb, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("ask %s to %s: it answered %s%s", node, verb, resp.Status, reason(resp.Body))
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("ask %s to %s: %w", node, verb, err)
	}
	return nil
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// reason is what a node's answer gives as its reason, as the end of a sentence.
func reason(body io.Reader) string {
	var said struct{ Reason, Error string }
	if json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(&said) != nil {
		return ""
	}
	if why := cmp.Or(said.Reason, said.Error); why != "" {
		return ": " + why
	}
	return ""
}

// clock turns a wait of incident time into the world's.
func (s *Stack) clock(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.plan.Speed)
}

// now is incident time.
func (s *Stack) now() time.Duration {
	return time.Duration(float64(s.world.Now()) * s.plan.Speed)
}

func datacenterOf(node string) string {
	dc, _, _ := strings.Cut(node, "/")
	return dc
}
