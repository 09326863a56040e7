package inside

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"deadair/harness/world/child"
	"deadair/harness/world/realtime"
)

// maxTyped is how many typed lines may wait; more are dropped.
const maxTyped = 64

// ErrGone says that the engine's side has ended.
var ErrGone = errors.New("the harness has gone")

// Stage is the stage's side of the wire to the engine's.
type Stage struct {
	Opening
	out  *lines
	in   *json.Decoder
	gone chan struct{} // closed at the end of the wire
	end  func(error)   // asks the run to end

	// Typed are the lines that the person types for whom it holds the system up.
	Typed chan string

	mu        sync.Mutex                          // guards what follows
	late      func(node string, by time.Duration) // told how late guards are; nil: nobody asks
	processes map[string]*process
	wired     map[string]chan string // who waits for a Wired, by node; holds one
}

// Enter reads what a run begins with. Asked is called, from then on, when the run
// shall end; with ErrGone when nobody waits for it any more.
func Enter(in io.Reader, out io.Writer, asked func(error)) (*Stage, error) {
	return enter(json.NewDecoder(in), newLines(out), asked)
}

func enter(in *json.Decoder, out *lines, asked func(error)) (*Stage, error) {
	s := &Stage{out: out, in: in, gone: make(chan struct{}), end: asked, Typed: make(chan string, maxTyped), processes: map[string]*process{}, wired: map[string]chan string{}}
	var m Message
	if err := s.in.Decode(&m); err != nil || m.Open == nil {
		return nil, fmt.Errorf("begin a run in a container: it was not told what: %s is for the harness only", StageArg)
	}
	s.Opening = *m.Open
	go s.listen()
	return s, nil
}

func (s *Stage) listen() {
	defer close(s.gone)
	for {
		var m Message
		if s.in.Decode(&m) != nil {
			s.end(ErrGone)
			return
		}
		switch m.Do {
		case end:
			s.end(errors.New("asked to end"))
			continue
		case typed:
			select {
			case s.Typed <- m.Text:
			default: // nobody types so much while one fault takes hold
			}
			continue
		}
		s.mu.Lock()
		p, wired, late := s.processes[m.Node], s.wired[m.Node], s.late
		if m.Do == Ended {
			delete(s.processes, m.Node)
		}
		s.mu.Unlock()
		switch {
		case m.Do == Late:
			if late != nil {
				late(m.Node, m.Took)
			}
		case m.Do == Wired && wired != nil:
			wired <- m.Text
		case p != nil:
			p.take(m)
		}
	}
}

// Write tells who started the run a line.
func (s *Stage) Write(line []byte) (int, error) {
	s.out.say(Message{Do: told, Line: bytes.Clone(line)})
	return len(line), nil
}

// Over tells that the run has ended, and waits until the engine's side has taken what it left.
func (s *Stage) Over(e End) {
	s.out.say(Message{Do: over, Over: &e})
	<-s.gone
}

// wire has a node's container taken off its network, put back or exposed. One at a time for each node.
func (s *Stage) wire(ctx context.Context, m Message) error {
	node := m.Node
	done := make(chan string, 1)
	s.mu.Lock()
	s.wired[node] = done
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.wired, node)
		s.mu.Unlock()
	}()
	s.out.say(m)
	select {
	case why := <-done:
		if why != "" {
			return errors.New(why)
		}
		return nil
	case <-s.gone:
		return ErrGone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// begin has a node's process started.
func (s *Stage) begin(start realtime.Start) *process {
	p := &process{
		stage: s, node: start.Spec.Node, hear: start.Hear, done: make(chan struct{}), did: make(chan string, 1),
		log: LogPath(filepath.Join(Dir, "logs"), start.Spec.Node),
	}
	s.mu.Lock()
	s.processes[p.node] = p
	s.mu.Unlock()
	s.out.say(Message{Do: Begin, Node: p.node, Spec: &start.Spec, Program: start.Program})
	return p
}

// process is a node's process in its container.
type process struct {
	stage *Stage
	node  string
	log   string
	hear  func(child.Message)
	done  chan struct{}
	did   chan string // what came of a pause
	how   string      // it ended; good after done
}

// take takes in what its container tells.
func (p *process) take(m Message) {
	switch {
	case m.Do == Heard && m.Child != nil:
		p.hear(*m.Child)
	case m.Do == Did:
		select {
		case p.did <- m.Text:
		default: // nobody waits any more
		}
	case m.Do == Ended:
		p.how = m.Text
		close(p.done)
	}
}

// order has something done to it.
func (p *process) order(m Message) error {
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
	}
	m.Node = p.node
	p.stage.out.say(m)
	return nil
}

func (p *process) Send(m child.Message) error { return p.order(Message{Do: Tell, Child: &m}) }
func (p *process) Kill() error                { return p.order(Message{Do: Kill}) }
func (p *process) Stop() error                { return p.order(Message{Do: Stop}) }
func (p *process) Resume() error              { return p.order(Message{Do: Resume}) }

func (p *process) Pause(ctx context.Context) error {
	select {
	case <-p.did: // of a pause that nobody waited for
	default:
	}
	if err := p.order(Message{Do: Pause}); err != nil {
		return err
	}
	select {
	case why := <-p.did:
		if why != "" {
			return errors.New(why)
		}
		return nil
	case <-p.done:
		return errors.New("it ended meanwhile")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *process) Done() <-chan struct{} { return p.done }
func (p *process) End() string           { return p.how }
func (p *process) Tail() string          { return child.Tail(p.log) }

// Settled is not told through the wall of a container.
func (p *process) Settled(netip.AddrPort) bool { return true }

// Waited is not told through it either: the guard there tells how late it is itself.
func (p *process) Waited() (map[string]time.Duration, error) { return nil, errors.ErrUnsupported }
