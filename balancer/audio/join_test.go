package audio

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shelf is a Sink that keeps the tracks.
type shelf struct{ tracks []*bytes.Buffer }

func (s *shelf) Track(Format) error {
	s.tracks = append(s.tracks, &bytes.Buffer{})
	return nil
}

func (s *shelf) Write(p []byte) (int, error) { return s.tracks[len(s.tracks)-1].Write(p) }

// given is one stream for a Joiner.
type given struct {
	format    Format
	continues bool
	data      []byte
}

// joined is what a Joiner made.
type joined struct {
	tracks []Track
	files  [][]byte // with their heads
	pieces []Piece
}

func joinAll(t testing.TB, size int, streams ...given) joined {
	t.Helper()
	var s shelf
	j := NewJoiner(&s)
	var got joined
	for _, g := range streams {
		j.Begin(g.format, g.continues)
		for rest := g.data; len(rest) > 0; {
			n := min(size, len(rest))
			_, err := j.Write(rest[:n])
			require.NoError(t, err)
			rest = rest[n:]
		}
		p, err := j.End()
		require.NoError(t, err)
		got.pieces = append(got.pieces, p)
	}
	require.NoError(t, j.Close())
	got.tracks = j.Tracks()
	for i := range got.tracks {
		require.EqualValues(t, s.tracks[i].Len(), got.tracks[i].Bytes)
		got.files = append(got.files, append(got.tracks[i].Head(), s.tracks[i].Bytes()...))
	}
	return got
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

// parts cuts a stream into its units, without tags and junk.
func parts(t testing.TB, data []byte) (units [][]byte) {
	t.Helper()
	var s Splitter
	all, _ := cut(t, &s, data, len(data))
	for _, u := range all {
		if u.Audio() {
			units = append(units, data[u.Offset:u.Offset+int64(u.Length)])
		}
	}
	return units
}

func concat(units ...[]byte) []byte { return bytes.Join(units, nil) }

// requirePlays has ffmpeg decode a file, if it is installed, and ffprobe tell its length.
func requirePlays(t *testing.T, f Format, data []byte, want time.Duration) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		return
	}
	path := filepath.Join(t.TempDir(), "track."+f.Ext())
	require.NoError(t, os.WriteFile(path, data, 0o644))
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", path, "-f", "null", "-").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, string(out))
	out, err = exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path).Output()
	require.NoError(t, err)
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	require.NoError(t, err)
	require.InDelta(t, want.Seconds(), seconds, 0.1)
}

func TestOneStreamIsOneTrack(t *testing.T) {
	for name, c := range map[string]struct {
		format Format
		frames int64
		head   bool
	}{
		"mpeg1-128k.mp3": {MP3, 0, true}, "mpeg2-32k.mp3": {MP3, 0, true}, "mpeg25-8k.mp3": {MP3, 0, true}, "vbr-tagged.mp3": {MP3, 0, true},
		"stereo.aac": {ADTS, 0, false}, "opus.ogg": {Ogg, 0, false}, "vorbis.ogg": {Ogg, 0, false}, "flac.ogg": {Ogg, 0, false}, "opus.webm": {Opaque, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			data := file(t, name)
			got := joinAll(t, 1000, given{format: c.format, data: data})
			require.Len(t, got.tracks, 1)
			require.Equal(t, c.format, got.tracks[0].Format)
			require.Equal(t, c.head, got.tracks[0].Head() != nil)
			require.Zero(t, got.pieces[0].Repeated+got.pieces[0].Silenced)
			require.Equal(t, got.tracks[0].Duration, got.pieces[0].Duration)
			whole := got.pieces[0]
			require.Equal(t, got.tracks[0].Bytes, whole.At+whole.Bytes)
			whole.At, whole.Bytes = 0, 0
			require.Equal(t, Piece{Frames: got.tracks[0].Frames, Duration: got.tracks[0].Duration}, whole)
			if c.format != Opaque {
				requirePlays(t, c.format, got.files[0], got.tracks[0].Duration)
			}
			for _, size := range []int{1, 7, 1 << 20} {
				require.True(t, reflect.DeepEqual(got, joinAll(t, size, given{format: c.format, data: data})), "in pieces of %d", size)
			}
			// Rotated files are as good as one.
			third := len(parts(t, data)) / 3
			if c.format == Opaque || third == 0 {
				return
			}
			units := parts(t, data)
			rotated := joinAll(t, 1000, given{format: c.format, data: concat(units[:third]...)}, given{c.format, true, concat(units[third:]...)})
			require.True(t, reflect.DeepEqual(got.files, rotated.files))
			require.Equal(t, got.tracks, rotated.tracks)
		})
	}
}

