package suite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"deadair/harness/history"
	"deadair/harness/scenario"
	"deadair/harness/stack"
	"deadair/harness/world"
	"deadair/harness/world/loopback"
	"deadair/harness/world/virtual"
)

// overtime is how long a run may go on after its end in virtual time: for the start of its
// system, for what is published at the end, and for nodes that are slow to stop.
const overtime = time.Hour

// playVirtual plays a plan in virtual time. One that hangs leaves its bubble behind, so the process must end.
func playVirtual(ctx context.Context, p *scenario.Plan, dir string, out *teller) error {
	limits := virtual.Limits{Long: p.End + p.Timing.Over + overtime}
	return playNodes(ctx, p, dir, out, stack.Kinds(), limits)
}

// playNodes is playVirtual with nodes of these kinds.
func playNodes(ctx context.Context, p *scenario.Plan, dir string, out *teller, kinds world.Kinds, limits virtual.Limits) error {
	logs, err := newLogs(filepath.Join(dir, "logs"))
	if err != nil {
		return err
	}
	defer logs.close()
	var played error
	err = virtual.GuardFrom(ctx, startOf(p), limits, func(ctx context.Context) {
		var w *virtual.World
		alive := virtual.Pulse(ctx)
		log := history.NewLog(func() time.Duration {
			alive()
			return w.Now()
		})
		w, played = virtual.New(virtual.Config{
			Hosts: stack.Hosts(p),
			Kinds: kinds,
			RTT:   scenario.RoundTrip,
			Seed:  p.Seed,
			Watch: stack.Watch(log),
			Log:   logs.of,
		})
		if played != nil {
			return
		}
		played = stage{p, dir, w, log, logs.of("harness"), out}.play(ctx)
	})
	if virtual.Hangs(err) {
		return err // the bubble is still there, and played is its own
	}
	return errors.Join(played, err)
}

// startOf is the wall clock at the incident's zero, or the zero time when the
// scenario has no date or one that a bubble cannot show.
func startOf(p *scenario.Plan) time.Time {
	earliest := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, form := range []struct{ layout, value string }{{time.RFC3339, p.Clock[0].Wall}, {time.DateOnly, p.Date}} {
		if t, err := time.Parse(form.layout, form.value); err == nil && t.After(earliest) {
			return t
		}
	}
	return time.Time{}
}

// playLoopback plays a plan on real sockets, with a process for every node.
func playLoopback(ctx context.Context, p *scenario.Plan, dir string, out *teller) error {
	logs, err := newLogs(filepath.Join(dir, "logs"))
	if err != nil {
		return err
	}
	defer logs.close()
	var w *loopback.World
	log := history.NewLog(func() time.Duration { return incident(p, w.Now()) })
	w, err = loopback.Open(loopback.Config{
		Hosts: stack.Hosts(p),
		Kinds: stack.Kinds(), Programs: stack.Programs(p),
		Seed:   p.Seed,
		Dir:    dir,
		Watch:  stack.Watch(log),
		Canary: canary(p, log), SlowDisk: slowDisk(p, log), Starved: starved(p, log),
		Log: logs.of("world"),
	})
	if err != nil {
		return fmt.Errorf("open the world: %w", err)
	}
	return stage{p, dir, w, log, logs.of("harness"), out}.play(ctx)
}

// canary writes down how late the harness' timers fire.
func canary(p *scenario.Plan, log *history.Log) func(late time.Duration) {
	return func(late time.Duration) {
		log.Add(history.Event{Node: "harness", Kind: history.Canary, Took: incident(p, late)})
	}
}

// lateNodes writes down how late nodes are where nothing but the machine can be why.
func lateNodes(p *scenario.Plan, log *history.Log) func(node string, by time.Duration) {
	return func(node string, by time.Duration) {
		log.Add(history.Event{Node: node, Kind: history.Canary, Took: incident(p, by)})
	}
}

// starved writes down how long processes waited for a processor. A node that got none for
// longer than the slack was late for all it had to do.
func starved(p *scenario.Plan, log *history.Log) func(node string, worst, path time.Duration) {
	late := lateNodes(p, log)
	return func(node string, worst, path time.Duration) {
		log.Add(history.Event{Node: "harness", Kind: history.Starved, Class: "processor", Subject: node, Took: incident(p, path)})
		if incident(p, worst) > p.Timing.Slack {
			late(node, worst)
		}
	}
}

// slowDisk writes down what this machine's disk had a node wait.
func slowDisk(p *scenario.Plan, log *history.Log) func(node string, by time.Duration) {
	return func(node string, by time.Duration) {
		log.Add(history.Event{Node: node, Kind: history.Starved, Class: "disk", Took: incident(p, by)})
	}
}

// incident is a length of the machine's time in the incident's.
func incident(p *scenario.Plan, real time.Duration) time.Duration {
	return time.Duration(float64(real) * p.Speed)
}

// logs are files for people, one per host that says something.
type logs struct {
	dir string

	mu    sync.Mutex // guards files
	files map[string]*os.File
}

func newLogs(dir string) (*logs, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of logs: %w", err)
	}
	return &logs{dir: dir, files: map[string]*os.File{}}, nil
}

// of is the log of one host.
func (l *logs) of(host string) *slog.Logger { return textLog(&logFile{l, host}) }

func (l *logs) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.files {
		f.Close()
	}
}

// logFile opens its file at the first line.
type logFile struct {
	logs *logs
	host string
}

func (f *logFile) Write(b []byte) (int, error) {
	f.logs.mu.Lock()
	defer f.logs.mu.Unlock()
	file := f.logs.files[f.host]
	if file == nil {
		var err error
		name := strings.ReplaceAll(f.host, "/", "-") + ".log"
		if file, err = os.OpenFile(filepath.Join(f.logs.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
			return 0, err
		}
		f.logs.files[f.host] = file
	}
	return file.Write(b)
}
