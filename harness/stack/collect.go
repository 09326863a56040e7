package stack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"deadair/balancer/env"
	"deadair/fakes/broadcaster/frame"
	"deadair/harness/history"
)

// Collect reads every recorder's disk, and the store's, and reports which frames are on
// them.
func (s *Stack) Collect() error {
	var errs []error
	for _, n := range s.of(kindRecorder) {
		if err := s.collect(n.Name, s.world.Disk(n.Name)); err != nil {
			errs = append(errs, fmt.Errorf("collect from %s: %w", n.Name, err))
		}
	}
	s.log.Add(history.Event{Node: "checkers", Kind: history.Probed, Count: int(s.probes())})
	if err := s.collectStore(); err != nil {
		errs = append(errs, fmt.Errorf("collect from the store: %w", err))
	}
	return errors.Join(errs...)
}

func (s *Stack) collect(recorder string, d env.Disk) error {
	whole := sha256.New()
	count, size := 0, int64(0)
	err := walk(d, ".", func(name string, data []byte) {
		sum := sha256.Sum256(data)
		fmt.Fprintf(whole, "%s %x\n", name, sum)
		count++
		size += int64(len(data))
		if !s.isSound(name) {
			return
		}
		for _, e := range segmentEvents(name, data, s.byID) {
			e.Node, e.Hash = recorder, hex.EncodeToString(sum[:8])
			s.log.Add(e)
		}
	})
	s.log.Add(history.Event{Node: recorder, Kind: history.DiskHashed, Hash: hex.EncodeToString(whole.Sum(nil)), Count: count, Bytes: size})
	return err
}

// walk calls f for each file below a folder, in order of name.
func walk(d env.Disk, dir string, f func(name string, data []byte)) error {
	entries, err := d.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			if err := walk(d, name, f); err != nil {
				return err
			}
			continue
		}
		data, err := readFile(d, name)
		if err != nil {
			return err
		}
		f(name, data)
	}
	return nil
}

func readFile(d env.Disk, name string) ([]byte, error) {
	f, err := d.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// A segment of three hours is read in one piece, and not copied as it grows.
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	_, err = data.ReadFrom(f)
	return data.Bytes(), err
}

// isSound tells which files of a recorder are recordings.
func (s *Stack) isSound(name string) bool {
	if a := s.plan.ForeignOf(kindRecorder); a != nil {
		ok, err := path.Match(a.Recordings, path.Base(name))
		return ok && err == nil
	}
	return isSegment(name)
}

// isSegment tells a segment from a manifest: <session>/<epoch>-<n>.<ext>.
func isSegment(name string) bool {
	_, _, ok := segmentEpoch(name)
	return ok
}

func segmentEpoch(name string) (session string, epoch int64, ok bool) {
	session, base := path.Split(name)
	number, _, found := strings.Cut(base, "-")
	epoch, err := strconv.ParseInt(number, 10, 64)
	return path.Clean(session), epoch, found && err == nil
}

// segmentEvents tells what frames are in a segment: one event per broadcaster,
// the one with the most frames first, carrying what is no frame of anybody.
func segmentEvents(name string, data []byte, byID map[uint32]string) []history.Event {
	session, epoch, ok := segmentEpoch(name)
	if !ok {
		session = name // of somebody else's: a file is what it takes for one show
	}
	found := map[uint32]*history.Event{}
	var order []uint32
	tally, err := frame.Scan(bytes.NewReader(data), func(f frame.Found) {
		if !f.OK {
			return // it does not say whose it is; the tally counts it
		}
		e := found[f.Broadcaster]
		if e == nil {
			e = &history.Event{Kind: history.SegmentFound, Subject: byID[f.Broadcaster], Session: session, Epoch: epoch, File: name, Bytes: int64(len(data))}
			found[f.Broadcaster] = e
			order = append(order, f.Broadcaster)
		}
		e.Count++
		e.Ranges = extend(e.Ranges, int64(f.Number))
	})
	events := make([]history.Event, 0, len(order))
	for _, id := range order {
		events = append(events, *found[id])
	}
	if len(events) == 0 {
		events = []history.Event{{Kind: history.SegmentFound, Session: session, Epoch: epoch, File: name, Bytes: int64(len(data))}}
	}
	events[0].Bad = int(tally.Bad)
	if tally.Foreign > 0 || err != nil {
		events[0].Bad++
	}
	return events
}

// extend adds a frame to ranges kept in the order of the file.
func extend(rs []history.Range, n int64) []history.Range {
	if last := len(rs) - 1; last >= 0 && rs[last].To+1 == n {
		rs[last].To = n
		return rs
	}
	return append(rs, history.Range{From: n, To: n})
}
