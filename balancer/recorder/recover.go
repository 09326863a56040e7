package recorder

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"deadair/balancer/audio"
	"deadair/balancer/env"
	"deadair/balancer/recorder/manifest"
)

// found is a session that was on disk.
type found struct {
	recording *recording
	state     manifest.State
	left      time.Duration // of its window; may be negative
}

// compare puts the session last that its mount goes on with. One that has not finished
// was on air at the end: that an older one had a higher epoch means that it was forgotten
// before this one began. Among others the higher epoch is the later one.
func (f found) compare(o found) int {
	switch {
	case f.state.Finished && !o.state.Finished:
		return -1
	case !f.state.Finished && o.state.Finished:
		return 1
	}
	return cmp.Or(cmp.Compare(f.state.Epoch, o.state.Epoch), cmp.Compare(f.state.Session, o.state.Session))
}

// recover puts right what the end of the process before left: manifests without torn
// lines, segments sealed at their last whole frame, windows running. What it relies on
// it makes durable first: after a kill, unlike after a power cut, there are names and
// lines that were never synced. Sessions that cannot be read are left as they are, and so
// is what can be none, such as lost+found.
func (r *Recorder) recover() error {
	if err := r.env.Disk.MkdirAll("."); err != nil {
		return err
	}
	entries, err := r.env.Disk.ReadDir(".")
	if err != nil {
		return err
	}
	if err := r.env.Disk.SyncDir("."); err != nil {
		return err
	}
	var sessions []found
	for _, e := range entries {
		if !e.IsDir() || e.Name() == r.cfg.storeDir() || !isSession(e.Name()) {
			continue
		}
		f, err := r.recoverSession(e.Name())
		if err != nil {
			r.log.Error("session not recovered", "session", e.Name(), "err", err)
			r.metrics.diskErrors.Inc()
		}
		if f.recording != nil {
			sessions = append(sessions, f)
		}
	}
	slices.SortFunc(sessions, found.compare)
	for _, f := range sessions {
		if f.state.Finished {
			r.library.over(f.state.Session)
		}
		if outdone := r.shows.restore(f, time.Now()); outdone != nil {
			r.conclude(outdone, manifest.Superseded)
		}
	}
	return nil
}

// recoverSession recovers one directory. What it returns without a recording is none.
func (r *Recorder) recoverSession(id string) (found, error) {
	rec := r.library.recording(id)
	lines, err := rec.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return found{}, err
	}
	state, ok := manifest.Replay(lines)
	if !ok {
		return found{}, discard(r.env.Disk, rec)
	}
	if state.Stage == manifest.Verified || state.Stage == manifest.Collected {
		// The store has it, and if that line is lost, the store is asked again. There may be
		// very many of these.
		return found{rec, state, min(r.cfg.Window, state.Until.Sub(r.env.Wall()))}, nil
	}
	age := r.age(rec, state) // before anything is repaired
	repair, err := r.repairSegments(rec, state)
	left := min(r.cfg.Window, state.Until.Sub(r.env.Wall()))
	if state.Live {
		left = r.cfg.Window - age
		repair = append(repair, manifest.Line{
			Type: manifest.Ended, Epoch: state.Epoch, Cause: manifest.Crash, Until: r.env.Wall().Add(left).UTC(),
		})
	}
	return found{rec, state, left}, errors.Join(err, r.settle(rec, repair))
}

// age is how long a session's last write is ago, by the clock of the disk.
func (r *Recorder) age(rec *recording, state manifest.State) time.Duration {
	names := []string{manifest.File}
	if n := len(state.Segments); n > 0 {
		names = append(names, state.Segments[n-1].File)
	}
	age := r.cfg.Window
	for _, name := range names {
		if fi, err := rec.disk.Stat(rec.path(name)); err == nil {
			age = min(age, time.Since(fi.ModTime()))
		}
	}
	return max(0, age)
}

// settle makes a manifest whole and durable, with what was found out.
func (r *Recorder) settle(rec *recording, lines []manifest.Line) error {
	if len(lines) > 0 {
		return rec.owe(lines...)
	}
	f, err := rec.disk.OpenFile(rec.path(manifest.File), os.O_WRONLY)
	if err != nil {
		return fmt.Errorf("open manifest: %w", err)
	}
	defer f.Close()
	if rec.torn {
		if err := f.Truncate(rec.size); err != nil {
			return fmt.Errorf("cut manifest: %w", err)
		}
		rec.torn = false
	}
	return f.Sync()
}

