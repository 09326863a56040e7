package publish

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/audio"
	"deadair/balancer/env"
	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
)

// fleet is some recorders with one store, who hear each other while they are up.
type fleet struct {
	t     *testing.T
	store objects.Store
	all   map[string]*member
}

type member struct {
	f       *fleet
	name    string
	library *shelf
	p       *Publisher
	down    bool
}

func newFleet(t *testing.T, names ...string) *fleet {
	f := &fleet{t: t, store: objects.NewDir(env.OSDisk(t.TempDir()), "tracks"), all: map[string]*member{}}
	for _, name := range names {
		m := &member{f: f, name: name, library: &shelf{dir: t.TempDir(), lines: map[string][]manifest.Line{}}}
		m.p = newPublisher(f.store, m.library)
		m.p.cfg.Name, m.p.cfg.Peers = name, m
		f.all[name] = m
	}
	return f
}

// Holdings implements Peers.
func (m *member) Holdings(_ context.Context, session string) (all []Holding, absent int) {
	for _, o := range m.f.all {
		state, ok, err := o.library.State(session)
		switch {
		case o == m:
		case o.down:
			absent++
		case ok && err == nil:
			h := HoldingOf(o.name, state)
			h.Able = true
			all = append(all, h)
		}
	}
	return all, absent
}

// Open implements Peers.
func (m *member) Open(_ context.Context, recorder, session, file string) (io.ReadCloser, error) {
	return m.f.all[recorder].library.Open(session, file)
}

// segment is some frames of an epoch.
type segment struct {
	epoch    int64
	from, to int // frames
}

// records gives a recorder a session that is over, with some segments.
func (m *member) records(segments ...segment) {
	m.f.t.Helper()
	began := time.Now().Add(-time.Hour)
	lines := []manifest.Line{{Type: manifest.Session, Session: "s1", Mount: "/s1", Recorder: m.name}}
	require.NoError(m.f.t, os.MkdirAll(filepath.Join(m.library.dir, "s1"), 0o755))
	for _, g := range segments {
		data := frames(g.to + 1)[g.from*frameBytes:]
		name := fmt.Sprintf("%d-1.mp3", g.epoch)
		require.NoError(m.f.t, os.WriteFile(filepath.Join(m.library.dir, "s1", name), data, 0o644))
		at := began.Add(time.Duration(g.from) * time.Second)
		lines = append(lines, manifest.Line{Type: manifest.Source, Epoch: g.epoch}, manifest.Line{Type: manifest.Segment, Epoch: g.epoch, File: name, At: at},
			manifest.Line{Type: manifest.Sealed, Epoch: g.epoch, File: name, Bytes: int64(len(data)), Cause: manifest.EOF, Last: at.Add(time.Second)},
			manifest.Line{Type: manifest.Ended, Epoch: g.epoch, Cause: manifest.Reset})
	}
	m.library.lines["s1"] = append(lines, manifest.Line{Type: manifest.Finished, At: began})
}

// look has a recorder look at the session.
func (m *member) look() outcome { return m.p.look(m.f.t.Context(), "s1") }

// published is what the store has: the record, and the frames of its only track.
func (f *fleet) published() (r Record, numbers []int, tag string) {
	f.t.Helper()
	r, _, err := readRecord(f.t.Context(), f.store, "s1.json", Holding{})
	require.NoError(f.t, err)
	require.NotNil(f.t, r.Edition)
	require.Empty(f.t, r.Underway)
	require.Len(f.t, r.Edition.Tracks, 1)
	data, info, err := f.store.Get(f.t.Context(), "s1.mp3")
	require.NoError(f.t, err)
	require.Equal(f.t, r.Edition.Tracks[0].Bytes, info.Size)
	require.Equal(f.t, r.Edition.Plan, info.Meta[planMeta])
	split := audio.Splitter{Format: audio.MP3}
	for first := true; ; first = false {
		u, ok := split.Next(data, true)
		if !ok {
			return r, numbers, info.Tag
		}
		if !first { // which describes the others
			numbers = append(numbers, int(data[100])|int(data[101])<<8)
		}
		data = data[u.Length:]
	}
}

// span counts from one number to another.
func span(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

// TestLateSegmentsMakeARevision that has all that the one before had, and more: of what
// its recorders still have, or of what the store has.
func TestLateSegmentsMakeARevision(t *testing.T) {
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprintf("gone=%v", gone), func(t *testing.T) {
			f := newFleet(t, "r1", "r2")
			r1, r2 := f.all["r1"], f.all["r2"]
			r1.records(segment{1, 0, 39}, segment{3, 80, 119})
			r2.records(segment{2, 40, 79})
			r2.down = true
			require.True(t, r1.look().done)
			first, numbers, _ := f.published()
			require.Equal(t, 1, first.Edition.Revision)
			require.Equal(t, append(span(0, 39), span(80, 119)...), numbers)
			gaps := first.Edition.Tracks[0].Gaps
			require.Len(t, gaps, 1)
			require.Equal(t, Missing, gaps[0].Cause)
			require.InDelta(t, 79, gaps[0].Length, 0.1, "by the recorder's clock")
			if gone {
				require.NoError(t, r1.library.Remove("s1"))
			}

			r2.down = false
			require.True(t, r2.look().done)
			second, numbers, _ := f.published()
			require.Equal(t, 2, second.Edition.Revision)
			require.Equal(t, span(0, 119), numbers)
			require.True(t, covers(second.Edition.Parts, first.Edition.Parts))
			require.Greater(t, len(second.Edition.Parts), len(first.Edition.Parts))
		})
	}
}

// TestNoRevisionOfLess: what the store has is not replaced by the same, nor by what
// lacks some of it.
func TestNoRevisionOfLess(t *testing.T) {
	f := newFleet(t, "r1", "r2")
	r1, r2 := f.all["r1"], f.all["r2"]
	r1.records(segment{1, 0, 39})
	r2.records(segment{2, 40, 79})
	r2.down = true
	require.True(t, r1.look().done)
	before, numbers, tag := f.published()
	unchanged := func() {
		t.Helper()
		after, still, same := f.published()
		require.Equal(t, before.Edition.Revision, after.Edition.Revision)
		require.Equal(t, numbers, still)
		require.Equal(t, tag, same)
	}

	r1.records(segment{1, 0, 39}) // and has forgotten that it is published
	require.True(t, r1.look().done)
	unchanged()

	// It lies nowhere that is known: a new edition would lack it.
	record, at, err := readRecord(t.Context(), f.store, "s1.json", Holding{})
	require.NoError(t, err)
	record.Edition.Places[0].Track = -1
	_, err = writeRecord(t.Context(), f.store, "s1.json", at, record)
	require.NoError(t, err)
	require.NoError(t, r1.library.Remove("s1"))
	r2.down = false
	out := r2.look()
	require.ErrorIs(t, out.err, errAhead)
	require.False(t, out.done, "what is here stays here")
	unchanged()
}
