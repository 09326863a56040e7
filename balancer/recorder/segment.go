package recorder

import (
	"errors"
	"fmt"
	"hash/crc32"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"deadair/balancer/audio"
	"deadair/balancer/env"
	"deadair/balancer/recorder/manifest"
)

// errPoisoned is a segment that must not be written any more, because a sync failed.
var errPoisoned = errors.New("segment could not be synced")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is a file that is being written: whole units of one format.
type segment struct {
	name   string
	epoch  int64
	format audio.Format
	opened time.Time
	dirty  atomic.Bool // the syncer knows of it

	busy   chan struct{} // of one: held while the file is used; guards what follows
	file   env.File
	size   int64 // bytes that were put into the file
	synced int64 // of those, bytes known to be durable
	failed error // of a sync
	closed bool

	// Of the source's goroutine alone: what the file holds in whole units.
	bytes, frames int64
	duration      time.Duration
	sum           uint32
	last          time.Time // of a write
}

func newSegment(file env.File, epoch int64, name string, f audio.Format) *segment {
	return &segment{name: name, epoch: epoch, format: f, opened: time.Now(), file: file, busy: make(chan struct{}, 1)}
}

// segmentName is "<epoch>-<n>.<ext>".
func segmentName(epoch int64, number int, f audio.Format) string {
	return fmt.Sprintf("%d-%d.%s", epoch, number, f.Ext())
}

// parseSegmentName takes a segment's name apart; ok is false for other names.
func parseSegmentName(name string) (epoch int64, f audio.Format, ok bool) {
	stem, ext, _ := strings.Cut(name, ".")
	first, second, _ := strings.Cut(stem, "-")
	epoch, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	number, err := strconv.Atoi(second)
	f = audio.FormatOf(ext)
	if err != nil || path.Base(name) != segmentName(epoch, number, f) {
		return 0, 0, false
	}
	return epoch, f, true
}

// units is some whole units in a row.
type units struct {
	frames   int64
	duration time.Duration
}

func (u *units) add(x audio.Unit) {
	u.frames++
	u.duration += x.Duration
}

// write appends whole units. When the disk takes only part of them, the file is cut
// after the last whole one. It returns errPoisoned, having written nothing, when a
// sync has failed.
func (s *segment) write(p []byte, u units) error {
	s.busy <- struct{}{}
	defer func() { <-s.busy }()
	if s.failed != nil {
		return errPoisoned
	}
	n, err := s.file.Write(p)
	s.last = time.Now()
	s.size += int64(n)
	if err != nil {
		n, u = whole(s.format, p[:n])
		_ = s.file.Truncate(s.bytes + int64(n)) // otherwise the manifest tells where to stop
		err = fmt.Errorf("write segment: %w", err)
	}
	s.bytes += int64(n)
	s.frames += u.frames
	s.duration += u.duration
	s.sum = crc32.Update(s.sum, castagnoli, p[:n])
	return err
}

// whole counts the units at the beginning of p, and their bytes.
func whole(f audio.Format, p []byte) (n int, u units) {
	split := audio.Splitter{Format: f}
	for {
		x, ok := split.Next(p[n:], true)
		if !ok || !x.Audio() {
			return n, u
		}
		n += x.Length
		u.add(x)
	}
}

// sync makes durable what was written. A sync that failed is not tried again.
func (s *segment) sync() error {
	s.busy <- struct{}{}
	defer func() { <-s.busy }()
	return s.syncBusy()
}

func (s *segment) syncBusy() error {
	if s.closed || s.failed != nil {
		return s.failed
	}
	s.dirty.Store(false)
	if err := s.file.Sync(); err != nil {
		s.failed = fmt.Errorf("sync segment: %w", err)
		return s.failed
	}
	s.synced = s.size
	return nil
}

// toSync is how much of the file a sync that begins now makes durable.
func (s *segment) toSync() int64 {
	s.busy <- struct{}{}
	defer func() { <-s.busy }()
	s.dirty.Store(false)
	return s.size
}

// durable tells that so much of the file was synced, together with others.
func (s *segment) durable(size int64) {
	s.busy <- struct{}{}
	defer func() { <-s.busy }()
	s.synced = max(s.synced, size)
}

// seal syncs and closes the file and returns the line that says so.
func (s *segment) seal(cause manifest.Cause, title string) (manifest.Line, error) {
	s.busy <- struct{}{}
	defer func() { <-s.busy }()
	err := s.syncBusy()
	s.closed = true
	_ = s.file.Close() // synced or lost already
	line := manifest.Line{
		Type: manifest.Sealed, Epoch: s.epoch, File: s.name, Bytes: s.bytes, Frames: s.frames,
		Duration: s.duration, Sum: fmt.Sprintf("%08x", s.sum), Title: title, Cause: cause,
	}
	if s.synced < s.bytes {
		synced := s.synced
		line.Synced = &synced
	}
	return line, err
}