// repairSegments seals the segments that are not, and returns the lines that say so.
func (r *Recorder) repairSegments(rec *recording, state manifest.State) ([]manifest.Line, error) {
	entries, err := rec.disk.ReadDir(rec.dir)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	var lines []manifest.Line
	for _, e := range entries {
		name := e.Name()
		epoch, format, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		i := slices.IndexFunc(state.Segments, func(p manifest.Part) bool { return p.File == name })
		if i >= 0 && state.Segments[i].Sealed != nil {
			continue
		}
		last := r.written(e)
		sealed, err := repairSegment(rec.disk, rec.path(name), format)
		if err != nil {
			return nil, fmt.Errorf("repair segment %s: %w", name, err)
		}
		r.metrics.recovered.Inc()
		if i < 0 {
			lines = append(lines, manifest.Line{Type: manifest.Segment, Epoch: epoch, File: name})
		}
		sealed.Epoch, sealed.File, sealed.Title, sealed.Last = epoch, name, state.Title, last
		lines = append(lines, sealed)
	}
	return lines, rec.disk.SyncDir(rec.dir)
}

// written is when a file was written last, by this host's wall clock.
func (r *Recorder) written(e fs.DirEntry) time.Time {
	fi, err := e.Info()
	if err != nil {
		return time.Time{}
	}
	return r.env.Wall().Add(-time.Since(fi.ModTime())).UTC()
}

// repairSegment cuts a file after its last whole frame, makes it durable and tells
// what it holds.
func repairSegment(disk env.Disk, name string, format audio.Format) (manifest.Line, error) {
	f, err := disk.OpenFile(name, os.O_RDWR)
	if err != nil {
		return manifest.Line{}, err
	}
	defer f.Close()
	end, sum, u, err := scan(f, format)
	if err != nil {
		return manifest.Line{}, err
	}
	if err := f.Truncate(end); err != nil {
		return manifest.Line{}, err
	}
	return manifest.Line{
		Type: manifest.Sealed, Bytes: end, Frames: u.frames, Duration: u.duration,
		Sum: fmt.Sprintf("%08x", sum), Cause: manifest.Crash,
	}, f.Sync()
}

// scanSize is how much of a segment is looked at in one go, in bytes.
const scanSize = 1 << 20

// scan finds where the last whole unit of a segment ends, and sums up all before that.
func scan(r io.Reader, format audio.Format) (end int64, sum uint32, u units, err error) {
	split := audio.Splitter{Format: format}
	buf, held := make([]byte, scanSize), 0
	for running, at := uint32(0), int64(0); ; {
		n, err := r.Read(buf[held:])
		held += n
		if err != nil && err != io.EOF {
			return 0, 0, u, err
		}
		rest := buf[:held]
		for {
			x, ok := split.Next(rest, err == io.EOF)
			if !ok {
				break
			}
			running = crc32.Update(running, castagnoli, rest[:x.Length])
			rest, at = rest[x.Length:], at+int64(x.Length)
			if x.Audio() && (x.Kind != audio.Block || format == audio.Opaque) {
				u.add(x)
				end, sum = at, running
			}
		}
		held = copy(buf, rest)
		if err == io.EOF {
			return end, sum, u, nil
		}
	}
}

// discard removes a session of which nothing was promised: its directory was made,
// but its manifest did not get that far. One with audio in it is left alone, and so is
// an empty directory that may be somebody else's.
func discard(disk env.Disk, rec *recording) error {
	entries, err := disk.ReadDir(rec.dir)
	if err != nil {
		return fmt.Errorf("list session: %w", err)
	}
	for _, e := range entries {
		if e.Name() != manifest.File {
			return errors.New("there are files, but the manifest does not say whose: left as they are")
		}
	}
	if !isMade(rec.dir) {
		return nil
	}
	if len(entries) > 0 {
		if err := disk.Remove(rec.path(manifest.File)); err != nil {
			return fmt.Errorf("remove manifest: %w", err)
		}
	}
	if err := disk.Remove(rec.dir); err != nil {
		return fmt.Errorf("remove session: %w", err)
	}
	return disk.SyncDir(".")
}
