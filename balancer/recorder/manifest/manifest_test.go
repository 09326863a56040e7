package manifest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var at = time.Date(2014, 10, 2, 18, 40, 0, 123456789, time.UTC)

func sample() []Line {
	synced := int64(0)
	return []Line{
		{Type: Session, At: at, Session: "s1", Mount: "/a \"show\"", Account: "anna", Recorder: "eu/recorder-1"},
		{Type: Source, At: at, Epoch: 7, Header: map[string]string{"content-type": "audio/mpeg"}},
		{Type: Segment, At: at, Epoch: 7, File: "7-1.mp3"},
		{Type: Title, At: at, Title: "Ænima\nsecond line"},
		{Type: Sealed, At: at, Epoch: 7, File: "7-1.mp3", Bytes: 720, Frames: 10, Duration: 720 * time.Millisecond, Sum: "0123abcd", Cause: DiskError, Synced: &synced},
		{Type: Ended, At: at, Epoch: 7, Cause: EOF, Torn: 3, Junk: 4, Tags: 5, Until: at.Add(5 * time.Minute)},
	}
}

func encode(t testing.TB, lines ...Line) []byte {
	t.Helper()
	var b []byte
	for _, l := range lines {
		var err error
		b, err = Append(b, l)
		require.NoError(t, err)
	}
	return b
}

func TestLinesComeBack(t *testing.T) {
	b := encode(t, sample()...)
	lines, good, bad := Parse(b)
	require.Equal(t, sample(), lines)
	require.EqualValues(t, len(b), good)
	require.Zero(t, bad)
	require.True(t, strings.HasPrefix(string(b), `{"type":"session","at":"2014-10-02T18:40:00.123456789Z","session":"s1"`))
}

// TestEveryTornEndIsSeen: whatever of the last line is missing, the others stay.
func TestEveryTornEndIsSeen(t *testing.T) {
	whole, last := encode(t, sample()[:3]...), encode(t, sample()[3])
	for n := range last {
		lines, good, bad := Parse(append(bytes.Clone(whole), last[:n]...))
		require.Len(t, lines, 3)
		require.EqualValues(t, len(whole), good)
		require.Zero(t, bad)
	}
}

func TestEveryFlippedBitIsSeen(t *testing.T) {
	first, damaged, last := encode(t, sample()[0]), encode(t, sample()[1]), encode(t, sample()[2])
	for i := range len(damaged) * 8 {
		b := bytes.Clone(damaged)
		b[i/8] ^= 1 << (i % 8)
		if i/8 == len(b)-1 {
			continue // the line end itself: both lines are one bad one then
		}
		lines, good, bad := Parse(bytes.Join([][]byte{first, b, last}, nil))
		require.Equal(t, []Line{sample()[0], sample()[2]}, lines, "bit %d", i)
		require.EqualValues(t, len(first)+len(b)+len(last), good)
		require.GreaterOrEqual(t, bad, 1)
	}
}

func TestLineTooLong(t *testing.T) {
	_, err := Append(nil, Line{Type: Title, Title: strings.Repeat("x", MaxLine)})
	require.ErrorContains(t, err, "more than 65536")
}

