package recorder

import (
	"errors"
	"time"

	"deadair/balancer/audio"
	"deadair/balancer/recorder/feed"
	"deadair/balancer/recorder/manifest"
)

// maxPoisoned is how many segments of one source may fail to sync before the source
// has to go elsewhere.
const maxPoisoned = 1

// tape takes what one source sends, cuts it into units and writes those that carry
// audio, at once and whole, into segments. What is no audio, and the frame that the
// source's end cuts off, is counted and dropped.
type tape struct {
	recording *recording
	epoch     int64
	limits    limits
	syncer    *syncer
	feed      *feed.Feed
	title     func() string
	wrote     func(n int, u units) // told of what reached the file
	trouble   func(error)          // told of each error of the disk
	opaque    func()               // told when it holds no frames that are known

	split    audio.Splitter
	buf      []byte // buf[:held] is not decided yet; the rest is room to read into
	held     int
	seg      *segment // nil until there is something to write
	number   int      // of the last segment
	poisoned int
	broken   bool // after an error nothing more is written

	torn, junk, tags int64 // bytes dropped
}

// limits is when a segment is complete.
type limits struct {
	length time.Duration
	bytes  int64
}

// room is where the next bytes have to be read to. It is never empty.
func (t *tape) room() []byte {
	if t.held == len(t.buf) { // an Ogg page may be longer than the buffer
		longer := make([]byte, 2*len(t.buf))
		copy(longer, t.buf)
		t.buf = longer
	}
	return t.buf[t.held:]
}

// take takes n bytes that were read into the room. After an error the tape has to be
// ended.
func (t *tape) take(n int) error {
	t.held += n
	return t.cut(false)
}

// cut writes all units that are decided, in as few writes as possible.
func (t *tape) cut(end bool) error {
	from, to := 0, 0 // what is to be written is buf[from:to]
	var run units
	format := t.split.Format
	defer func() { t.held = copy(t.buf, t.buf[to:t.held]) }()
	for {
		u, ok := t.split.Next(t.buf[to:t.held], end)
		if ok && u.Audio() {
			run.add(u)
			to += u.Length
			format = t.split.Format // it changes only before the first unit and with junk
			continue
		}
		if err := t.write(t.buf[from:to], run, format); err != nil || !ok {
			return err
		}
		t.drop(u)
		to += u.Length
		from, run = to, units{}
	}
}

func (t *tape) drop(u audio.Unit) {
	switch u.Kind {
	case audio.Torn:
		t.torn += int64(u.Length)
	case audio.Tag:
		t.tags += int64(u.Length)
	default:
		t.junk += int64(u.Length)
	}
}

// write puts whole units of a format into the segment, which may be a new one.
func (t *tape) write(p []byte, u units, f audio.Format) error {
	if len(p) == 0 {
		return nil
	}
	if t.seg != nil && t.seg.format != f {
		if err := t.rotate(manifest.Format); err != nil {
			return err
		}
	}
	if err := t.open(f); err != nil {
		return t.fail(err)
	}
	err := t.seg.write(p, u)
	if errors.Is(err, errPoisoned) {
		if err := t.rotate(manifest.DiskError); err != nil {
			return err
		}
		return t.write(p, u, f)
	}
	t.syncer.add(t.seg)
	if err != nil {
		return t.fail(err)
	}
	t.wrote(len(p), u)
	t.feed.Publish(p)
	switch {
	case t.seg.bytes >= t.limits.bytes:
		return t.rotate(manifest.Size)
	case t.seg.last.Sub(t.seg.opened) >= t.limits.length:
		return t.rotate(manifest.Length)
	}
	return nil
}

func (t *tape) open(f audio.Format) (err error) {
	if t.seg != nil {
		return nil
	}
	if t.seg, err = t.recording.create(t.epoch, &t.number, f); err != nil {
		return err
	}
	if f == audio.Opaque {
		t.opaque()
	}
	t.feed.Segment(t.recording.path(t.seg.name), f)
	return nil
}

// rotate completes the segment so that another one follows. A disk that fails once
// is given another chance with a new file.
func (t *tape) rotate(cause manifest.Cause) error {
	err := t.seal(cause)
	if err == nil {
		return nil
	}
	if t.poisoned++; t.poisoned > maxPoisoned {
		return t.fail(err)
	}
	t.trouble(err)
	return nil
}

// seal completes the segment. Its error is that of the disk; the segment is given up
// in any case.
func (t *tape) seal(cause manifest.Cause) error {
	line, err := t.seg.seal(cause, t.title())
	line.Last = t.recording.wall().Add(-time.Since(t.seg.last)).UTC()
	t.seg = nil
	return errors.Join(err, t.recording.owe(line))
}

// fail ends all writing.
func (t *tape) fail(err error) error {
	t.broken = true
	t.trouble(err)
	return err
}

// end writes what is whole, completes the segment and returns the line about the
// source's end, which is still to be written.
func (t *tape) end(cause manifest.Cause) manifest.Line {
	if !t.broken {
		_ = t.cut(true) // trouble knows
	}
	if t.seg != nil {
		if err := t.seal(cause); err != nil {
			t.trouble(err)
		}
	}
	return manifest.Line{
		Type: manifest.Ended, Epoch: t.epoch, Cause: cause,
		Torn: t.torn + int64(t.held), Junk: t.junk, Tags: t.tags,
	}
}
