package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"deadair/harness/world/proc"
)

// patience is how long Cleanup waits for a killed process to end.
const patience = 5 * time.Second

// Cleanup ends what killed runs left behind, removes their journals and tells
// what it did, one sentence each. A run whose harness lives is left alone. An empty state is Dir().
func Cleanup(state string) (report []string, err error) {
	if state == "" {
		if state, err = Dir(); err != nil {
			return nil, err
		}
	}
	paths, err := filepath.Glob(filepath.Join(state, "run-*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	var errs []error
	for _, path := range paths {
		lines, err := clean(path)
		report = append(report, lines...)
		errs = append(errs, err)
	}
	return report, errors.Join(errs...)
}

// clean ends what one journal names.
func clean(path string) (report []string, err error) {
	entries, err := read(path)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 && entries[0].Harness != nil && entries[0].Harness.Runs() {
		return []string{fmt.Sprintf("left alone: the run of process %d is alive", entries[0].Harness.PID)}, nil
	}
	var errs []error
	for _, e := range entries {
		if e.Process == nil {
			continue
		}
		ended, err := end(*e.Process)
		if err != nil {
			errs = append(errs, fmt.Errorf("end %s: %w", e.Node, err))
		}
		if ended {
			report = append(report, fmt.Sprintf("ended %s (process %d) of the run in %s", e.Node, e.Process.PID, e.Dir))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return report, err // the journal stays for another try
	}
	if err := os.Remove(path); err != nil {
		return report, fmt.Errorf("remove journal: %w", err)
	}
	return append(report, "removed journal "+filepath.Base(path)), nil
}

// read reads a journal.
func read(path string) ([]entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer f.Close()
	entries, err := parse(f)
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	return entries, nil
}

// parse reads the lines of a journal. One that a kill cut short is left out.
func parse(r io.Reader) ([]entry, error) {
	var all []entry
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			all = append(all, e)
		}
	}
	return all, lines.Err()
}

// end kills a process if it is the very one written down, and waits until it has ended.
func end(p proc.Process) (bool, error) {
	// The handle is taken before the identity is checked: where the system has
	// handles (pidfd), a pid given away in between cannot be hit.
	handle, err := os.FindProcess(p.PID)
	if err != nil {
		return false, nil
	}
	defer handle.Release()
	if !p.Runs() {
		return false, nil
	}
	if err := handle.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return false, err
	}
	for began := time.Now(); p.Runs(); time.Sleep(time.Millisecond) {
		if time.Since(began) > patience {
			return false, fmt.Errorf("process %d does not end", p.PID)
		}
	}
	return true, nil
}
