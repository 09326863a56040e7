package audio

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cut feeds a stream in pieces and returns its units and their bytes in one piece.
func cut(t testing.TB, s *Splitter, stream []byte, piece int) (units []Unit, out []byte) {
	t.Helper()
	var held []byte
	take := func(end bool) {
		for {
			u, ok := s.Next(held, end)
			if !ok {
				break
			}
			require.Equal(t, int64(len(out)), u.Offset)
			require.LessOrEqual(t, u.Length, len(held))
			out = append(out, held[:u.Length]...)
			held = held[u.Length:]
			units = append(units, u)
		}
		require.LessOrEqual(t, len(held), MaxHeld)
	}
	for rest := stream; len(rest) > 0; {
		n := min(piece, len(rest))
		held = append(held, rest[:n]...)
		rest = rest[n:]
		take(false)
	}
	take(true)
	require.Empty(t, held)
	return units, out
}

// tally is what the units of a stream add up to.
type tally struct {
	Format                 Format
	Audio                  int // frames, pages; not blocks
	Bytes, Tag, Junk, Torn int // Bytes are those of audio
	Duration               time.Duration
}

func sum(s *Splitter, units []Unit) tally {
	got := tally{Format: s.Format}
	for _, u := range units {
		switch u.Kind {
		case Frame, Page:
			got.Audio++
			got.Bytes += u.Length
			got.Duration += u.Duration
		case Block:
			got.Bytes += u.Length
		case Tag:
			got.Tag += u.Length
		case Junk:
			got.Junk += u.Length
		case Torn:
			got.Torn += u.Length
		}
	}
	return got
}

