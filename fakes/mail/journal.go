package mail

import (
	"bufio"
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

// journalFile is where the mails are, on the relay's disk.
const journalFile = "mails.jsonl"

// Mail is one mail that was taken.
type Mail struct {
	At      time.Time `json:"at"` // wall clock of the relay
	From    string    `json:"from"`
	To      []string  `json:"to"`
	ID      string    `json:"id"` // of its Message-ID, without brackets
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
}

// Read returns all mails on a relay's disk, in the order in which they came. A torn last
// line was never answered and is left out.
func Read(disk env.Disk) ([]Mail, error) {
	f, err := disk.OpenFile(journalFile, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the mails: %w", err)
	}
	defer f.Close()
	var all []Mail
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		var m Mail
		if err == nil {
			err = json.Unmarshal(line, &m)
		}
		if err != nil {
			return nil, fmt.Errorf("read the mails: %w", err)
		}
		all = append(all, m)
	}
}

// mend cuts a torn last line off.
func mend(disk env.Disk) error {
	f, err := disk.OpenFile(journalFile, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if whole := bytes.LastIndexByte(data, '\n') + 1; whole < len(data) {
		return f.Truncate(int64(whole))
	}
	return nil
}

// keep writes a mail down and returns once that is durable.
func (r *Relay) keep(m Mail) error {
	m.At = r.env.Wall().UTC()
	line, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("keep mail: %w", err)
	}
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	if r.torn {
		if err := mend(r.env.Disk); err != nil {
			return fmt.Errorf("keep mail: %w", err)
		}
	}
	r.torn = true
	if err := add(r.env.Disk, append(line, '\n')); err != nil {
		return fmt.Errorf("keep mail: %w", err)
	}
	r.torn = false
	return nil
}

// add appends to the file and returns once that is durable.
func add(disk env.Disk, line []byte) error {
	f, err := disk.OpenFile(journalFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(line); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return disk.SyncDir(".")
}
