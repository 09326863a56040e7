package icecast

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestParseLogin(t *testing.T) {
	for text, want := range map[string]Login{
		"hackme":               {"source", "hackme", "", 1},
		"anna:secret":          {"anna", "secret", "", 1},
		"anna:secret:#2":       {"anna", "secret", "", 2},
		"hackme:#3":            {"source", "hackme", "", 3},
		"hackme:/live":         {"source", "hackme", "/live", 1},
		"anna:secret:/a/b.mp3": {"anna", "secret", "/a/b.mp3", 1},
		"anna:a:b":             {"anna", "a:b", "", 1},
		"anna:#x":              {"anna", "#x", "", 1},
		"anna:#0":              {"anna", "#0", "", 1},
		"anna:#70000":          {"anna", "#70000", "", 1},
		"anna:2":               {"anna", "2", "", 1},
		":secret":              {"source", ":secret", "", 1},
		"anna:":                {"anna", "", "", 1},
		"":                     {"source", "", "", 1},
	} {
		require.Equal(t, want, ParseLogin(text), text)
	}
	require.True(t, ParseLogin("!POKE").Poke())
	require.False(t, ParseLogin("hackme").Poke())
}

func TestReadLogin(t *testing.T) {
	for in, want := range map[string]struct{ password, rest string }{
		"hackme\r\n":                       {"hackme", ""},
		"hackme\n":                         {"hackme", ""},
		"hackme\r\r\n":                     {"hackme", ""},
		"hackme\r\nicy-name:x\r\n\r\nbody": {"hackme", "icy-name:x\r\n\r\nbody"},
		"a b c\r\n":                        {"a b c", ""},
		"!POKE\nicy-name:libshout server poke request\n\n": {"!POKE", "icy-name:libshout server poke request\n\n"},
	} {
		l, rest, err := ReadLogin(strings.NewReader(in))
		require.NoError(t, err, in)
		require.Equal(t, want.password, l.Password)
		require.Equal(t, want.rest, string(rest))
		l, rest, err = ReadLogin(iotest.OneByteReader(strings.NewReader(in)))
		require.NoError(t, err, in)
		require.Equal(t, want.password, l.Password)
		require.Nil(t, rest, "it reads no further than it must")
	}
}

func TestReadLoginErrors(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		in   io.Reader
		want error
	}{
		"nothing":      {strings.NewReader(""), io.EOF},
		"half":         {strings.NewReader("hack"), io.ErrUnexpectedEOF},
		"reader's own": {io.MultiReader(strings.NewReader("hack"), iotest.ErrReader(broken)), broken},
		"endless":      {io.MultiReader(strings.NewReader(strings.Repeat("x", MaxLogin)), iotest.ErrReader(broken)), ErrHeadTooLarge},
		"empty":        {strings.NewReader("\r\nicy-name: x\r\n\r\n"), ErrHeadMalformed},
		"bare cr":      {strings.NewReader("a\rb\n"), ErrHeadMalformed},
		"nul":          {strings.NewReader("a\x00b\n"), ErrHeadMalformed},
		"tls":          {io.MultiReader(strings.NewReader("\x16\x03\x01"), iotest.ErrReader(broken)), ErrHeadMalformed},
	} {
		_, _, err := ReadLogin(c.in)
		require.ErrorIs(t, err, c.want, name)
	}
	_, _, err := ReadLogin(strings.NewReader(strings.Repeat("x", MaxLogin-1) + "\n"))
	require.NoError(t, err)
}

// TestShoutcastSource: what comes after the password is a source like any other.
func TestShoutcastSource(t *testing.T) {
	in := "icy-name:Night Show\r\nicy-br:128\nHost: x\r\ncontent-type:audio/mpeg\r\n\r\n\xff\xfb"
	for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
		h, err := ReadStream(r, "/my show")
		require.NoError(t, err)
		mount, err := h.Mount()
		require.NoError(t, err)
		require.Equal(t, "/my show", mount)
		require.Equal(t, "audio/mpeg", h.ContentType())
		require.Equal(t, "Night Show", h.Header.Get("Icy-Name"))
		require.Equal(t, "128", h.Header.Get("Icy-Br"))
		require.Equal(t, FormShoutcast, h.Form())
		require.Equal(t, "shoutcast", h.Form().String())
		require.True(t, h.Form().Source())
	}
	h, err := ReadStream(strings.NewReader("\r\n\xff\xfb"), "/m")
	require.NoError(t, err)
	require.Empty(t, h.Header)
	require.Equal(t, "\xff\xfb", string(h.Rest))
	_, err = ReadStream(strings.NewReader("icy-name: x\r\n"), "/m")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// TestShoutcastAnswers: BUTT gives up at "invalid password" and comes back after
