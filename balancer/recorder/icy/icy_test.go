package icy_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"deadair/balancer/recorder/icy"
)

func TestBlock(t *testing.T) {
	for title, want := range map[string]string{
		"":                   "\x01StreamTitle='';\x00",
		"A":                  "\x01StreamTitle='A';",
		"AB":                 "\x02StreamTitle='AB';" + strings.Repeat("\x00", 15),
		"Don't Stop":         "\x02StreamTitle='Don't Stop';" + strings.Repeat("\x00", 7),
		"x';StreamUrl='evil": "\x03StreamTitle='x' ;StreamUrl='evil';" + strings.Repeat("\x00", 14),
		"a\x00b\r\nc":        "\x02StreamTitle='a b  c';" + strings.Repeat("\x00", 11),
		"b\xffd":             "\x02StreamTitle='b\uFFFDd';" + strings.Repeat("\x00", 12),
	} {
		require.Equal(t, want, string(icy.Block(title)), "%q", title)
	}
	long := icy.Block(strings.Repeat("æ", 3000))
	require.Len(t, long, 1+255*16)
	require.True(t, utf8.Valid(long[1:]))
}

// titleOf reads a block as ffmpeg does.
func titleOf(block []byte) string {
	text := strings.TrimRight(string(block[1:]), "\x00")
	_, text, _ = strings.Cut(text, "='")
	title, _, _ := strings.Cut(text, "';")
	return title
}

func FuzzBlock(f *testing.F) {
	for _, title := range []string{"", "Echoes", "'", "';", "'';'';", "a\x00';", "\xff';\xfe", strings.Repeat("';", 2100)} {
		f.Add(title)
	}
	f.Fuzz(func(t *testing.T, title string) {
		block := icy.Block(title)
		require.Len(t, block, 1+16*int(block[0]))
		require.True(t, utf8.Valid(block[1:]))
		require.NotContains(t, titleOf(block), "\x00")
		if printable := !strings.ContainsFunc(title, func(r rune) bool { return r < ' ' || r == 0x7F || r == utf8.RuneError }); printable && len(title) < 1000 {
			require.Equal(t, strings.ReplaceAll(title, "';", "' ;"), titleOf(block))
		}
	})
}

// apart separates a stream from its titles; a title that was not sent again is "-".
func apart(t *testing.T, b []byte) (stream []byte, titles []string) {
	t.Helper()
	for len(b) > icy.Interval {
		stream = append(stream, b[:icy.Interval]...)
		b = b[icy.Interval:]
		n := 1 + 16*int(b[0])
		if n == 1 {
			titles = append(titles, "-")
		} else {
			titles = append(titles, titleOf(b[:n]))
		}
		b = b[n:]
	}
	return append(stream, b...), titles
}

func TestWriter(t *testing.T) {
	stream := make([]byte, 100_000)
	for i := range stream {
		stream[i] = byte(i * 7 >> 3)
	}
	for _, piece := range []int{1, 999, icy.Interval, icy.Interval + 1, 100_000} {
		asked := 0
		w := icy.New(func() string {
			asked++
			return []string{"", "One", "One", "Two", "", ""}[asked-1]
		})
		var sent []byte
		for at := 0; at < len(stream); at += piece {
			sent = append(sent, bytes.Join(w.Append(nil, stream[at:min(at+piece, len(stream))]), nil)...)
		}
		got, titles := apart(t, sent)
		require.True(t, bytes.Equal(stream, got), "in pieces of %d", piece)
		require.Equal(t, []string{"-", "One", "-", "Two", "", "-"}, titles, "in pieces of %d", piece)
	}
}
