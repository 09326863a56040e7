package inside

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"deadair/harness/world/child"
	"deadair/harness/world/realtime"
)

// Guard is the main of a node's container if this process is one; it then does not
// return. It must be called first thing in main.
func Guard() bool {
	if len(os.Args) != 2 || os.Args[1] != GuardArg {
		return false
	}
	exe, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "find this program:", err)
		os.Exit(1)
	}
	g := &guard{exe: exe, logs: filepath.Join(Dir, "logs"), launcher: child.NewLauncher(), out: newLines(os.Stdout)}
	// Where a node's container gets no processor its node gets none either.
	go realtime.Canary(context.Background(), func(late time.Duration) { g.out.say(Message{Do: Late, Took: late}) })
	g.obey(json.NewDecoder(os.Stdin))
	os.Exit(0)
	return true
}

// guard starts and orders about one node's process, again and again.
type guard struct {
	exe      string
	logs     string
	launcher *child.Launcher
	out      *lines
	process  *child.Process // the last one; nil before the first
}

// obey does what it is told until nobody tells it anything any more. The process ends with it.
func (g *guard) obey(words *json.Decoder) {
	for {
		var m Message
		if words.Decode(&m) != nil {
			break
		}
		if m.Do == Begin && m.Spec != nil {
			g.begin(*m.Spec)
			continue
		}
		if m.Do == Expose {
			g.out.say(answered(Wired, g.expose(m)))
			continue
		}
		if g.process == nil {
			continue // it could not be started, which was told
		}
		g.order(m)
	}
	if g.process != nil {
		g.process.Kill()
		<-g.process.Done()
	}
}

func (g *guard) begin(spec child.Spec) {
	p, err := child.Begin(child.Config{
		Exe: g.exe, Spec: spec, Launcher: g.launcher, LogPath: LogPath(g.logs, spec.Node),
		Hear:    func(m child.Message) { g.out.say(Message{Do: Heard, Child: &m}) },
		Started: func(int) error { return nil }, // what a killed guard leaves ends with its container
	})
	g.process = p
	if err != nil {
		g.process = nil
		g.out.say(Message{Do: Ended, Text: err.Error()})
		return
	}
	go func() {
		<-p.Done()
		g.out.say(Message{Do: Ended, Text: p.End()})
	}()
}

// order does something to the process. One that has ended has told so.
func (g *guard) order(m Message) {
	var err error
	switch m.Do {
	case Tell:
		if m.Child != nil {
			err = g.process.Send(*m.Child)
		}
	case Kill:
		err = g.process.Kill()
	case Stop:
		err = g.process.Stop()
	case Resume:
		err = g.process.Resume()
	case Pause:
		g.out.say(answered(Did, g.process.Pause(context.Background())))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", m.Do, err)
	}
}

// answered is an answer that tells what went wrong, if anything did.
func answered(do string, err error) Message {
	if err != nil {
		return Message{Do: do, Text: err.Error()}
	}
	return Message{Do: do}
}

// LogPath is where a node's process writes its log, below a folder of logs.
func LogPath(logs, node string) string {
	return filepath.Join(logs, filepath.FromSlash(node)+".log")
}

// lines writes messages, one a line, from any goroutine.
type lines struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func newLines(w io.Writer) *lines { return &lines{enc: json.NewEncoder(w)} }

// say writes a message. A reader that is gone ends the process another way.
func (l *lines) say(m Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enc.Encode(m) //nolint:errcheck // as it says above
}