// anything else; libshout looks for "OK" anywhere in the answer.
func TestShoutcastAnswers(t *testing.T) {
	h, err := ReadStream(strings.NewReader("\r\n"), "/m")
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, Welcome(&b))
	require.Equal(t, "OK2\r\nicy-caps:11\r\n\r\n", b.String())
	b.Reset()
	require.NoError(t, Accept(&b, h))
	require.Empty(t, b.String(), "it was welcome before it told of its stream")
	require.NoError(t, Refuse(&b, h, Unauthorized()))
	require.Equal(t, "invalid password\r\n", b.String())
	for _, r := range []Refusal{MountInUse(), TooManySources(), UnknownRequest(), {Status: 503, Body: "two\nlines"}} {
		b.Reset()
		require.NoError(t, Refuse(&b, h, r))
		require.NotContains(t, b.String(), "invalid password")
		require.NotContains(t, b.String(), "OK")
		require.Equal(t, 1, strings.Count(b.String(), "\n"))
	}
}

func TestAudiocast(t *testing.T) {
	in := "SOURCE anna:secret /live\nx-audiocast-name: Night Show\nX-Audiocast-Bitrate: 128\nx-audiocast-: x\n\nbody"
	h, err := ReadHead(strings.NewReader(in))
	require.NoError(t, err)
	user, password, ok := h.Credentials()
	require.Equal(t, [3]any{"anna", "secret", true}, [3]any{user, password, ok})
	require.Equal(t, FormSource, h.Form())
	require.Equal(t, "Night Show", h.Header.Get("ice-name"))
	require.Equal(t, "128", h.Header.Get("ice-bitrate"))
	require.Equal(t, "/live", h.Path())
	require.Equal(t, "body", string(h.Rest))
	var b bytes.Buffer
	require.NoError(t, Accept(&b, h))
	require.Equal(t, "OK\r\n", b.String())
	b.Reset()
	require.NoError(t, Refuse(&b, h, Unauthorized()))
	require.Equal(t, "invalid password\r\n", b.String())
	_, err = ReadHead(strings.NewReader("SOURCE secret live\n"))
	require.ErrorIs(t, err, ErrHeadMalformed)
}

// TestTLSHello: not a byte of a handshake is lost by looking for text first.
func TestTLSHello(t *testing.T) {
	hello := "\x16\x03\x01\x00\x05hello"
	for name, read := range map[string]func(io.Reader) error{
		"head":  func(r io.Reader) error { _, err := ReadHead(r); return err },
		"login": func(r io.Reader) error { _, _, err := ReadLogin(r); return err },
	} {
		r := strings.NewReader(hello)
		var met *TLSHello
		require.ErrorAs(t, read(r), &met, name)
		require.Equal(t, hello, string(met.Begun))
		r.Reset(hello)
		require.ErrorAs(t, read(iotest.OneByteReader(r)), &met, name)
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, hello, string(met.Begun)+string(rest))
	}
	_, err := ReadStream(strings.NewReader("\x16: x\r\n\r\n"), "/m")
	require.NoError(t, err, "what is inside a head is no handshake")
}

func FuzzReadLogin(f *testing.F) {
	for _, seed := range []string{"hackme\r\nicy-name:x\r\n\r\n", "anna:secret:#2\n", "p:/m\n", "!POKE\n\n", "\x16\x03\x01"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, rest, err := ReadLogin(bytes.NewReader(raw))
		slow, _, slowErr := ReadLogin(iotest.OneByteReader(bytes.NewReader(raw)))
		if err != nil {
			require.Error(t, slowErr)
			return
		}
		require.NoError(t, slowErr)
		require.Equal(t, l, slow)
		require.GreaterOrEqual(t, l.Stream, 1)
		require.NotEmpty(t, l.User)
		if len(raw) <= MaxLogin {
			require.True(t, bytes.HasSuffix(raw, rest))
		}
		mount := "/m"
		if CheckMount(l.Mount) == nil {
			mount = l.Mount
		}
		h, err := ReadStream(bytes.NewReader(rest), mount)
		if err != nil {
			return
		}
		got, err := h.Mount()
		require.NoError(t, err)
		require.Equal(t, mount, got)
	})
}