func TestReplay(t *testing.T) {
	lines := sample()
	source := func(epoch int64, guessed bool) Line { return Line{Type: Source, Epoch: epoch, Guessed: guessed} }
	ended := func(epoch int64) Line {
		return Line{Type: Ended, Epoch: epoch, Until: at.Add(time.Duration(epoch) * time.Second)}
	}
	base := State{Session: "s1", Mount: "/a \"show\"", Account: "anna"}
	for name, c := range map[string]struct {
		lines []Line
		want  func(*State)
	}{
		"opened": {lines[:1], func(*State) {}},
		"live":   {lines[:2], func(s *State) { s.Epoch, s.Live = 7, true }},
		"a segment open": {lines[:3], func(s *State) {
			s.Epoch, s.Live, s.Segments = 7, true, []Part{{File: "7-1.mp3", Epoch: 7, Began: lines[2].At}}
		}},
		"ended":          {[]Line{lines[0], source(1, false), ended(1)}, func(s *State) { s.Epoch, s.Until, s.Ended = 1, at.Add(time.Second), map[int64]Cause{1: ""} }},
		"guessed":        {[]Line{lines[0], source(1, false), source(2, true)}, func(s *State) { s.Epoch, s.Guessed, s.Live = 2, true, true }},
		"known after it": {[]Line{lines[0], source(1, true), source(3, false)}, func(s *State) { s.Epoch, s.Live = 3, true }},
		"old one ends":   {[]Line{lines[0], source(1, false), source(2, false), ended(1)}, func(s *State) { s.Epoch, s.Live, s.Ended = 2, true, map[int64]Cause{1: ""} }},
		"finished":       {[]Line{lines[0], source(1, false), {Type: Finished}}, func(s *State) { s.Epoch, s.Finished = 1, true }},
		"taken up again": {[]Line{lines[0], source(1, false), {Type: Finished}, source(2, false)}, func(s *State) { s.Epoch, s.Live = 2, true }},
		"uploading": {[]Line{lines[0], {Type: Finished, At: at}, {Type: Stitched, Plan: "p"}, {Type: Uploading, Plan: "p", Upload: "u", Parts: []string{"t"}, At: at}}, func(s *State) {
			s.Finished, s.Stage, s.Plan, s.Since = true, Uploading, "p", at
			s.Upload = Line{Type: Uploading, Plan: "p", Upload: "u", Parts: []string{"t"}, At: at}
		}},
		"verified": {[]Line{lines[0], {Type: Finished}, {Type: Completing, Plan: "p", Upload: "u"}, {Type: Verified, Plan: "p", At: at}}, func(s *State) {
			s.Finished, s.Stage, s.Plan, s.Since = true, Verified, "p", at
		}},
		"collected":                     {[]Line{lines[0], lines[2], {Type: Finished}, {Type: Collected}}, func(s *State) { s.Finished, s.Stage = true, Collected }},
		"taken up after publishing":     {[]Line{lines[0], {Type: Finished, At: at}, {Type: Verified, Plan: "p", At: at}, source(2, false)}, func(s *State) { s.Epoch, s.Live, s.Since = 2, true, at }},
		"verified while taken up again": {[]Line{lines[0], source(1, false), {Type: Finished}, source(2, false), {Type: Verified, Plan: "p", Epoch: 1}}, func(s *State) { s.Epoch, s.Live = 2, true }},
		"collected after it is over again": {[]Line{lines[0], source(2, false), lines[2], {Type: Finished, At: at}, {Type: Collected, Epoch: 1}}, func(s *State) {
			s.Epoch, s.Finished, s.Since, s.Segments = 2, true, at, []Part{{File: "7-1.mp3", Epoch: 7, Began: lines[2].At}}
		}},
		"unknown segment": {[]Line{lines[0], {Type: Sealed, File: "9-9.mp3"}}, func(*State) {}},
		"unknown type":    {[]Line{lines[0], {Type: "later"}}, func(*State) {}},
	} {
		t.Run(name, func(t *testing.T) {
			want := base
			c.want(&want)
			got, ok := Replay(c.lines)
			require.True(t, ok)
			require.Equal(t, want, got)
		})
	}
	whole, ok := Replay(lines)
	require.True(t, ok)
	require.Equal(t, "Ænima\nsecond line", whole.Title)
	require.Equal(t, &lines[4], whole.Segments[0].Sealed)
	for _, bad := range [][]Line{nil, lines[1:], {{Type: Session}}} {
		_, ok := Replay(bad)
		require.False(t, ok)
	}
}

// FuzzManifest: any bytes parse without a panic; what was understood is written the
// same way again; a line appended at the good end is always found.
func FuzzManifest(f *testing.F) {
	b := encode(f, sample()...)
	f.Add(b)
	f.Add(b[:len(b)-5])
	f.Add(append([]byte("garbage\n"), b...))
	f.Add([]byte("{\"type\":\"session\",\"crc\":\"00000000\"}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, good, _ := Parse(data)
		require.LessOrEqual(t, good, int64(len(data)))
		Replay(lines)
		next := Line{Type: Title, Title: "next", At: at}
		again, _, _ := Parse(encode(t, append(lines, next)...))
		require.Equal(t, append(lines, next), again)
		more := append(bytes.Clone(data[:good]), encode(t, next)...)
		again, end, _ := Parse(more)
		require.Len(t, again, len(lines)+1)
		require.EqualValues(t, len(more), end)
	})
}
