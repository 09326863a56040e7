package suite

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"deadair/harness"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// ChildArg is the first argument of a program that shall play one run: the
// folder with its plan.json follows.
const ChildArg = "__run"

// ErrStopped says that a run was ended before its time because the suite was.
var ErrStopped = errors.New("stopped before its end")

// Exit codes of a child.
const (
	childFailed  = 1 // the run could not be carried out; the child said why
	childOrphan  = 3 // the parent is gone and the run did not end in time
	childStopped = 4 // the run was ended early, as the parent asked
)

// line is what a child tells its parent on standard output, one JSON object a line.
type line struct {
	At   time.Duration `json:"at"`
	Text string        `json:"text,omitempty"`
	Err  string        `json:"err,omitempty"` // why the run could not be carried out; the last line
}

// child plays a job in a process of its own and returns when that has ended. A
// byte on the child's standard input asks it to heal and end; when it closes,
// with its parent, the child ends by itself. Env is added to its environment.
func (s *suite) child(ctx context.Context, dir string, j Job, env ...string) error {
	up, err := s.turn(ctx, j)
	if err != nil {
		return err
	}
	defer up()
	limit := s.Limit
	if limit == 0 {
		limit = wallLimit(j.Plan)
	}
	alive, stop := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer stop()
	cmd := exec.CommandContext(alive, cmp.Or(s.Exes[j.Plan.World], s.Exe), ChildArg, dir)
	cmd.Env = slices.Concat(os.Environ(), childEnv(), s.Env, env)
	ownGroup(cmd)
	log := filepath.Join(dir, "logs", "harness.log")
	said, err := s.converse(ctx, cmd, log, j, up)
	var ended *exec.ExitError
	switch {
	case alive.Err() != nil:
		return fmt.Errorf("the run did not end within %s: %s", limit, lastLines(log))
	case !errors.As(err, &ended):
		return err
	case ended.ExitCode() == childStopped && said == "":
		return fmt.Errorf("%w: %w", ErrStopped, context.Cause(ctx))
	case ended.ExitCode() == childStopped:
		return fmt.Errorf("%w: %w: %s", ErrStopped, context.Cause(ctx), said)
	case said != "":
		return errors.New(said)
	}
	return fmt.Errorf("the run's process died (%w): %s", err, lastLines(log))
}

// turn waits until the run may start its system. up tells that this is done; calls after the first do nothing.
func (s *suite) turn(ctx context.Context, j Job) (up func(), err error) {
	if j.Plan.World == "virtual" {
		return func() {}, nil
	}
	select {
	case s.starting <- struct{}{}:
		return sync.OnceFunc(func() { <-s.starting }), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w, not begun: %w", ErrStopped, context.Cause(ctx))
	}
}

// converse runs a child, passes on what it tells and returns its last word. It
// calls up when the child first has something to say, which is that its system is up.
func (s *suite) converse(ctx context.Context, cmd *exec.Cmd, log string, j Job, up func()) (said string, err error) {
	text, err := os.Create(log)
	if err != nil {
		return "", fmt.Errorf("start a run: %w", err)
	}
	defer text.Close()
	cmd.Stderr = text
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", fmt.Errorf("start a run: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", fmt.Errorf("start a run: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start a run: %w", err)
	}
	release := context.AfterFunc(ctx, func() { stdin.Write([]byte("\n")) }) //nolint:errcheck // one that has ended needs no word
	defer release()
	for sc := bufio.NewScanner(stdout); sc.Scan(); {
		var l line
		if json.Unmarshal(sc.Bytes(), &l) != nil {
			continue
		}
		if l.Err != "" {
			said = l.Err
			continue
		}
		if l.Text != "" {
			up()
		}
		s.tell(Progress{Job: j, At: l.At, Text: l.Text})
	}
	io.Copy(io.Discard, stdout) //nolint:errcheck // after a line that is too long the rest must not block the child
	return said, cmd.Wait()
}

// wallLimit is how long a run may take on the wall, by far. Virtual time that
// stands still is the bubble's watchdog to find; this is for one that never ends.
func wallLimit(p *scenario.Plan) time.Duration {
	if p.World == "virtual" {
		return 10*time.Minute + p.End/100
	}
	return 5*time.Minute + time.Duration(2*float64(p.End+harness.Afterwards(p))/p.Speed)
}

// childEnv is what a run's process, and the nodes below it, need around them. One
// processor and a lazy collector make a virtual run repeatable and fast; in real
// time they lower what the many small processes cost together.
func childEnv() []string {
	env := []string{"GOMAXPROCS=1", "GODEBUG=randseednop=0"}
	if os.Getenv("GOGC") == "" {
		env = append(env, "GOGC=400")
	}
	return env
}

// lastLines is what a person needs of a log's end: from the crash on, if it
// tells of one, else the last few lines.
func lastLines(file string) string {
	const few = 5
	data, err := os.ReadFile(file)
	if err != nil || len(bytes.TrimSpace(data)) == 0 {
		return "it left no log"
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	crash := slices.IndexFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "panic: ") || strings.HasPrefix(l, "fatal error: ")
	})
	if crash >= 0 {
		return strings.Join(lines[crash:min(len(lines), crash+few)], "\n")
	}
	return strings.Join(lines[max(0, len(lines)-few):], "\n")
}

// describe makes a progress text of an event that a person wants to see pass by.
func describe(e history.Event) string {
	switch e.Kind {
	case history.RunStarted:
		return "the system is up"
	case history.FaultBegan:
		return e.Detail
	case history.FaultEnded:
		return "healed " + e.Fault
	case history.AnswerChanged:
		return "DNS answers " + e.Subject + " with " + strings.Join(e.Hosts, ", ")
	case history.Lost:
		return e.Node + " lost its connection"
	case history.BaselineFailed:
		return "not healthy at the start: " + e.Detail
	}
	return ""
}
