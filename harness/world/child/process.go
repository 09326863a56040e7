package child

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"deadair/harness/world/proc"
)

// sendTimeout bounds a word to a child. The socket holds hundreds of them, so
// that even a paused child does not keep the harness waiting.
const sendTimeout = time.Second

// Config is what a Process is started with. All fields but Args must be set.
type Config struct {
	Exe      string   // the binary; it calls Run first thing
	Args     []string // of a program that is none of ours: it is told nothing and tells nothing; nil for a node of ours
	Spec     Spec
	LogPath  string // appended to: standard output, standard error, and the node's log
	Launcher *Launcher
	Hear     func(Message) // what the child tells, in order, from one goroutine
	Started  func(pid int) error
}

// Process is a running child.
type Process struct {
	cmd  *exec.Cmd
	wire net.Conn // its end tells the child's; a program that is none of ours holds the other end and leaves it alone
	deaf bool     // it is such a program
	log  string
	done chan struct{}
}

// Begin starts a child. Done is closed when the process has ended and all it told was heard.
func Begin(cfg Config) (*Process, error) {
	p, err := launch(cfg)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cfg.Spec.Node, err)
	}
	err = errors.Join(cfg.Started(p.cmd.Process.Pid), p.Send(Message{Do: Start, Spec: &cfg.Spec}))
	go p.listen(cfg.Hear)
	if err != nil {
		p.Kill()
		<-p.done
		return nil, fmt.Errorf("start %s: %w", cfg.Spec.Node, err)
	}
	return p, nil
}

func launch(cfg Config) (*Process, error) {
	if err := os.MkdirAll(filepath.Dir(cfg.LogPath), 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(cfg.LogPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	wire, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	args := cfg.Args
	if args == nil {
		args = []string{Arg, cfg.Spec.Node}
	}
	cmd := exec.Command(cfg.Exe, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{theirs} // becomes wireFile
	cmd.SysProcAttr = attributes()
	if err := cfg.Launcher.start(cmd); err != nil {
		wire.Close()
		return nil, err
	}
	return &Process{cmd: cmd, wire: wire, deaf: cfg.Args != nil, log: cfg.LogPath, done: make(chan struct{})}, nil
}

// listen hands on what the child tells, until it has ended.
func (p *Process) listen(hear func(Message)) {
	defer close(p.done)
	defer p.wire.Close()
	words := json.NewDecoder(p.wire)
	for {
		var m Message
		err := words.Decode(&m)
		if err != nil {
			break // the child's end of the wire has closed, with the child
		}
		hear(m)
	}
	p.wire.Close() // one that broke the wire but lives ends now
	p.cmd.Wait()   //nolint:errcheck // how it ended is read from its state and its log
}

// Send tells the child something, if it is one of ours.
func (p *Process) Send(m Message) error {
	if p.deaf {
		return nil
	}
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("tell a child: %w", err)
	}
	p.wire.SetWriteDeadline(time.Now().Add(sendTimeout))
	if _, err := p.wire.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("tell a child: %w", err)
	}
	return nil
}

// Kill ends the process at once. It does not wait. A process that has ended is
// os.ErrProcessDone, here and below.
func (p *Process) Kill() error { return p.cmd.Process.Kill() }

// Stop asks the process to end, paused or not. It does not wait.
func (p *Process) Stop() error {
	if err := p.Resume(); err != nil {
		return err
	}
	return p.cmd.Process.Signal(syscall.SIGTERM)
}

// pauseTimeout is how long the kernel may take to stop all threads of a process.
const pauseTimeout = 2 * time.Second

// Pause freezes the process and returns when all of it stands still.
func (p *Process) Pause(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pauseTimeout, errors.New("it does not stand still"))
	defer cancel()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for !proc.Paused(p.cmd.Process.Pid) {
		select {
		case <-poll.C:
		case <-p.done:
			return errors.New("it ended meanwhile")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Settled tells whether somebody listens at an address while all the process' threads wait.
func (p *Process) Settled(at netip.AddrPort) bool { return proc.Settled(p.cmd.Process.Pid, at) }

// Waited tells how long each of the process' threads has waited for a processor, as proc.Waited does.
func (p *Process) Waited() (map[string]time.Duration, error) { return proc.Waited(p.cmd.Process.Pid) }

// PID is the process' id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// End tells how the process ended, such as "exit status 1". It is good after Done.
func (p *Process) End() string { return p.cmd.ProcessState.String() }