func TestHeadTellsLengthAndPlaces(t *testing.T) {
	units := parts(t, file(t, "mpeg1-128k.mp3"))
	if isInfo(units[0]) {
		units = units[1:]
	}
	var streams []given
	for i := range 40 {
		streams = append(streams, given{format: MP3, continues: i > 0, data: concat(units...)})
	}
	got := joinAll(t, 4096, streams...)
	head := got.tracks[0].Head()
	require.True(t, isInfo(head))
	h, a := parseMP3(head)
	require.Equal(t, yes, a)
	require.Len(t, head, h.length)
	s := sideOf(head)
	body := head[s.at+s.size:]
	be := func(at int) int64 {
		return int64(body[at])<<24 | int64(body[at+1])<<16 | int64(body[at+2])<<8 | int64(body[at+3])
	}
	require.Equal(t, got.tracks[0].Frames, be(8))
	require.EqualValues(t, len(got.files[0]), be(12))
	for i := range 100 {
		require.InDelta(t, float64(i)*2.56, float64(body[16+i]), 2, "place %d", i)
	}
	require.LessOrEqual(t, len(got.tracks[0].mp3.places), seekEntries)
	requirePlays(t, MP3, got.files[0], got.tracks[0].Duration)
}

// TestLostFramesAreNotHeard: what leans on bytes that are gone is silent, and nothing
// else is.
func TestLostFramesAreNotHeard(t *testing.T) {
	for _, name := range []string{"mpeg1-128k.mp3", "mpeg2-32k.mp3", "mpeg25-8k.mp3", "vbr-tagged.mp3"} {
		t.Run(name, func(t *testing.T) {
			units := parts(t, file(t, name))
			silenced := int64(0)
			for _, lost := range []int{1, 4} {
				from := len(units) / 2
				got := joinAll(t, 512, given{format: MP3, data: concat(units[:from]...)}, given{format: MP3, data: concat(units[from+lost:]...)})
				require.Len(t, got.tracks, 1)
				silenced += got.pieces[1].Silenced
				require.LessOrEqual(t, got.pieces[1].Silenced, int64(10))
				requirePlays(t, MP3, got.files[0], got.tracks[0].Duration)
			}
			t.Log(silenced, "frames silenced")
		})
	}
}

func TestSilencedFrames(t *testing.T) {
	for _, protected := range []bool{false, true} {
		frame := make([]byte, 417)
		copy(frame, []byte{0xFF, 0xFB, 0x90, 0x00})
		at := 4
		if protected {
			frame[1] = 0xFA
			at = 6
		}
		for i := at; i < len(frame); i++ {
			frame[i] = byte(i)
		}
		p := silenced(frame)
		s := sideOf(p)
		require.Equal(t, side{at: at, size: 32, begin: 0, room: 417 - at - 32}, s)
		require.Equal(t, make([]byte, 32), p[at:at+32])
		require.Equal(t, frame[at+32:], p[at+32:])
		if protected {
			require.Equal(t, frameSum(p[2:4], p[6:38]), uint16(p[4])<<8|uint16(p[5]))
		}
		require.Equal(t, byte(at+1), frame[at+1], "the frame given is left alone")
	}
}

func TestRepeatedFramesAreLeftOut(t *testing.T) {
	mp3 := parts(t, file(t, "mpeg1-128k.mp3"))
	adts := parts(t, file(t, "stereo.aac"))
	for name, c := range map[string]struct {
		format Format
		units  [][]byte
	}{"mp3": {MP3, mp3[1:]}, "adts": {ADTS, adts}} {
		t.Run(name, func(t *testing.T) {
			half := len(c.units) / 2
			whole := joinAll(t, 100, given{format: c.format, data: concat(c.units...)})
			for repeated, want := range map[int]int64{0: 0, 2: 0, 3: 3, 10: 10, half: int64(half)} {
				got := joinAll(t, 100, given{format: c.format, data: concat(c.units[:half]...)}, given{format: c.format, data: concat(c.units[half-repeated:]...)})
				require.Equal(t, want, got.pieces[1].Repeated, "of %d", repeated)
				if want == int64(repeated) && repeated > 0 {
					require.True(t, reflect.DeepEqual(whole.files, got.files))
				}
			}
			// A stream that is nothing but what the track has already.
			got := joinAll(t, 100, given{format: c.format, data: concat(c.units...)}, given{format: c.format, data: concat(c.units[len(c.units)-5:]...)})
			require.True(t, reflect.DeepEqual(whole.files, got.files))
			require.EqualValues(t, 5, got.pieces[1].Repeated)
			require.Less(t, got.pieces[1].To, got.pieces[1].From)
		})
	}
}

