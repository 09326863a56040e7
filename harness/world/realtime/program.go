package realtime

import (
	"context"
	"fmt"
	"net"
	"time"

	"deadair/harness/world"
)

const (
	askEvery    = 5 * time.Millisecond // whether a program serves yet
	askDeadline = time.Second          // of one question
)

// program is a program about to be started as a node.
type program struct {
	world.Program
	world.Place
}

// program prepares the start of a node that is a program; nil when it is one of ours.
func (w *World) program(h Host, n *node, reach map[string]string) (*program, error) {
	p, ok := w.cfg.Programs[n.Kind]
	if !ok {
		return nil, nil
	}
	at, dir, err := w.ground.Room(h, n.Ports[0])
	if err != nil {
		return nil, fmt.Errorf("find it room: %w", err)
	}
	return &program{p, world.Place{Node: n.Node, At: at, Dir: dir, Reach: reach}}, nil
}

func (p *program) command() (*Command, error) {
	args, err := p.Args(p.Place)
	return &Command{p.Path, args}, err
}

// await calls ready once the program serves, unless its process ends before.
func (p *program) await(proc Process, ready func()) {
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for p.Settles && !proc.Settled(p.At) || p.ask() != nil {
		select {
		case <-proc.Done():
			return
		case <-again.C:
		}
	}
	ready()
}

func (p *program) ask() error {
	ctx, cancel := context.WithTimeout(context.Background(), askDeadline)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp4", p.At.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	return p.Ready(ctx, conn)
}
