package feed

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/balancer/audio"
)

// TestPast: a burst begins between two units, is at most what it may be, and joins the
// rest without a gap.
func TestPast(t *testing.T) {
	for n, want := range map[int][]Extent{
		0:   nil,
		1:   {{"s1/1-1.mp3", 0, 100}},
		16:  {{"s1/1-1.mp3", 0, 1600}},
		17:  {{"s1/1-1.mp3", 100, 1700}},
		500: {{"s1/1-1.mp3", 48400, 50000}},
	} {
		f := onAir(config(), n)
		l := join(t, f)
		require.Equal(t, want, l.Past(), "after %d units", n)
		l.Leave()
		quiet, _ := f.Join(1, false)
		require.Empty(t, quiet.Past(), "nobody is live")
		quiet.Leave()
	}
	f := onAir(config(), 500)
	f.Segment("s1/1-2.mp3", audio.MP3)
	require.Empty(t, join(t, f).Past())
	f.Publish(unit(500))
	require.Equal(t, []Extent{{"s1/1-2.mp3", 0, 100}}, join(t, f).Past(), "it does not reach back into the file before")
	f.Close()
}

// TestUnevenUnits: places to begin are few, whatever the units' sizes are.
func TestUnevenUnits(t *testing.T) {
	f := onAir(&Config{Burst: 10_000, Backlog: 1, Batch: 1}, 0)
	begins := map[int64]bool{}
	for i := range 5000 {
		begins[f.end] = true
		f.Publish(make([]byte, 1+i%997))
		l := join(t, f)
		past := l.Past()
		l.Leave()
		require.Len(t, past, 1)
		require.Equal(t, f.end, past[0].To)
		require.LessOrEqual(t, past[0].To-past[0].From, int64(10_000))
		require.True(t, begins[past[0].From], "it begins within a unit")
		require.GreaterOrEqual(t, past[0].To-past[0].From, min(f.end, 10_000-10_000/markCount-997))
	}
}

func TestMediaType(t *testing.T) {
	for _, c := range []struct {
		format         audio.Format
		declared, want string
	}{
		{audio.MP3, "", "audio/mpeg"},
		{audio.MP3, "audio/aac", "audio/mpeg"},
		{audio.ADTS, "audio/mpeg", "audio/aac"},
		{audio.ADTS, "audio/aacp", "audio/aacp"},
		{audio.Ogg, "audio/mpeg", "application/ogg"},
		{audio.Ogg, "audio/ogg; codecs=opus", "audio/ogg"},
		{audio.Unknown, "audio/mpeg", "audio/mpeg"},
		{audio.Opaque, "video/webm", "video/webm"},
		{audio.Opaque, "Audio/FLAC", "audio/flac"},
		{audio.Opaque, "text/html", "application/octet-stream"},
		{audio.Opaque, "", "application/octet-stream"},
	} {
		require.Equal(t, c.want, mediaType(c.format, c.declared), "%v %q", c.format, c.declared)
	}
}

// pages are the pages of an Ogg file.
func pages(t *testing.T, name string) (all [][]byte) {
	t.Helper()
	stream, err := os.ReadFile("../../audio/testdata/" + name)
	require.NoError(t, err)
	for split := (audio.Splitter{}); ; {
		u, ok := split.Next(stream, true)
		if !ok {
			return all
		}
		require.Equal(t, audio.Page, u.Kind)
		all = append(all, stream[:u.Length])
		stream = stream[u.Length:]
	}
}

// TestOpening: who comes into an Ogg stream gets its header pages first, also in a
// chained stream, in which each song has its own.
func TestOpening(t *testing.T) {
	for name, burst := range map[string]int{"opus.ogg": 9000, "vorbis.ogg": 3600, "flac.ogg": 1400} {
		song := pages(t, name)
		song = slices.Insert(song, 1, song[1]) // longer headers: a burst may begin within them
		for run := 1; run < 5; run++ {
			t.Run(fmt.Sprintf("%s in runs of %d", name, run), func(t *testing.T) {
				f := New(&Config{Burst: int64(burst), Backlog: 1 << 20, Batch: time.Second})
				f.Source("audio/ogg")
				f.Segment("1", audio.Ogg)
				var file []byte
				begin, header := 0, 0 // where the song begins, and its headers' size
				for pages := range slices.Chunk(slices.Repeat(song, 4), run) {
					for _, p := range pages {
						page, _ := audio.OggPageOf(p)
						if page.First {
							begin, header = len(file), 0
						}
						if file = append(file, p...); page.Granule <= 0 {
							header += len(p)
						}
					}
					f.Publish(bytes.Join(pages, nil))
					l := join(t, f)
					past := read(t, l.Past(), map[string][]byte{"1": file})
					l.Leave()
					require.True(t, bytes.HasPrefix(past, file[begin:begin+header]), "headers")
					past = past[header:]
					require.True(t, bytes.HasSuffix(file[begin+header:], past), "then what was last, and nothing twice")
					require.LessOrEqual(t, len(past), burst)
					_, ok := audio.OggPageOf(past)
					require.True(t, ok || len(past) == 0, "cut on a page")
				}
			})
		}
	}
}

func read(t *testing.T, past []Extent, files map[string][]byte) (all []byte) {
	t.Helper()
	for _, e := range past {
		require.Contains(t, files, e.File)
		all = append(all, files[e.File][e.From:e.To]...)
	}
	return all
}

// TestOpeningAcrossFiles: it stays where it was when the segment is complete, and a
// source that goes on needs no new one.
func TestOpeningAcrossFiles(t *testing.T) {
	stream := pages(t, "opus.ogg")
	f := New(&Config{Burst: 1, Backlog: 1 << 20, Batch: time.Second})
	f.Segment("1", audio.Ogg)
	for _, p := range stream[:5] {
		f.Publish(p)
	}
	f.Segment("2", audio.Ogg)
	f.Publish(stream[5])
	l := join(t, f)
	require.Equal(t, []Extent{{"1", 0, int64(len(stream[0]) + len(stream[1]))}}, l.Past())
	l.Leave()
	f.Segment("3", audio.MP3)
	l = join(t, f)
	require.Empty(t, l.Past())
	l.Leave()
}

// TestEndlessOpening: who sends header pages for ever does not have them sent on.
func TestEndlessOpening(t *testing.T) {
	header := pages(t, "vorbis.ogg")[:2]
	f := New(&Config{Burst: 10_000, Backlog: 1, Batch: 1})
	f.Segment("1", audio.Ogg)
	f.Publish(header[0])
	for range maxOpening/len(header[1]) + 10 {
		f.Publish(header[1])
	}
	l := join(t, f)
	defer l.Leave()
	require.Len(t, l.Past(), 1)
	require.LessOrEqual(t, l.Past()[0].To-l.Past()[0].From, int64(10_000))
}