// TestSilenceIsNotRepetition: equal frames in a row say nothing about who they are.
func TestSilenceIsNotRepetition(t *testing.T) {
	silent := make([]byte, 417)
	copy(silent, []byte{0xFF, 0xFB, 0x90, 0x00})
	stream := bytes.Repeat(silent, 50)
	got := joinAll(t, 4096, given{format: MP3, data: stream}, given{format: MP3, data: stream})
	require.EqualValues(t, 100, got.tracks[0].Frames)
	require.Zero(t, got.pieces[1].Repeated)
}

func TestWhatDiffersIsAnotherTrack(t *testing.T) {
	m1, m2 := file(t, "mpeg1-128k.mp3"), file(t, "mpeg2-32k.mp3")
	opusFile, vorbisFile, flac, webm := file(t, "opus.ogg"), file(t, "vorbis.ogg"), file(t, "flac.ogg"), file(t, "opus.webm")
	adts := file(t, "stereo.aac")
	for name, c := range map[string]struct {
		streams []given
		want    int
	}{
		"mp3 of other rates": {[]given{{MP3, false, m1}, {MP3, false, m2}, {MP3, false, m1}}, 3},
		"mp3 then adts":      {[]given{{MP3, false, m1}, {ADTS, false, adts}}, 2},
		"opus then vorbis":   {[]given{{Ogg, false, opusFile}, {Ogg, false, vorbisFile}}, 2},
		"opus twice":         {[]given{{Ogg, false, opusFile}, {Ogg, false, opusFile}}, 1},
		"vorbis twice":       {[]given{{Ogg, false, vorbisFile}, {Ogg, false, vorbisFile}}, 1},
		"flac twice":         {[]given{{Ogg, false, flac}, {Ogg, false, flac}}, 2},
		"opaque twice":       {[]given{{Opaque, false, webm}, {Opaque, false, webm}}, 2},
		"opaque goes on":     {[]given{{Opaque, false, webm[:100]}, {Opaque, true, webm[100:]}}, 1},
		"opus, mp3, opus":    {[]given{{Ogg, false, opusFile}, {MP3, false, m1}, {Ogg, false, opusFile}}, 3},
		"nothing, then mp3":  {[]given{{MP3, false, nil}, {MP3, true, m1}}, 1},
		"nothing":            {[]given{{MP3, false, nil}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := joinAll(t, 997, c.streams...)
			require.Len(t, got.tracks, c.want)
			for i, tr := range got.tracks {
				if tr.Format != Opaque && len(got.tracks) < 3 {
					requirePlays(t, tr.Format, got.files[i], tr.Duration)
				}
			}
		})
	}
}

// TestOggGoesOn: an encoder that went on while its connection was away, one that began
// anew, and one that begins a new link for each title.
func TestOggGoesOn(t *testing.T) {
	for _, name := range []string{"opus.ogg", "vorbis.ogg"} {
		data := file(t, name)
		units := parts(t, data)
		headers := 2
		whole := joinAll(t, 100, given{format: Ogg, data: data})
		from := headers + (len(units)-headers)/2
		for what, streams := range map[string][]given{
			"went on with a page less":   {{Ogg, false, concat(units[:from]...)}, {Ogg, false, concat(units[from+1:]...)}},
			"went on with pages again":   {{Ogg, false, concat(units[:from]...)}, {Ogg, false, concat(units[from-1:]...)}},
			"headers and then the rest":  {{Ogg, false, concat(units[:from]...)}, {Ogg, false, concat(append(units[:headers:headers], units[from:]...)...)}},
			"a link for each title":      {{Ogg, false, concat(data, data, data)}},
			"cut in the middle of it":    {{Ogg, false, concat(units[:from]...)}, {Ogg, false, data}},
			"three connections, rotated": {{Ogg, false, concat(units[:from]...)}, {Ogg, true, concat(units[from:]...)}, {Ogg, false, data}, {Ogg, false, data}},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				got := joinAll(t, 777, streams...)
				require.Len(t, got.tracks, 1)
				sum := time.Duration(0)
				for _, p := range got.pieces {
					sum += p.Duration
				}
				require.Equal(t, sum, got.tracks[0].Duration)
				requirePlays(t, Ogg, got.files[0], got.tracks[0].Duration)
				again := parts(t, got.files[0])
				require.Equal(t, byte(oggFirst), again[0][5])
				for i, p := range again {
					in := readOgg(p)
					require.EqualValues(t, i, in.number)
					require.Equal(t, i == len(again)-1, in.flags&oggLast != 0)
				}
				if what == "went on with pages again" {
					require.EqualValues(t, 1, got.pieces[1].Repeated)
					require.True(t, reflect.DeepEqual(whole.files, got.files))
				}
			})
		}
	}
	// Without its headers there is nothing to join it to.
	units := parts(t, file(t, "opus.ogg"))
	got := joinAll(t, 777, given{format: Ogg, data: concat(units[3:]...)})
	require.Len(t, got.tracks, 1)
	require.Equal(t, concat(units[3:]...), got.files[0])
}

