package publish

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder/manifest"
	"deadair/balancer/recorder/objects"
	"deadair/fakes/disk"
)

// TestALineNamesAllParts however long the show was.
func TestALineNamesAllParts(t *testing.T) {
	const least = 5 << 20
	for _, size := range []int64{0, 1, least, 3 * 57_600_000, 500*least + 1, 40 << 30} {
		n := partSize(least, size)
		require.GreaterOrEqual(t, n, int64(least))
		require.LessOrEqual(t, (size+n-1)/n, int64(maxParts))
	}
	tags := make([]string, maxParts)
	for i := range tags {
		tags[i] = strings.Repeat("x", 64) // a directory's: the longest
	}
	l := manifest.Line{Type: manifest.Completing, Plan: strings.Repeat("x", 24), Key: strings.Repeat("x", 1024), Upload: strings.Repeat("x", 1024), Bytes: 1 << 40, Parts: tags}
	_, err := manifest.Append(nil, l)
	require.NoError(t, err)
}

// TestEmbeddedStoreSurvivesKills: a directory that dies with its recorder, at any of its
// changes of the disk, has the track once in the end, and nothing half done.
func TestEmbeddedStoreSurvivesKills(t *testing.T) {
	for step := 1; ; step++ {
		d, err := disk.New(disk.Config{})
		require.NoError(t, err)
		f := newFleet(t, "r1")
		r1 := f.all["r1"]
		r1.records(segment{1, 0, 39})
		mounted := d.MountFor(step)
		r1.p.cfg.Store = objects.NewDir(mounted, "tracks")
		killed := !r1.look().done
		mounted.Unmount()
		if step%2 == 0 {
			d.PowerCut()
		}
		f.store = objects.NewDir(d.Mount(), "tracks")
		r1.p.cfg.Store = f.store
		for range 3 { // what it finds half done it begins anew
			if r1.look().done {
				break
			}
		}
		r, numbers, _ := f.published()
		require.Equal(t, 1, r.Edition.Revision, "killed at step %d", step)
		require.Equal(t, span(0, 39), numbers)
		left, err := d.Mount().ReadDir("tracks/.uploads")
		require.NoError(t, err)
		for _, e := range left {
			require.False(t, e.IsDir(), "killed at step %d: %s is left", step, e.Name())
		}
		if !killed {
			require.Greater(t, step, 20)
			return
		}
	}
}

// fullShelf is a library whose disk does not take how far an upload is.
type fullShelf struct{ *shelf }

var errFull = errors.New("disk full")

func (f fullShelf) Note(session string, lines ...manifest.Line) error {
	for _, l := range lines {
		if len(l.Parts) > 0 {
			return errFull
		}
	}
	return f.shelf.Note(session, lines...)
}

// TestOwnTroubleIsNoDeadStore: what is wrong with one session, or with this disk, does
// not hold up the others.
func TestOwnTroubleIsNoDeadStore(t *testing.T) {
	f := newFleet(t, "r1")
	r1 := f.all["r1"]
	r1.records(segment{1, 0, 39})
	r1.p.cfg.Library = fullShelf{r1.library}
	out := r1.look()
	require.ErrorIs(t, out.err, errFull)
	require.False(t, out.store)

	_, err := f.store.Put(t.Context(), "s1.json", []byte("no record"), objects.Condition{})
	require.NoError(t, err)
	out = r1.look()
	require.ErrorIs(t, out.err, errRecord)
	require.True(t, out.reached)
}
