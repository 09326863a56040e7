package icecast

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestReadHead(t *testing.T) {
	field := Header{{"Host", "x"}, {"Ice-Name", "a: b"}}
	for name, c := range map[string]struct {
		in   string
		want Head
	}{
		"crlf":               {"PUT /m HTTP/1.1\r\nHost: x\r\nIce-Name: a: b\r\n\r\n", Head{"PUT", "/m", "HTTP/1.1", field, nil}},
		"bare lf":            {"PUT /m HTTP/1.1\nHost: x\nIce-Name: a: b\n\n", Head{"PUT", "/m", "HTTP/1.1", field, nil}},
		"cr cr lf":           {"PUT /m HTTP/1.1\r\r\nHost: x\r\r\nIce-Name: a: b\r\r\n\r\r\n", Head{"PUT", "/m", "HTTP/1.1", field, nil}},
		"mixed":              {"PUT /m HTTP/1.1\nHost: x\r\nIce-Name: a: b\r\r\n\n", Head{"PUT", "/m", "HTTP/1.1", field, nil}},
		"odd spaces":         {"PUT  /m\tHTTP/1.1\r\nHost : x\r\nIce-Name:a: b  \r\n\r\n", Head{"PUT", "/m", "HTTP/1.1", field, nil}},
		"ice/1.0":            {"SOURCE /m ICE/1.0\r\n\r\n", Head{"SOURCE", "/m", "ICE/1.0", Header{}, nil}},
		"options":            {"OPTIONS * HTTP/1.1\r\n\r\n", Head{"OPTIONS", "*", "HTTP/1.1", Header{}, nil}},
		"empty lines before": {"\r\n\nGET / HTTP/1.0\r\n\r\n", Head{"GET", "/", "HTTP/1.0", Header{}, nil}},
		"empty value":        {"GET / HTTP/1.0\r\nHost:\r\n\r\n", Head{"GET", "/", "HTTP/1.0", Header{{"Host", ""}}, nil}},
		"no fields left out": {"GET / HTTP/1.0\r\nnonsense\r\n folded: x\r\n: y\r\na b: z\r\nHost: x\r\nIce-Name: a: b\r\n\r\n", Head{"GET", "/", "HTTP/1.0", field, nil}},
		"latin-1":            {"GET / HTTP/1.0\r\nIce-Name: caf\xe9\r\n\r\n", Head{"GET", "/", "HTTP/1.0", Header{{"Ice-Name", "caf\xe9"}}, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := ReadHead(iotest.OneByteReader(strings.NewReader(c.in)))
			require.NoError(t, err)
			require.Equal(t, &c.want, h)
			h, err = ReadHead(strings.NewReader(c.in + "\r\nbody"))
			require.NoError(t, err)
			c.want.Rest = []byte("\r\nbody")
			require.Equal(t, &c.want, h)
		})
	}
}

// TestReadHeadStopsAtTheEnd: not a byte is taken from the reader once the head is there.
func TestReadHeadStopsAtTheEnd(t *testing.T) {
	body := strings.NewReader("body")
	h, err := ReadHead(io.MultiReader(strings.NewReader("PUT /m HTTP/1.0\r\n"), strings.NewReader("\r\n"), body))
	require.NoError(t, err)
	require.Nil(t, h.Rest)
	require.Equal(t, 4, body.Len())
}

// TestReadHeadKeepsNoBuffer: what one head holds survives the next one.
func TestReadHeadKeepsNoBuffer(t *testing.T) {
	first, err := ReadHead(strings.NewReader("PUT /first HTTP/1.0\r\nA: first\r\n\r\nfirst"))
	require.NoError(t, err)
	for range 100 {
		_, err := ReadHead(strings.NewReader("XXX /xxxxx HTTP/1.0\r\nX: xxxxx\r\n\r\nxxxxx"))
		require.NoError(t, err)
	}
	require.Equal(t, &Head{"PUT", "/first", "HTTP/1.0", Header{{"A", "first"}}, []byte("first")}, first)
}