// TestPiecesCanBeTakenOut: a track without the middle, and with it put back.
func TestPiecesCanBeTakenOut(t *testing.T) {
	for _, name := range []string{"mpeg1-128k.mp3", "stereo.aac", "opus.ogg", "vorbis.ogg"} {
		f := FormatOf(filepath.Ext(name)[1:])
		data := file(t, name)
		units := parts(t, data)
		headers := 0
		if f == Ogg {
			headers = 2
		}
		third := (len(units) - headers) / 3
		piece := func(from, to int) given {
			return given{f, false, concat(append(units[:headers:headers], units[headers+from:headers+to]...)...)}
		}
		a, b, c := piece(0, third), piece(third, 2*third), piece(2*third, len(units)-headers)
		want := joinAll(t, 1000, a, b, c)
		without := joinAll(t, 1000, a, c)
		require.Len(t, without.files, 1)
		head := int64(len(without.tracks[0].Head()))
		taken := func(i int) given {
			p := without.pieces[i]
			data := without.files[0][head+p.At : head+p.At+p.Bytes]
			if f == Ogg { // the headers, which lie before the first piece
				data = concat(without.files[0][:without.pieces[0].At], data)
			}
			return given{f, false, data}
		}
		got := joinAll(t, 1000, taken(0), b, taken(1))
		require.Len(t, got.files, 1)
		require.Equal(t, want.tracks[0].Frames, got.tracks[0].Frames, name)
		if f != Ogg {
			require.True(t, bytes.Equal(want.files[0], got.files[0]), name)
		}
		requirePlays(t, f, got.files[0], got.tracks[0].Duration)
	}
}

// TestLongPackets: a packet that no page holds is put into several.
func TestLongPackets(t *testing.T) {
	long := bytes.Repeat([]byte{1, 2, 3}, 50_000)
	var o oggOut
	var pages [][]byte
	pages = append(pages, o.page([][]byte{{9}, long, {8}}, 0, 5, 10)...)
	pages = append(pages, o.last(10))
	require.Greater(t, len(pages), 2)
	var q packets
	var whole [][]byte
	for _, p := range pages {
		h, a := parseOgg(p)
		require.Equal(t, yes, a)
		require.Len(t, p, h.length)
		whole = append(whole, q.add(readOgg(p))...)
	}
	require.Equal(t, [][]byte{{9}, long, {8}}, whole)
}

func FuzzJoin(f *testing.F) {
	for _, name := range []string{"mpeg25-8k.mp3", "stereo.aac", "opus.ogg", "vorbis.ogg", "flac.ogg"} {
		data := file(f, name)
		f.Add(uint8(0), data[:min(len(data), 3000)], data[min(len(data), 1500):min(len(data), 5000)])
		f.Add(uint8(2), data[:min(len(data), 3000)], data[min(len(data), 1500):min(len(data), 5000)])
	}
	f.Fuzz(func(t *testing.T, how uint8, a, b []byte) {
		formats := []Format{MP3, ADTS, Ogg, Opaque}
		streams := []given{{formats[how%4], false, a}, {formats[how/4%4], how&16 != 0, b}, {formats[how%4], false, a}}
		got := joinAll(t, 1000, streams...)
		require.True(t, reflect.DeepEqual(got, joinAll(t, 13, streams...)))
		frames := int64(0)
		for i, tr := range got.tracks {
			frames += tr.Frames
			var s Splitter
			s.Format = tr.Format
			units, _ := cut(t, &s, got.files[i], 4096)
			for _, u := range units {
				require.True(t, u.Audio(), "%v in a track of %s: %v", u.Kind, tr.Format.Ext(), fmt.Sprint(streams))
			}
		}
		for _, p := range got.pieces {
			frames -= p.Frames
		}
		require.Zero(t, frames)
	})
}

func BenchmarkJoin(b *testing.B) {
	for _, name := range []string{"mpeg1-128k.mp3", "stereo.aac", "opus.ogg", "vorbis.ogg"} {
		b.Run(name, func(b *testing.B) {
			data := file(b, name)
			f := FormatOf(filepath.Ext(name)[1:])
			j := NewJoiner(nowhere{})
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				j.Begin(f, false)
				_, _ = j.Write(data)
				_, _ = j.End()
			}
		})
	}
}

type nowhere struct{}

func (nowhere) Track(Format) error          { return nil }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