func requireCut(t *testing.T, stream []byte, want tally) {
	t.Helper()
	for _, piece := range []int{1, 7, 1000, 1 << 20} {
		s := &Splitter{}
		units, out := cut(t, s, stream, piece)
		require.True(t, bytes.Equal(stream, out), "bytes lost with pieces of %d", piece)
		require.Equal(t, want, sum(s, units), "in pieces of %d", piece)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return b
}

// The numbers are those of ffprobe. A VBR file has one frame more, its Xing header;
// Ogg is counted in pages, header pages included.
func TestStreamsOfEncoders(t *testing.T) {
	for file, want := range map[string]tally{
		"mpeg1-128k.mp3": {Format: MP3, Audio: 32, Bytes: 13374, Duration: 835918336},
		"vbr-tagged.mp3": {Format: MP3, Audio: 33, Bytes: 4527, Tag: 191, Duration: 862040784},
		"mpeg2-32k.mp3":  {Format: MP3, Audio: 41, Bytes: 4284, Duration: 1071020368},
		"mpeg25-8k.mp3":  {Format: MP3, Audio: 16, Bytes: 1152, Duration: 1152 * time.Millisecond},
		"stereo.aac":     {Format: ADTS, Audio: 45, Bytes: 12621, Duration: 1044897930},
		"opus.ogg":       {Format: Ogg, Audio: 8, Bytes: 8128, Duration: 1006500 * time.Microsecond},
		"vorbis.ogg":     {Format: Ogg, Audio: 7, Bytes: 5059, Duration: 999999996},
		"flac.ogg":       {Format: Ogg, Audio: 3, Bytes: 1420, Duration: 300 * time.Millisecond},
		"opus.webm":      {Format: Opaque, Bytes: 2448},
	} {
		t.Run(file, func(t *testing.T) { requireCut(t, read(t, file), want) })
	}
}

// light is an MPEG-2.5 mono frame of 8 kbit/s with a payload that may look like headers.
func light(fill byte) []byte {
	return append([]byte{0xFF, 0xE3, 0x18, 0xC4}, bytes.Repeat([]byte{fill}, 68)...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func lights(n int) []byte { return bytes.Repeat(light(0), n) }

func TestDamagedStreams(t *testing.T) {
	mp3, aac, opus := read(t, "mpeg1-128k.mp3"), read(t, "stereo.aac"), read(t, "opus.ogg")
	frames := func(n, junk, torn int) tally {
		return tally{Format: MP3, Audio: n, Bytes: 72 * n, Junk: junk, Torn: torn,
			Duration: time.Duration(n) * 72 * time.Millisecond}
	}
	tag := append([]byte("ID3\x04\x00\x00\x00\x00\x02\x01"), bytes.Repeat([]byte{0xFF, 0xE3}, 257/2+1)[:257]...)
	for name, c := range map[string]struct {
		stream []byte
		want   tally
	}{
		"nothing":                   {nil, tally{}},
		"one frame":                 {lights(1), frames(1, 0, 0)},
		"half a frame":              {lights(1)[:40], tally{Torn: 40}},
		"a sync byte":               {[]byte{0xFF}, tally{Torn: 1}},
		"torn end":                  {join(lights(3), lights(1)[:71]), frames(3, 0, 71)},
		"torn header":               {join(lights(3), lights(1)[:2]), frames(3, 0, 2)},
		"begins within a frame":     {join(light(0xFF)[50:], lights(3)), frames(3, 22, 0)},
		"noise between":             {join(lights(2), []byte("noise"), lights(2)), frames(4, 5, 0)},
		"a sync in the noise":       {join(lights(2), []byte{1, 0xFF, 0xE3, 0x18, 0xC4, 9}, lights(2)), frames(4, 6, 0)},
		"a header in the noise":     {join(lights(2), []byte("-"), light(0)[:4], bytes.Repeat([]byte("a"), 100), lights(2)), frames(4, 105, 0)},
		"a stereo frame among mono": {join(lights(2), []byte{0xFF, 0xE3, 0x18, 0x04}, make([]byte, 68), lights(2)), frames(4, 72, 0)},
		"text before a lone frame":  {join([]byte("some text "), lights(1)), tally{Format: Opaque, Bytes: 82}},
		"payload like a header":     {join(light(0xFF), light(0xE3), light(0xFF), lights(1)), frames(4, 0, 0)},
		"tag in front and behind": {join(tag, lights(2), []byte("TAG"), make([]byte, 125)),
			tally{Format: MP3, Audio: 2, Bytes: 144, Tag: 395, Duration: 144 * time.Millisecond}},
		"tag cut off":   {join(lights(2), tag[:100]), tally{Format: MP3, Audio: 2, Bytes: 144, Tag: 100, Duration: 144 * time.Millisecond}},
		"text":          {[]byte("no audio at all"), tally{Format: Opaque, Bytes: 15}},
		"a lot of text": {bytes.Repeat([]byte("no audio "), 20_000), tally{Format: Opaque, Bytes: 180_000}},
		"other encoder settings": {join(mp3[:835], lights(2)),
			tally{Format: MP3, Audio: 4, Bytes: 979, Duration: 2*26122448 + 144*time.Millisecond}},
		"turned into something else": {join(lights(2), bytes.Repeat([]byte{0xFF, 0}, 50_000)),
			tally{Format: Opaque, Audio: 2, Bytes: 144 + 100_000 - JunkLimit, Junk: JunkLimit, Duration: 144 * time.Millisecond}},
		"aac torn":     {aac[:1000], tally{Format: ADTS, Audio: 3, Bytes: 823, Torn: 177, Duration: 69659862}},
		"ogg damaged":  {flip(opus, 500), tally{Format: Ogg, Audio: 7, Bytes: 6432, Junk: 1696, Duration: 1006500 * time.Microsecond}},
		"ogg mid page": {opus[300:], tally{Format: Ogg, Audio: 5, Bytes: 6295, Junk: 1533}},
		"ogg torn":     {opus[:8127], tally{Format: Ogg, Audio: 7, Bytes: 7873, Torn: 254, Duration: time.Second}},
		"ogg chained":  {join(opus, opus), tally{Format: Ogg, Audio: 16, Bytes: 2 * 8128, Duration: 2013 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) { requireCut(t, c.stream, c.want) })
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// TestKnownFormat: no detection, so that one frame is enough and noise is not taken for opaque.
func TestKnownFormat(t *testing.T) {
	s := &Splitter{Format: MP3}
	units, _ := cut(t, s, join(lights(1), []byte("noise")), 1)
	require.Equal(t, tally{Format: MP3, Junk: 77}, sum(s, units), "a lone frame before noise is noise")
	s = &Splitter{Format: MP3}
	units, _ = cut(t, s, join([]byte("noise"), lights(1)), 1)
	require.Equal(t, tally{Format: MP3, Audio: 1, Bytes: 72, Junk: 5, Duration: 72 * time.Millisecond}, sum(s, units))
}

func TestHugeTagIsNotHeld(t *testing.T) {
	s := &Splitter{}
	u, ok := s.Next([]byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f"), false)
	require.True(t, ok)
	require.Equal(t, Unit{Length: 10, Kind: Tag}, u)
	u, ok = s.Next(make([]byte, 5000), false)
	require.True(t, ok)
	require.Equal(t, Unit{Offset: 10, Length: 5000, Kind: Tag}, u)
}

func TestExt(t *testing.T) {
	for f, ext := range map[Format]string{MP3: "mp3", ADTS: "aac", Ogg: "ogg", Opaque: "bin"} {
		require.Equal(t, ext, f.Ext())
		require.Equal(t, f, FormatOf(ext))
	}
	require.Equal(t, "bin", Unknown.Ext())
	require.Equal(t, Opaque, FormatOf("wav"))
}

func TestNoAllocationPerFrame(t *testing.T) {
	stream := join(lights(1000), read(t, "opus.ogg"))
	var s Splitter
	require.Zero(t, testing.AllocsPerRun(10, func() {
		s = Splitter{}
		for rest := stream; len(rest) > 0; {
			u, ok := s.Next(rest, true)
			if !ok {
				t.Fatal("stuck")
			}
			rest = rest[u.Length:]
		}
	}))
}

// FuzzSplitter: nothing is lost, and in which pieces a stream comes changes nothing.
func FuzzSplitter(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	require.NoError(f, err)
	for _, file := range files {
		b := read(f, filepath.Base(file))
		f.Add(b[:min(len(b), 3000)], uint16(100), uint8(0))
	}
	f.Add(join([]byte{0xFF}, lights(3), []byte("TAG"), lights(2)), uint16(1), uint8(MP3))
	f.Fuzz(func(t *testing.T, stream []byte, piece uint16, format uint8) {
		stream = stream[:min(len(stream), 10_000)]
		one := &Splitter{Format: Format(format % 5)}
		many := &Splitter{Format: one.Format}
		units, out := cut(t, one, stream, len(stream)+1)
		require.True(t, bytes.Equal(stream, out))
		pieces, out := cut(t, many, stream, int(piece)+1)
		require.True(t, bytes.Equal(stream, out))
		require.Equal(t, sum(one, units), sum(many, pieces))
	})
}

// FuzzFrames: whole frames between noise are found, whatever the noise, as long as
// it holds no sync pattern.
func FuzzFrames(f *testing.F) {
	f.Add(uint64(1), uint8(20))
	f.Fuzz(func(t *testing.T, seed uint64, n uint8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var stream []byte
		want, junk := 0, 0
		for range n {
			if rng.IntN(4) == 0 && want > 1 {
				noise := make([]byte, rng.IntN(300))
				for i := range noise {
					noise[i] = byte('a' + rng.IntN(26))
				}
				stream, junk = append(stream, noise...), junk+len(noise)
				stream, want = append(stream, light(0)...), want+1
			}
			frame := light(0)
			binary.LittleEndian.PutUint64(frame[4:], rng.Uint64())
			stream, want = append(stream, frame...), want+1
		}
		s := &Splitter{Format: MP3}
		units, _ := cut(t, s, stream, 1+rng.IntN(500))
		got := sum(s, units)
		require.Equal(t, want, got.Audio)
		require.Equal(t, junk, got.Junk)
	})
}

func BenchmarkNext(b *testing.B) {
	for name, stream := range map[string][]byte{
		"mp3": bytes.Repeat(read(b, "mpeg1-128k.mp3"), 100),
		"ogg": bytes.Repeat(read(b, "opus.ogg"), 100),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(stream)))
			for b.Loop() {
				s := &Splitter{}
				for rest := stream; len(rest) > 0; {
					u, _ := s.Next(rest, true)
					rest = rest[u.Length:]
				}
			}
		})
	}
}