func TestReadHeadErrors(t *testing.T) {
	broken := errors.New("broken")
	endless := iotest.ErrReader(broken)
	for name, c := range map[string]struct {
		in   io.Reader
		want error
	}{
		"nothing":            {strings.NewReader(""), io.EOF},
		"half a first line":  {strings.NewReader("SOURCE /m HT"), io.ErrUnexpectedEOF},
		"half a head":        {strings.NewReader("SOURCE /m HTTP/1.0\r\nHost: x\r\n"), io.ErrUnexpectedEOF},
		"reader's own":       {io.MultiReader(strings.NewReader("SOURCE"), endless), broken},
		"no progress":        {stuck{}, io.ErrNoProgress},
		"tls":                {io.MultiReader(strings.NewReader("\x16\x03\x01\x02\x00"), endless), ErrHeadMalformed},
		"shoutcast password": {io.MultiReader(strings.NewReader("hackme\r\n"), endless), ErrHeadMalformed},
		"http/0.9":           {io.MultiReader(strings.NewReader("GET /\r\n"), endless), ErrHeadMalformed},
		"http/2":             {io.MultiReader(strings.NewReader("PRI * HTTP/2.0\r\n"), endless), ErrHeadMalformed},
		"space in mount":     {io.MultiReader(strings.NewReader("PUT /a b HTTP/1.0\r\n"), endless), ErrHeadMalformed},
		"method no token":    {io.MultiReader(strings.NewReader("P@T /a HTTP/1.0\r\n"), endless), ErrHeadMalformed},
		"control in target":  {io.MultiReader(strings.NewReader("PUT /a\x01b HTTP/1.0\r\n"), endless), ErrHeadMalformed},
		"long version":       {io.MultiReader(strings.NewReader("PUT /a HTTP/1.10\r\n"), endless), ErrHeadMalformed},
		"bare cr":            {io.MultiReader(strings.NewReader("PUT /a HTTP/1.0\r\nA: b\rC: d\r\n"), endless), ErrHeadMalformed},
		"nul":                {io.MultiReader(strings.NewReader("PUT /a HTTP/1.0\r\nA: b\x00\r\n"), endless), ErrHeadMalformed},
		"endless line":       {io.MultiReader(strings.NewReader(strings.Repeat("a", MaxHead)), endless), ErrHeadTooLarge},
		"endless fields":     {io.MultiReader(strings.NewReader("GET / HTTP/1.0\r\n"+strings.Repeat("a: b\r\n", MaxHead)), endless), ErrHeadTooLarge},
		"endless empty":      {io.MultiReader(strings.NewReader(strings.Repeat("\r\n", MaxHead)), endless), ErrHeadTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := ReadHead(c.in)
			require.ErrorIs(t, err, c.want)
			require.Nil(t, h)
		})
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestReadHeadLimit(t *testing.T) {
	head := func(size int) string {
		const frame = "PUT /m HTTP/1.0\r\nA: \r\n\r\n"
		return strings.Replace(frame, "A: ", "A: "+strings.Repeat("x", size-len(frame)), 1)
	}
	for _, size := range []int{MaxHead - 1, MaxHead} {
		_, err := ReadHead(strings.NewReader(head(size)))
		require.NoError(t, err, size)
	}
	_, err := ReadHead(strings.NewReader(head(MaxHead + 1)))
	require.ErrorIs(t, err, ErrHeadTooLarge)
}

func TestReadReply(t *testing.T) {
	p, err := ReadReply(strings.NewReader("HTTP/1.1 409 Conflict\r\nDeadair-Epoch: 7\r\n\r\nx"))
	require.NoError(t, err)
	require.Equal(t, &Reply{"HTTP/1.1", 409, "Conflict", Header{{"Deadair-Epoch", "7"}}, []byte("x")}, p)

	// 100 and 200 come in one segment; the second is read out of the first one's rest.
	p, err = ReadReply(strings.NewReader(goAhead + accepted))
	require.NoError(t, err)
	require.Equal(t, 100, p.Status)
	p, err = ReadReply(bytes.NewReader(p.Rest))
	require.NoError(t, err)
	require.Equal(t, &Reply{"HTTP/1.0", 200, "OK", Header{}, nil}, p)

	for _, bad := range []string{"HTTP/1.1 99 X\n", "HTTP/1.1 1000 X\n", "HTTP/1.1 +20 X\n", "HTTP/3 200 OK\n", "OK2\n", "ICY 200 OK\n"} {
		_, err = ReadReply(strings.NewReader(bad))
		require.ErrorIs(t, err, ErrHeadMalformed, bad)
	}
	p, err = ReadReply(strings.NewReader("HTTP/1.0 200\n\n"))
	require.NoError(t, err)
	require.Equal(t, 200, p.Status)
}

func BenchmarkReadHead(b *testing.B) {
	raw, err := os.ReadFile("testdata/heads/ffmpeg.head")
	require.NoError(b, err)
	r := bytes.NewReader(nil)
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(raw)
		_, _ = ReadHead(r)
	}
}

func FuzzReadHead(f *testing.F) {
	for _, seed := range []string{
		"PUT /m HTTP/1.1\r\nExpect: 100-continue\r\n\r\nID3",
		"SOURCE /m ICE/1.0\nHost:\n\n",
		"\r\nGET /a?b=%zz HTTP/1.0\r\r\n\r\r\n",
		"hackme\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := ReadHead(bytes.NewReader(raw))
		slow, slowErr := ReadHead(iotest.OneByteReader(bytes.NewReader(raw)))
		if err != nil {
			require.Error(t, slowErr)
			return
		}
		require.NoError(t, slowErr)
		require.True(t, bytes.HasSuffix(raw, h.Rest))
		h.Rest = nil
		require.Equal(t, h, slow)

		if h.Proto == protoAudiocast {
			return // it is never written
		}
		// Written and read again it is the same.
		again, err := ReadHead(bytes.NewReader(h.AppendTo(nil)))
		if len(h.AppendTo(nil)) > MaxHead {
			return // ": " and CRLF may have made it longer
		}
		require.NoError(t, err)
		require.Equal(t, h, again)
		if mount, err := h.Mount(); err == nil {
			require.NoError(t, CheckMount(mount))
		}
		h.Credentials()
		h.Query()
		require.NotPanics(t, func() { _ = Refuse(io.Discard, h, Unauthorized()) })
	})
}

func FuzzReadReply(f *testing.F) {
	f.Add([]byte(goAhead + accepted))
	f.Add([]byte("HTTP/1.1 409 Conflict\nDeadair-Epoch: 7\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ReadReply(bytes.NewReader(raw))
		if err != nil {
			return
		}
		require.True(t, 100 <= p.Status && p.Status <= 999)
		require.True(t, bytes.HasSuffix(raw, p.Rest))
		p.Rest = nil
		wire := p.AppendTo(nil)
		if len(wire) > MaxHead {
			return
		}
		again, err := ReadReply(bytes.NewReader(wire))
		require.NoError(t, err)
		if p.Reason == "" {
			p.Reason = http.StatusText(p.Status)
		}
		require.Equal(t, p, again)
	})
}
