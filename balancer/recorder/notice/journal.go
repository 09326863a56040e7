package notice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"deadair/balancer/env"
)

// File is where notices wait, at the root of the recorder's disk.
const (
	File    = "notices.jsonl"
	newFile = File + ".new"
)

// line is one line of the file: a notice that is due, or a session whose notice is over.
type line struct {
	At   time.Time `json:"at"`
	Due  *Notice   `json:"due,omitempty"`
	Over string    `json:"over,omitempty"` // the session
	How  outcome   `json:"how,omitempty"`
}

// outcome is how a notice was over.
type outcome string

const (
	sent    outcome = "sent"
	refused outcome = "refused" // nobody takes it
)

// journal is the file. Whoever uses it does so alone.
type journal struct {
	disk  env.Disk
	size  int64 // of the lines that are durable
	lines int
	torn  bool // behind size there may be something
	named bool // the file's name is durable
}

// read returns the good lines, and makes them durable: after a kill they may not be. What
// stands behind the last one was never relied on.
func (j *journal) read() ([]line, error) {
	j.size, j.lines, j.torn, j.named = 0, 0, true, false
	f, err := j.disk.OpenFile(File, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = j.disk.SyncDir(".")
	}
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	j.named = true
	var all []line
	for rest := data; ; {
		one, after, whole := bytes.Cut(rest, []byte("\n"))
		var l line
		if !whole || json.Unmarshal(one, &l) != nil {
			j.lines = len(all)
			return all, nil
		}
		all, rest = append(all, l), after
		j.size += int64(len(one)) + 1
	}
}

// add appends a line and returns once it is durable. After an error it is not there.
func (j *journal) add(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("note notice: %w", err)
	}
	f, err := j.disk.OpenFile(File, os.O_CREATE|os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return fmt.Errorf("note notice: %w", err)
	}
	defer f.Close()
	if j.torn {
		if err := f.Truncate(j.size); err != nil {
			return fmt.Errorf("note notice: %w", err)
		}
	}
	j.torn = true
	if _, err := f.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("note notice: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("note notice: %w", err)
	}
	if !j.named {
		if err := j.disk.SyncDir("."); err != nil {
			return fmt.Errorf("note notice: %w", err)
		}
	}
	j.size, j.lines, j.torn, j.named = j.size+int64(len(text))+1, j.lines+1, false, true
	return nil
}

// rewrite puts other lines into the place of all.
func (j *journal) rewrite(lines []line) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("shorten notices: %w", err)
		}
	}
	if err := j.put(text.Bytes()); err != nil {
		return fmt.Errorf("shorten notices: %w", err)
	}
	// From here on this is the file, whether its name survives a power cut or not.
	j.size, j.lines, j.torn, j.named = int64(text.Len()), len(lines), false, false
	if err := j.disk.SyncDir("."); err != nil {
		return fmt.Errorf("shorten notices: %w", err)
	}
	j.named = true
	return nil
}

// put writes a new file and gives it the name of the old one.
func (j *journal) put(data []byte) error {
	f, err := j.disk.OpenFile(newFile, os.O_CREATE|os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return j.disk.Rename(newFile, File)
}
