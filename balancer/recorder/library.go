package recorder

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"sync"

	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/publish"
)

// library is the sessions on this disk. It implements publish.Library.
type library struct {
	r *Recorder

	mu         sync.Mutex            // guards what follows; not held during I/O
	recordings map[string]*recording // one each, for whoever writes its manifest
	finished   map[string]bool
}

var _ publish.Library = (*library)(nil)

func newLibrary(r *Recorder) *library {
	return &library{r: r, recordings: map[string]*recording{}, finished: map[string]bool{}}
}

// recording is a session's, which need not be on disk yet.
func (l *library) recording(session string) *recording {
	l.mu.Lock()
	defer l.mu.Unlock()
	rec := l.recordings[session]
	if rec == nil {
		rec = newRecording(l.r.env.Disk, l.r.env.Wall, session)
		l.recordings[session] = rec
	}
	return rec
}

// over takes note of a session that has finished.
func (l *library) over(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finished[session] = true
}

// Pending implements publish.Library.
func (l *library) Pending() ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.finished)), nil
}

// State implements publish.Library.
func (l *library) State(session string) (manifest.State, bool, error) {
	if !fs.ValidPath(session) {
		return manifest.State{}, false, nil
	}
	s, ok, err := l.read(session)
	if err != nil || !ok || s.Finished {
		return s, ok, err
	}
	l.mu.Lock()
	over := l.finished[session]
	l.mu.Unlock()
	switch {
	case !over:
		return s, ok, nil
	case l.r.shows.has(s.Mount, session):
		l.mu.Lock()
		delete(l.finished, session) // it goes on
		l.mu.Unlock()
		return s, ok, nil
	}
	// The disk did not take what was to be written about its end.
	if err := l.recording(session).settle(s); err != nil {
		return s, ok, err
	}
	return l.read(session)
}

// read reads a session's manifest.
func (l *library) read(session string) (manifest.State, bool, error) {
	lines, err := newRecording(l.r.env.Disk, l.r.env.Wall, session).load()
	if errors.Is(err, fs.ErrNotExist) {
		l.forget(session)
		return manifest.State{}, false, nil
	}
	if err != nil {
		return manifest.State{}, false, err
	}
	s, ok := manifest.Replay(lines)
	return s, ok, nil
}

func (l *library) forget(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.finished, session)
	delete(l.recordings, session)
}

// Note implements publish.Library.
func (l *library) Note(session string, lines ...manifest.Line) error {
	if err := l.recording(session).commit(lines...); err != nil {
		l.r.diskTrouble(err)
		return fmt.Errorf("note: %w", err)
	}
	return nil
}

// Open implements publish.Library.
func (l *library) Open(session, file string) (io.ReadCloser, error) {
	if _, _, ok := parseSegmentName(file); !ok || !fs.ValidPath(session) {
		return nil, fs.ErrNotExist
	}
	return l.r.env.Disk.OpenFile(path.Join(session, file), os.O_RDONLY)
}

// Short implements publish.Library.
func (l *library) Short() bool { return l.r.watch.condition().full }

// errLive is a session that a source has come back to.
var errLive = errors.New("a source has come back to it")

// Remove implements publish.Library.
func (l *library) Remove(session string) error {
	state, ok, err := l.State(session)
	if err != nil || !ok {
		return err
	}
	s := l.r.shows.enter(state.Mount)
	if s == nil {
		return errLive
	}
	defer l.r.shows.leave(s)
	select {
	case s.turn <- struct{}{}:
	default:
		return errLive
	}
	defer func() { <-s.turn }()
	if s.open && s.session == session {
		return errLive
	}
	// With the turn, for one that came back and has gone again left something to publish.
	if state, _, err := l.read(session); err != nil || state.Stage == "" {
		return cmp.Or(err, errLive)
	}
	if err := removeSession(l.recording(session)); err != nil {
		return err
	}
	l.forget(session)
	return nil
}

// removeSession removes a session's segments, and then what tells of them.
func removeSession(rec *recording) error {
	entries, err := rec.disk.ReadDir(rec.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == manifest.File {
			continue
		}
		if err := rec.disk.Remove(rec.path(e.Name())); err != nil {
			return err
		}
	}
	if err := rec.disk.SyncDir(rec.dir); err != nil {
		return err
	}
	if err := rec.disk.Remove(rec.path(manifest.File)); err != nil {
		return err
	}
	if err := rec.disk.Remove(rec.dir); err != nil {
		return err
	}
	return rec.disk.SyncDir(".")
}
