package broadcaster

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func readCapture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "captures", name+".txt"))
	require.NoError(t, err)
	return string(b)
}

// capturedHeads are the heads of a capture in order; each line is Go-quoted.
func capturedHeads(t testing.TB, capture string) []string {
	t.Helper()
	var heads []string
	_, rest, ok := strings.Cut(capture, " HEAD (")
	for ok {
		var head strings.Builder
		_, lines, _ := strings.Cut(rest, "\n")
		for line := range strings.Lines(lines) {
			quoted, is := strings.CutPrefix(line, "    ")
			if !is {
				break
			}
			s, err := strconv.Unquote(`"` + strings.TrimRight(quoted, "\n") + `"`)
			require.NoError(t, err)
			head.WriteString(s)
		}
		heads = append(heads, head.String())
		_, rest, ok = strings.Cut(rest, " HEAD (")
	}
	return heads
}

// capturedBody is the beginning of the first body of a capture.
func capturedBody(t testing.TB, capture string) string {
	t.Helper()
	m := regexp.MustCompile(`first body read \d+ bytes: ("[^\n]*")`).FindStringSubmatch(capture)
	s, err := strconv.Unquote(m[1])
	require.NoError(t, err)
	return s
}

// TestHeadsAreThoseOfTheRealClients compares every byte of what a persona sends
// before its audio, form by form, with what the client sent each time it came.
func TestHeadsAreThoseOfTheRealClients(t *testing.T) {
	full := Request{
		Host: "ingest.example.test", Port: 8000, Account: "source", Password: "hackme", Mount: "/live.mp3",
		Name: "Test Radio", Description: "a b", Genre: "pop", URL: "http://example.test/",
		Type: "audio/mpeg", Bitrate: 128_000, SampleRate: 44_100, Channels: 2,
	}
	with := func(change func(*Request)) Request {
		r := full
		change(&r)
		return r
	}
	bare := with(func(r *Request) { r.Name, r.Description, r.Genre, r.URL = "", "", "", "" })
	named1 := with(func(r *Request) { r.Name, r.Description, r.Genre, r.URL = "TestRadio", "", "", "" })
	live := with(func(r *Request) { r.Mount = "/live" })
	mono := with(func(r *Request) { r.Channels = 1 })
	ogg := with(func(r *Request) { r.Mount, r.Type = "/live.ogg", "application/ogg" })
	pipeline := with(func(r *Request) { r.Name, r.Description, r.Genre = "Test", "", "" })
	cases := []struct {
		persona, capture string
		request          Request
		times            int // it came
	}{
		{"darkice", "darkice-ok", full, 1},
		{"darkice", "darkice-drop", full, 9},
		{"darkice", "darkice-drop-then503", full, 11},
		{"ezstream", "ezstream-ok", mono, 1},
		{"ezstream", "ezstream-drop", mono, 5},
		{"ffmpeg", "ffmpeg-ok", full, 1},
		{"ffmpeg", "ffmpeg-drop", named1, 1},
		{"ffmpeg-fifo", "ffmpeg-fifo-recover", bare, 7},
		{"ffmpeg-http", "ffmpeg-httppost-401", full, 1},
		{"ffmpeg-legacy", "ffmpeg-legacy", named1, 1},
		{"gst", "gst-ok", pipeline, 1},
		{"ices2", "ices2-ok", ogg, 1},
		{"ices2", "ices2-drop", ogg, 2},
		{"ices2", "ices2-drop-then503", ogg, 2},
		{"liquidsoap", "liquidsoap-ok", live, 1},
		{"liquidsoap", "liquidsoap-503", live, 4},
		{"liquidsoap-chunked", "liquidsoap-put-chunked", live, 1},
		{"liquidsoap-put", "liquidsoap-put", live, 1},
	}
	for _, c := range cases {
		t.Run(c.capture, func(t *testing.T) {
			heads := streamHeads(capturedHeads(t, readCapture(t, c.capture)))
			forms := named(t, c.persona).Forms
			require.Len(t, heads, c.times*len(forms))
			for i, want := range heads {
				require.Equal(t, want, string(forms[i%len(forms)].Head(nil, c.request)))
			}
		})
	}
}

// streamHeads leaves out titles, with the questions that go before one.
func streamHeads(heads []string) []string {
	title := func(i int) bool { return i < len(heads) && strings.HasPrefix(heads[i], "GET /admin/metadata") }
	var some []string
	for i, h := range heads {
		question := strings.HasPrefix(h, "OPTIONS ") || strings.HasPrefix(h, "GET /admin/!POKE")
		if !title(i) && !(question && (title(i+1) || title(i+2))) {
			some = append(some, h)
		}
	}
	return some
}

