package recorder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"deadair/balancer/audio"
	"deadair/balancer/env"
	"deadair/balancer/recorder/manifest"
)

// maxOwed is how much of a manifest may wait for a disk that does not take it, in
// bytes. What does not fit is found again by recovery.
const maxOwed = 64 << 10

var (
	// errOtherShow is a session that was another mount's or account's.
	errOtherShow = errors.New("it belongs to another mount or account")
	// errKilled is a session that somebody has ended: what comes is another show.
	errKilled = errors.New("it was killed")
)

// errOwed is a manifest that is too far behind.
var errOwed = errors.New("manifest too far behind")

// recording is one session's directory: its manifest and its segments.
type recording struct {
	disk env.Disk
	wall func() time.Time
	dir  string

	busy   chan struct{} // of one: held while the manifest is written; guards what follows
	size   int64         // of the lines that are durable
	torn   bool          // behind size there may be something
	owed   []byte        // lines that are still to be written
	titles int           // noted by this process
}

// maxTitles is how many titles of a session are noted: one each five seconds for eleven
// hours. Later ones are heard, and not written down: manifests are read whole.
const maxTitles = 8192

// openRecording takes up a session's directory, or makes it, and returns once the
// lines are durable. A directory of another mount or account is an error, and one of a
// session that was killed.
func openRecording(r *recording, session, source manifest.Line) (*recording, manifest.State, error) {
	lines, err := r.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, manifest.State{}, err
	}
	state, known := manifest.Replay(lines)
	switch {
	case !known:
		state, _ = manifest.Replay([]manifest.Line{session})
		return r, state, r.begin(session, source)
	case state.Mount != session.Mount || state.Account != session.Account:
		return nil, state, fmt.Errorf("open session %s: %w", session.Session, errOtherShow)
	case state.Killed:
		return nil, state, fmt.Errorf("open session %s: %w", session.Session, errKilled)
	}
	return r, state, r.commit(source)
}

func newRecording(disk env.Disk, wall func() time.Time, session string) *recording {
	return &recording{disk: disk, wall: wall, dir: session, busy: make(chan struct{}, 1)}
}

func (r *recording) path(name string) string { return path.Join(r.dir, name) }

// load reads the manifest's good lines.
func (r *recording) load() ([]manifest.Line, error) {
	r.busy <- struct{}{}
	defer func() { <-r.busy }()
	data, err := readFile(r.disk, r.path(manifest.File))
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	lines, good, _ := manifest.Parse(data)
	r.size, r.torn = good, good < int64(len(data))
	return lines, nil
}

// begin makes the directory and its manifest. Names become durable before there are
// lines: a manifest without any promises nothing, and is begun again.
func (r *recording) begin(lines ...manifest.Line) error {
	if err := r.disk.MkdirAll(r.dir); err != nil {
		return fmt.Errorf("make session directory: %w", err)
	}
	f, err := r.disk.OpenFile(r.path(manifest.File), os.O_CREATE|os.O_WRONLY)
	if err != nil {
		return fmt.Errorf("create manifest: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("create manifest: %w", err)
	}
	for _, dir := range []string{r.dir, "."} {
		if err := r.disk.SyncDir(dir); err != nil {
			return fmt.Errorf("sync session directory: %w", err)
		}
	}
	r.size, r.torn = 0, true
	if err := r.commit(lines...); err != nil {
		_ = r.disk.Remove(r.path(manifest.File)) // it may hold lines, and they would be believed
		return err
	}
	return nil
}

// commit writes lines and returns once they are durable. After an error they are
// forgotten.
func (r *recording) commit(lines ...manifest.Line) error {
	r.busy <- struct{}{}
	defer func() { <-r.busy }()
	before := len(r.owed)
	err := r.add(lines)
	if err == nil {
		err = r.flush()
	}
	if err != nil {
		r.owed = r.owed[:min(before, len(r.owed))]
	}
	return err
}

// owe writes lines, too. After an error they are written before the next ones.
func (r *recording) owe(lines ...manifest.Line) error {
	r.busy <- struct{}{}
	defer func() { <-r.busy }()
	if err := r.add(lines); err != nil {
		return err
	}
	return r.flush()
}

// note writes down what a show is playing now.
func (r *recording) note(title string) error {
	r.busy <- struct{}{}
	defer func() { <-r.busy }()
	if r.titles++; r.titles > maxTitles {
		return nil
	}
	if err := r.add([]manifest.Line{{Type: manifest.Title, Title: title}}); err != nil {
		return err
	}
	return r.flush()
}

// settle writes what is owed of a session that is over, and if that was too much to be
// kept, that it is over.
func (r *recording) settle(s manifest.State) error {
	r.busy <- struct{}{}
	defer func() { <-r.busy }()
	if len(r.owed) > 0 {
		return r.flush()
	}
	var lines []manifest.Line
	if s.Live {
		lines = append(lines, manifest.Line{Type: manifest.Ended, Epoch: s.Epoch, Cause: manifest.DiskError})
	}
	if err := r.add(append(lines, manifest.Line{Type: manifest.Finished, Cause: manifest.Window})); err != nil {
		return err
	}
	return r.flush()
}

func (r *recording) add(lines []manifest.Line) (err error) {
	for _, l := range lines {
		l.At = r.wall().UTC()
		if r.owed, err = manifest.Append(r.owed, l); err != nil {
			return err
		}
	}
	if len(r.owed) > maxOwed {
		r.owed = nil
		return errOwed
	}
	return nil
}

// flush makes all that is owed durable. A file whose sync failed is not used again:
// the lines are written anew, from the last durable one on.
func (r *recording) flush() error {
	if len(r.owed) == 0 {
		return nil
	}
	f, err := r.disk.OpenFile(r.path(manifest.File), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return fmt.Errorf("open manifest: %w", err)
	}
	defer f.Close()
	if r.torn {
		if err := f.Truncate(r.size); err != nil {
			return fmt.Errorf("cut manifest: %w", err)
		}
	}
	r.torn = true
	if _, err := f.Write(r.owed); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync manifest: %w", err)
	}
	r.size, r.torn, r.owed = r.size+int64(len(r.owed)), false, nil
	return nil
}

// maxNumber is the most segments that one source leaves.
const maxNumber = 1_000_000

// create makes the next segment file of an epoch, after *number, and returns once its
// name is durable.
func (r *recording) create(epoch int64, number *int, f audio.Format) (*segment, error) {
	for *number++; *number <= maxNumber; *number++ {
		name := segmentName(epoch, *number, f)
		file, err := r.disk.OpenFile(r.path(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("create segment: %w", err)
		}
		return r.announce(file, epoch, name, f)
	}
	return nil, fmt.Errorf("create segment: epoch %d has %d already", epoch, maxNumber)
}

func (r *recording) announce(file env.File, epoch int64, name string, f audio.Format) (*segment, error) {
	err := r.disk.SyncDir(r.dir)
	if err == nil {
		err = r.commit(manifest.Line{Type: manifest.Segment, Epoch: epoch, File: name})
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("announce segment: %w", err)
	}
	return newSegment(file, epoch, name, f), nil
}

func readFile(disk env.Disk, name string) ([]byte, error) {
	f, err := disk.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
