// Package journal remembers which processes a run started on this machine, so
// that they can be ended after the run itself was killed.
//
// Each run appends to a file of its own, run-<pid>-<block>.jsonl in the state
// folder, and removes it when it has ended everything by itself. The package ends
// only processes that are provably the ones written down: a pid that was given to another process is left alone.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"deadair/harness/world/proc"
)

// StateEnv names the environment variable that moves the state folder.
const StateEnv = "DEADAIR_STATE"

// Dir is the state folder: $DEADAIR_STATE, or deadair in the user's cache folder.
func Dir() (string, error) {
	if dir := os.Getenv(StateEnv); dir != "" {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the state folder: %w: set %s", err, StateEnv)
	}
	return filepath.Join(cache, "deadair"), nil
}

// entry is a line of a journal. The first line is the harness itself.
type entry struct {
	Harness *proc.Process `json:"harness,omitempty"`
	Starts  string        `json:"starts,omitempty"` // a node about to be started
	Node    string        `json:"node,omitempty"`   // a node that was started
	Process *proc.Process `json:"process,omitempty"`
	Dir     string        `json:"dir,omitempty"` // where the run keeps its disks and logs
}

// Journal is the open journal of one run.
type Journal struct {
	path string
	dir  string
	file *os.File
}

// Open begins the journal of this process' run in the address block given. Dir is
// where the run keeps its files.
func Open(state string, block int, dir string) (*Journal, error) {
	if err := os.MkdirAll(state, 0o755); err != nil {
		return nil, fmt.Errorf("make the state folder (%s can name another one): %w", StateEnv, err)
	}
	self, ok := proc.Identify(os.Getpid())
	if !ok {
		return nil, errors.New("open journal: this process cannot be identified")
	}
	path := filepath.Join(state, fmt.Sprintf("run-%d-%d.jsonl", os.Getpid(), block))
	draft := path + ".draft" // a Cleanup must not find a journal without its first line
	file, err := os.OpenFile(draft, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &Journal{path: path, dir: dir, file: file}
	if err := errors.Join(j.add(entry{Harness: &self, Dir: dir}), os.Rename(draft, path)); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal: %w", err), file.Close())
	}
	return j, nil
}

// Starts notes that a node is about to be started.
func (j *Journal) Starts(node string) error {
	return j.add(entry{Starts: node, Dir: j.dir})
}

// Started notes a node's process.
func (j *Journal) Started(node string, pid int) error {
	p, ok := proc.Identify(pid)
	if !ok {
		return nil // it has ended already
	}
	return j.add(entry{Node: node, Process: &p, Dir: j.dir})
}

func (j *Journal) add(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	// One write that appends: lines of different goroutines do not mix.
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// Close removes the journal: everything in it has ended.
func (j *Journal) Close() error {
	if err := errors.Join(j.file.Close(), os.Remove(j.path)); err != nil {
		return fmt.Errorf("remove journal: %w", err)
	}
	return nil
}