// TestDarkiceSendsItsHeadInTwoSegments: what the capture saw first.
func TestDarkiceSendsItsHeadInTwoSegments(t *testing.T) {
	capture := readCapture(t, "darkice-ok")
	m := regexp.MustCompile(`partial header (\d+) bytes`).FindStringSubmatch(capture)
	first, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	require.Equal(t, len(capturedHeads(t, capture)[0])-first, darkice().Forms[0].Late)
	var pieces pieces
	b := Broadcaster{request: Request{Mount: "/live.mp3", Genre: "pop", URL: "http://example.test/"}}
	require.NoError(t, b.sendHead(&pieces, darkice().Forms[0]))
	require.Len(t, pieces, 2)
	require.Equal(t, "http://example.test/\nice-genre: pop\r\n\r\n", pieces[1])
}

// pieces are what was written, write by write.
type pieces []string

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, string(b))
	return len(b), nil
}

// TestBodiesBeginAsThoseOfTheRealClients: preamble and framing.
func TestBodiesBeginAsThoseOfTheRealClients(t *testing.T) {
	first := func(persona, audio string) string {
		p := named(t, persona)
		var sent pieces
		c := conn{Conn: written{&sent}, form: p.Forms[len(p.Forms)-1]}
		for _, part := range []string{p.Preamble, audio} {
			if part != "" {
				_, err := c.put([]byte(part))
				require.NoError(t, err)
			}
		}
		c.finish()
		return strings.Join(sent, "")
	}
	for persona, capture := range map[string]string{
		"ffmpeg": "ffmpeg-drop", "ffmpeg-fifo": "ffmpeg-fifo-recover", "ffmpeg-legacy": "ffmpeg-legacy", "ffmpeg-http": "ffmpeg-httpput",
	} {
		begin := capturedBody(t, readCapture(t, capture))
		require.Equal(t, begin, first(persona, "")[:len(begin)], persona)
	}
	require.Equal(t, "2d\r\n"+ffmpegTag+"\r\n2\r\nhi\r\n0\r\n\r\n", first("ffmpeg-http", "hi"))
	begin := capturedBody(t, readCapture(t, "liquidsoap-put-chunked"))
	length, _, _ := strings.Cut(begin, "\r\n")
	n, err := strconv.ParseInt(length, 16, 32)
	require.NoError(t, err)
	require.Equal(t, length, first("liquidsoap-chunked", strings.Repeat("x", int(n)))[:len(length)])
}

// written is a connection that keeps what is written.
type written struct{ *pieces }

func (written) Read([]byte) (int, error)         { return 0, io.EOF }
func (written) Close() error                     { return nil }
func (written) LocalAddr() net.Addr              { return nil }
func (written) RemoteAddr() net.Addr             { return nil }
func (written) SetDeadline(time.Time) error      { return nil }
func (written) SetReadDeadline(time.Time) error  { return nil }
func (written) SetWriteDeadline(time.Time) error { return nil }

// TestHeadsThatWereOnlyRead pins what was read from the source of clients of which
// there is no capture.
func TestHeadsThatWereOnlyRead(t *testing.T) {
	r := Request{
		Host: "ingest.deadair.test", Port: 8000, Mount: "/live", Account: "source", Password: "hackme",
		Name: "Test Radio", Genre: "pop", URL: "http://example.test/", Type: "audio/mpeg", Bitrate: 128_000, SampleRate: 44_100, Channels: 2,
	}
	for _, persona := range []string{"app", "butt", "liquidsoap-icy", "mixxx", "mobile"} {
		var got bytes.Buffer
		for _, f := range named(t, persona).Forms {
			got.Write(f.Head(nil, r))
			if f.Ready != nil {
				got.Write(f.Ready(nil, r))
			}
		}
		if persona == "butt" {
			bare := r
			bare.Name = ""
			got.Write(butt().Forms[1].Head(nil, bare))
		}
		golden := filepath.Join("testdata", persona+".golden")
		if *update {
			require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), got.String())
	}
}

// TestHeadOnTheWire has a broadcaster connect and looks at what arrives.
func TestHeadOnTheWire(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newStage(t, welcome)
		cfg := s.config(named(t, "liquidsoap"))
		cfg.Duration = time.Second
		s.play(cfg)
		require.Equal(t, "SOURCE /live HTTP/1.0\r\nice-name: us-east-01\r\nAuthorization: Basic c291cmNlOmhhY2ttZQ==\r\n"+
			"ice-public: 0\r\nUser-Agent: Liquidsoap/2.1.3 (Unix; OCaml 4.13.1)\r\n"+
			"ice-audio-info: channels=1;samplerate=8000;bitrate=8\r\nContent-Type: audio/mpeg\r\n\r\n", string(s.visits[0].Head))
	})
}

func TestPersonaNamedTellsTheNames(t *testing.T) {
	_, err := PersonaNamed("winamp")
	require.EqualError(t, err, `no persona "winamp": use one of app, butt, darkice, ezstream, ffmpeg, ffmpeg-fifo, ffmpeg-http, ffmpeg-legacy, `+
		`gst, ices2, liquidsoap, liquidsoap-chunked, liquidsoap-icy, liquidsoap-put, mixxx, mobile`)
	seen := map[string]bool{}
	for _, p := range Personas() {
		require.False(t, seen[p.Name])
		seen[p.Name] = true
	}
}
