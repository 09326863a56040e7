package recorder_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/audio"
	"deadair/balancer/env"
	"deadair/balancer/recorder/manifest"
)

// segments is the content of a session's segments, by name.
func (g *rig) segments(session string) map[string][]byte {
	g.t.Helper()
	m := g.disk.Mount()
	defer m.Unmount()
	all := map[string][]byte{}
	entries, err := m.ReadDir(session)
	require.NoError(g.t, err)
	for _, e := range entries {
		if e.Name() != manifest.File {
			all[e.Name()] = readFile(g.t, m, path.Join(session, e.Name()))
		}
	}
	return all
}

func readFile(t *testing.T, d env.Disk, name string) []byte {
	t.Helper()
	f, err := d.OpenFile(name, os.O_RDONLY)
	require.NoError(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return b
}

// lines is a session's manifest, which has to be whole.
func (g *rig) lines(session string) []manifest.Line {
	g.t.Helper()
	m := g.disk.Mount()
	defer m.Unmount()
	data := readFile(g.t, m, path.Join(session, manifest.File))
	lines, good, bad := manifest.Parse(data)
	require.Zero(g.t, bad)
	require.EqualValues(g.t, len(data), good, "torn manifest")
	return lines
}

// types is the manifest in short: "session source segment sealed ended:eof".
func (g *rig) types(session string) string {
	var words []string
	for _, l := range g.lines(session) {
		word := string(l.Type)
		if l.Cause != "" {
			word += ":" + string(l.Cause)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// numbers are the frames of some segments, in the order of their names.
func numbers(t *testing.T, segments map[string][]byte) (found []uint64) {
	t.Helper()
	for _, name := range slices.SortedFunc(maps.Keys(segments), bySegment) {
		content := segments[name]
		require.Zero(t, len(content)%frameSize, "%s holds part of a frame", name)
		for b := range slices.Chunk(content, frameSize) {
			require.True(t, bytes.HasPrefix(b, []byte{0xFF, 0xE3, 0x18, 0xC4}), "%s: not cut on a frame", name)
			found = append(found, binary.BigEndian.Uint64(b[40:])>>8)
		}
	}
	return found
}

// bySegment compares "<epoch>-<n>.<ext>" by epoch, then n.
func bySegment(a, b string) int {
	key := func(name string) (e, n int) {
		_, err := fmt.Sscanf(name, "%d-%d.", &e, &n)
		if err != nil {
			panic(err)
		}
		return e, n
	}
	ea, na := key(a)
	eb, nb := key(b)
	return (ea-eb)<<20 + na - nb
}

func upTo(n uint64) []uint64 {
	all := make([]uint64, 0, n)
	for i := range n {
		all = append(all, i)
	}
	return all
}

// requireSealed checks that each segment is what the manifest says of it.
func (g *rig) requireSealed(session string) {
	g.t.Helper()
	state, ok := manifest.Replay(g.lines(session))
	require.True(g.t, ok)
	segments := g.segments(session)
	require.Len(g.t, segments, len(state.Segments))
	for _, p := range state.Segments {
		require.NotNil(g.t, p.Sealed, "%s is not sealed", p.File)
		require.Equal(g.t, p.Sealed.Bytes, int64(len(segments[p.File])), p.File)
		require.Equal(g.t, p.Sealed.Sum, crc32c(segments[p.File]), p.File)
		frames, length := count(segments[p.File])
		require.Equal(g.t, p.Sealed.Frames, frames, p.File)
		require.Equal(g.t, p.Sealed.Duration, length, p.File)
	}
}

func count(content []byte) (frames int64, length time.Duration) {
	split := audio.Splitter{Format: audio.MP3}
	for {
		u, ok := split.Next(content, true)
		if !ok {
			return frames, length
		}
		frames, length, content = frames+1, length+u.Duration, content[u.Length:]
	}
}
