package frame

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func scan(t testing.TB, r io.Reader) ([]Found, Tally) {
	t.Helper()
	var all []Found
	tally, err := Scan(r, func(f Found) { all = append(all, f) })
	require.NoError(t, err)
	return all, tally
}

func TestScanFindsWhatAppendWrote(t *testing.T) {
	for _, k := range kinds() {
		all, tally := scan(t, bytes.NewReader(stream(k, 0xDEADBEEF, 1<<40, 1<<40+2000)))
		require.Equal(t, Tally{Bytes: int64(2000 * k.Size()), Frames: 2000}, tally)
		for i, f := range all {
			require.Equal(t, Found{int64(i * k.Size()), k, 0xDEADBEEF, 1<<40 + uint64(i), true}, f)
		}
	}
}

func TestScanOfNothing(t *testing.T) {
	all, tally := scan(t, bytes.NewReader(nil))
	require.Empty(t, all)
	require.Zero(t, tally)
}

// TestScanFallsIntoStep cuts, joins and soils streams; want is the numbers found, bad ones negative.
func TestScanFallsIntoStep(t *testing.T) {
	light := func(n uint64) []byte { return Append(nil, Light, 5, n) }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	flip := func(b []byte, at int) []byte { b[at] ^= 0x10; return b }
	id3 := []byte("ID3\x04\x00\x00\x00\x00\x00#TSSE\x00\x00\x00\x0f\x00\x00\x03Lavf59.27.100\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	other := append([]byte{0xFF, 0xE3, 0x18, 0xC0}, make([]byte, 68)...) // the same format, not ours
	cases := []struct {
		name    string
		in      []byte
		want    []int
		foreign int64
	}{
		{"begins in the middle", join(light(1)[50:], light(2), light(3)), []int{2, 3}, 22},
		{"begins in a header", join(light(1)[1:], light(2)), []int{2}, 71},
		{"ends in the middle", join(light(1), light(2)[:71]), []int{1}, 71},
		{"ends in a header", join(light(1), light(2)[:2]), []int{1}, 2},
		{"cut and ends in a header", join(light(1)[:40], light(2)[:2]), []int{}, 42},
		{"ends before the record", join(light(1), light(2)[:15]), []int{1}, 15},
		{"cut in the middle and joined", join(light(1)[:40], light(2), light(3)), []int{2, 3}, 40},
		{"cut just before its end", join(light(1)[:71], light(2)), []int{2}, 71},
		{"cut twice", join(light(1)[:40], light(2)[:40], light(3)), []int{3}, 80},
		{"tags between", join(id3, light(1), id3, light(2)), []int{1, 2}, int64(2 * len(id3))},
		{"a hole of zeros", join(light(1), make([]byte, 4096), light(2)), []int{1, 2}, 4096},
		{"a run of set bits", join(bytes.Repeat([]byte{0xFF}, 500), light(2)), []int{2}, 500},
		{"somebody else's frames", join(other, light(1), other, other, light(2)), []int{1, 2}, 216},
		{"both kinds", join(light(1), Append(nil, Full, 5, 2), light(3)), []int{1, 2, 3}, 0},
		{"the other kind cut by it", join(Append(nil, Full, 5, 1)[:100], light(2)), []int{2}, 100},
		{"a bit of the silence flipped", join(light(1), flip(light(2), 60), light(3)), []int{1, -2, 3}, 0},
		{"a bit of the checksum flipped", join(light(1), flip(light(2), 71), light(3)), []int{1, -2, 3}, 0},
		{"the checksum's top bit set", func() []byte { b := light(2); b[71] |= 0x80; return b }(), []int{-2}, 0},
		{"a bit of the header flipped", join(light(1), flip(light(2), 2), light(3)), []int{1, 3}, 72},
		{"the last one bad", flip(light(2), 60), []int{-2}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			all, tally := scan(t, bytes.NewReader(c.in))
			got, bad := []int{}, int64(0)
			for _, f := range all {
				if !f.OK {
					bad++
					got = append(got, -int(f.Number))
					continue
				}
				require.Equal(t, uint32(5), f.Broadcaster)
				got = append(got, int(f.Number))
			}
			require.Equal(t, c.want, got)
			require.Equal(t, Tally{int64(len(c.in)), int64(len(got)) - bad, bad, c.foreign}, tally)
			one, same := scan(t, iotest.OneByteReader(bytes.NewReader(c.in)))
			require.Equal(t, all, one, "however the bytes arrive")
			require.Equal(t, tally, same)
		})
	}
}

