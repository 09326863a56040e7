package frame

import (
	"bytes"
	"encoding/binary"
	"math"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func kinds() []Kind { return []Kind{Light, Full} }

func stream(k Kind, broadcaster uint32, from, to uint64) []byte {
	var b []byte
	for n := from; n < to; n++ {
		b = Append(b, k, broadcaster, n)
	}
	return b
}

func TestKindsAreWhatTheirHeadersSay(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.String(), func(t *testing.T) {
			b := Append(nil, k, 1, 2)
			require.Len(t, b, k.Size())
			require.LessOrEqual(t, k.Size(), MaxSize)
			bits := k.Duration().Seconds() * float64(k.Bitrate())
			require.InDelta(t, float64(k.Size()*8), bits, 1e-6, "size, duration and bitrate agree")
			h := binary.BigEndian.Uint32(b)
			require.Equal(t, uint32(0x7FF), h>>21, "sync")
			require.Equal(t, uint32(1), h>>17&3, "layer III")
			require.Equal(t, uint32(1), h>>16&1, "no CRC of its own")
			require.Equal(t, uint32(0), h>>9&1, "no padding")
			require.Equal(t, uint32(3), h>>6&3, "mono")
			sideInfo := map[uint32]int{3: 17, 0: 9}[h>>19&3] // by MPEG version, of one channel
			require.Equal(t, make([]byte, sideInfo), b[4:4+sideInfo], "no sound, and nothing borrowed")
			got, err := OfBitrate(k.Bitrate())
			require.NoError(t, err)
			require.Equal(t, k, got)
		})
	}
	require.Equal(t, 72*time.Millisecond, Light.Duration())
	require.Equal(t, 24*time.Millisecond, Full.Duration())
	_, err := OfBitrate(64_000)
	require.ErrorContains(t, err, "use 8000 or 128000")
}

func TestAppendLeavesWhatWasThere(t *testing.T) {
	dst := []byte("before")
	dst = Append(dst, Light, 7, 9)
	require.Equal(t, "before", string(dst[:6]))
	require.Len(t, dst, 6+Light.Size())
}

func TestAppendWritesOverOldBytesOfAReusedBuffer(t *testing.T) {
	dirty := bytes.Repeat([]byte{0xFF}, MaxSize)
	require.Equal(t, Append(nil, Full, 7, 9), Append(dirty[:0], Full, 7, 9))
}

// TestNothingButTheHeaderLooksLikeASync guards readers that only look for 11 set bits.
func TestNothingButTheHeaderLooksLikeASync(t *testing.T) {
	numbers := []uint64{0, 1, 0x7F, 0x80, 0xFFFF, math.MaxUint32, math.MaxInt64, math.MaxUint64}
	for _, k := range kinds() {
		for _, id := range []uint32{0, 0xFF, 0xFFE0FFE0, math.MaxUint32} {
			for _, n := range numbers {
				require.Equal(t, -1, bytes.IndexByte(Append(nil, k, id, n)[1:], 0xFF), "%v %x %x", k, id, n)
			}
		}
		require.Equal(t, -1, bytes.Index(stream(k, 0xFFFFFFFF, 0, 20_000)[1:], []byte{0xFF, 0xFF}))
		require.Equal(t, 20_000, bytes.Count(stream(k, 0xABCDEF01, 0, 20_000), []byte{0xFF}))
	}
}

func TestIDsDiffer(t *testing.T) {
	seen := map[uint32]string{}
	for _, group := range []string{"us-east", "europe", "rome", "london", "new-york"} {
		for i := range 100 {
			name := group + "-" + string(rune('0'+i/10)) + string(rune('0'+i%10))
			require.Empty(t, seen[ID(name)], name)
			seen[ID(name)] = name
		}
	}
}

// TestFramesPlay has a real decoder play 5,000 frames of each kind without a word.
func TestFramesPlay(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg on this machine: whether the frames play was not tried")
	}
	for _, k := range kinds() {
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(ffmpeg, "-hide_banner", "-nostdin", "-v", "error", "-f", "mp3", "-i", "pipe:0", "-f", "s16le", "pipe:1")
			cmd.Stdin = bytes.NewReader(stream(k, ID("us-east-01"), 1_000_000, 1_005_000))
			var out, said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &said
			require.NoError(t, cmd.Run(), said.String())
			require.Empty(t, said.String())
			samples := k.Duration().Seconds() * 5000 * float64(k.SampleRate())
			require.InDelta(t, samples, float64(out.Len()/2), 2*samples/5000, "all of it was played")
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, k := range kinds() {
		b.Run(k.String(), func(b *testing.B) {
			buf := make([]byte, 0, MaxSize)
			b.ReportAllocs()
			for i := range b.N {
				buf = Append(buf[:0], k, 1, uint64(i))
			}
		})
	}
}

func BenchmarkScan(b *testing.B) {
	for _, k := range kinds() {
		b.Run(k.String(), func(b *testing.B) {
			all := stream(k, 1, 0, 10_000)
			b.SetBytes(int64(len(all)))
			b.ReportAllocs()
			for range b.N {
				if tally, _ := Scan(bytes.NewReader(all), func(Found) {}); tally.Frames != 10_000 {
					b.Fatal(tally)
				}
			}
		})
	}
}
