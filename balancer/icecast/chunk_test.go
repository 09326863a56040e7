package icecast

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http/httputil"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDechunk(t *testing.T) {
	long := strings.Repeat("x", 300)
	for name, c := range map[string]struct {
		in, want string
		err      error
	}{
		"two chunks":     {"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde", io.EOF},
		"upper case":     {"A\r\n0123456789\r\n0\r\n", "0123456789", io.EOF},
		"extension":      {"3;x=y\r\nabc\r\n0;z\r\n", "abc", io.EOF},
		"bare lf":        {"3\nabc\n0\n", "abc", io.EOF},
		"leading zeros":  {"0003\r\nabc\r\n000\r\n", "abc", io.EOF},
		"trailer":        {"3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", "abc", io.EOF},
		"nothing":        {"0\r\n\r\n", "", io.EOF},
		"broken off":     {"5\r\nabc", "abc", nil},
		"no last chunk":  {"3\r\nabc\r\n", "abc", nil},
		"empty":          {"", "", nil},
		"half a size":    {"3", "", nil},
		"no size":        {"\r\n", "", ErrBodyMalformed},
		"only a newline": {"\n", "", ErrBodyMalformed},
		"raw audio":      {"ID3\x04", "", ErrBodyMalformed},
		"negative":       {"-1\r\n", "", ErrBodyMalformed},
		"too long":       {"3\r\nabcd\r\n", "abc", ErrBodyMalformed},
		"out of range":   {"fffffffffffffffff\r\n", "", ErrBodyMalformed},
		"wraps to zero":  {"10000000000000000\r\n", "", ErrBodyMalformed},
		"long extension": {"3;" + long + "\r\nabc\r\n", "", ErrBodyMalformed},
		"long line end":  {"3\r\nabc" + strings.Repeat("\r", 300) + "\n", "abc", ErrBodyMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 7, 1 << 20} {
				var d Dechunker
				data, err := stripAll(&d, []byte(c.in), size)
				require.ErrorIs(t, err, c.err)
				require.Equal(t, c.want, string(data))
				n, again := d.Strip([]byte("3\r\nabc\r\n"))
				if err != nil {
					require.Equal(t, err, again, "an end is an end")
					require.Zero(t, n)
				}
			}
		})
	}
}

// stripAll strips a body that comes in pieces of a size.
func stripAll(d *Dechunker, body []byte, size int) (data []byte, err error) {
	for piece := range slices.Chunk(bytes.Clone(body), size) {
		n, err := d.Strip(piece)
		data = append(data, piece[:n]...)
		if err != nil {
			return data, err
		}
	}
	return data, nil
}

func FuzzDechunk(f *testing.F) {
	for _, seed := range []string{"3\r\nabc\r\n0\r\n\r\n", "a;b=c\n0123456789\n0\n", "ffffffffffffffff\r\n", "5\r\nab"} {
		f.Add([]byte(seed), uint64(1))
	}
	f.Fuzz(func(t *testing.T, raw []byte, seed uint64) {
		whole, wholeErr := stripAll(new(Dechunker), raw, len(raw)+1)
		split, splitErr := stripAll(new(Dechunker), raw, 1)
		require.Equal(t, whole, split)
		require.Equal(t, wholeErr, splitErr)
		require.LessOrEqual(t, len(whole), len(raw))

		// What somebody else's writer chunks comes out as it went in.
		var wire bytes.Buffer
		w, rnd := httputil.NewChunkedWriter(&wire), rand.New(rand.NewPCG(seed, 0))
		for rest := raw; len(rest) > 0; {
			n := 1 + rnd.IntN(len(rest))
			_, err := w.Write(rest[:n])
			require.NoError(t, err)
			rest = rest[n:]
		}
		require.NoError(t, w.Close())
		back, err := stripAll(new(Dechunker), wire.Bytes(), 1+int(seed%100))
		require.Equal(t, io.EOF, err)
		require.Equal(t, raw, append([]byte{}, back...))
	})
}

func BenchmarkDechunk(b *testing.B) {
	body := []byte(strings.Repeat("1a1\r\n"+strings.Repeat("x", 0x1a1)+"\r\n", 1000)) // frames of 128 kbit/s
	raw := make([]byte, len(body))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		copy(raw, body)
		var d Dechunker
		for piece := range slices.Chunk(raw, 16<<10) {
			if _, err := d.Strip(piece); err != nil {
				b.Fatal(err)
			}
		}
	}
}