// TestEveryFlippedBitIsSeen flips each bit of a frame in turn: none passes as right.
func TestEveryFlippedBitIsSeen(t *testing.T) {
	for _, k := range kinds() {
		for bit := range 8 * k.Size() {
			b := stream(k, 9, 70, 73)
			b[k.Size()+bit/8] ^= 1 << (bit % 8)
			all, tally := scan(t, bytes.NewReader(b))
			require.Equal(t, int64(2), tally.Frames, "bit %d", bit)
			require.Equal(t, uint64(70), all[0].Number)
			require.Equal(t, uint64(72), all[len(all)-1].Number)
		}
	}
}

// TestScanOfMuchGoesOn has streams longer than the buffer, cut at random.
func TestScanOfMuchGoesOn(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var in []byte
	var want []uint64
	for n := range uint64(5000) {
		b := Append(nil, Kind(rnd.IntN(2)), 3, n)
		if rnd.IntN(4) == 0 {
			b = b[:rnd.IntN(len(b))]
		} else {
			want = append(want, n)
		}
		in = append(in, b...)
	}
	all, tally := scan(t, bytes.NewReader(in))
	var got []uint64
	for _, f := range all {
		require.True(t, f.OK)
		got = append(got, f.Number)
	}
	require.Equal(t, want, got)
	require.Zero(t, tally.Bad)
}

func TestScanPassesOnTheReadersError(t *testing.T) {
	broken := errors.New("broken disk")
	tally, err := Scan(io.MultiReader(bytes.NewReader(stream(Light, 1, 0, 3)), iotest.ErrReader(broken)), func(Found) {})
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "scan frames: ")
	require.LessOrEqual(t, tally.Frames, int64(3))
}

func FuzzScan(f *testing.F) {
	f.Add([]byte{})
	f.Add(stream(Light, 1, 0, 3))
	f.Add(stream(Full, 1, 0, 2)[100:600])
	f.Add(append(stream(Light, 1, 0, 1)[:30], stream(Full, 2, 7, 8)...))
	f.Add(bytes.Repeat([]byte{0xFF, 0xE3, 0x18, 0xC0}, 40))
	f.Fuzz(func(t *testing.T, in []byte) {
		var covered, next int64
		all, tally := scan(t, bytes.NewReader(in))
		for _, f := range all {
			require.GreaterOrEqual(t, f.Offset, next, "in order, not one in another")
			next = f.Offset + int64(f.Kind.Size())
			covered += int64(f.Kind.Size())
			if f.OK {
				require.Equal(t, Append(nil, f.Kind, f.Broadcaster, f.Number), in[f.Offset:next])
			}
		}
		require.Equal(t, int64(len(in)), tally.Bytes)
		require.Equal(t, int64(len(in)), covered+tally.Foreign)
		require.Equal(t, int64(len(all)), tally.Frames+tally.Bad)
		one, same := scan(t, iotest.OneByteReader(bytes.NewReader(in)))
		require.Equal(t, all, one)
		require.Equal(t, tally, same)
		after, _ := scan(t, bytes.NewReader(append(in, Append(nil, Light, 77, 88)...)))
		require.Equal(t, uint64(88), after[len(after)-1].Number, "a frame behind anything is found")
	})
}
