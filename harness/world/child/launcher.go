package child

import (
	"os/exec"
	"runtime"
	"sync"
)

// Launcher starts processes from one thread that lives until Close: to the
// kernel the parent of a child is the thread that forked it, and the child's
// parent-death signal comes when that thread ends.
type Launcher struct {
	starts chan start
	done   chan struct{}
	close  func()
}

type start struct {
	cmd *exec.Cmd
	err chan error
}

// NewLauncher starts the thread.
func NewLauncher() *Launcher {
	l := &Launcher{starts: make(chan start), done: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.starts) })
	go l.run()
	return l
}

func (l *Launcher) run() {
	defer close(l.done)
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	for s := range l.starts {
		s.err <- s.cmd.Start()
	}
}

// start starts a process.
func (l *Launcher) start(cmd *exec.Cmd) error {
	s := start{cmd, make(chan error, 1)}
	l.starts <- s
	return <-s.err
}

// Close ends the thread, after all children have ended. Nothing can be started any more.
func (l *Launcher) Close() {
	l.close()
	<-l.done
}
