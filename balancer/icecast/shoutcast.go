package icecast

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
)

// Protocols that are older than HTTP.
const (
	protoICY       = "ICY"       // SHOUTcast v1
	protoAudiocast = "AUDIOCAST" // "SOURCE password /mount", of Icecast 1
)

// MaxLogin is the longest first line of a SHOUTcast client, in bytes, its line end included.
const MaxLogin = 512

// Login is what a SHOUTcast client says first: a password, with whom it is from
// and where to put the stream squeezed into it.
type Login struct {
	User     string // "source" if none was given
	Password string
	Mount    string // "" if none was given; see CheckMount
	Stream   int    // which of the user's streams; ≥ 1
}

// ParseLogin reads the forms of a SHOUTcast password that encoders send: alone,
// "user:password", and either followed by ":#3" (stream 3) or ":/mount". A password
// that holds a colon needs its user in front.
func ParseLogin(text string) Login {
	l := Login{User: "source", Password: text, Stream: 1}
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		tail := text[i+1:]
		n, err := strconv.ParseUint(strings.TrimPrefix(tail, "#"), 10, 16)
		switch {
		case strings.HasPrefix(tail, "#") && err == nil && n > 0:
			l.Stream, l.Password = int(n), text[:i]
		case strings.HasPrefix(tail, "/"):
			l.Mount, l.Password = tail, text[:i]
		}
	}
	if user, password, ok := strings.Cut(l.Password, ":"); ok && user != "" {
		l.User, l.Password = user, password
	}
	return l
}

// Poke tells whether it is libshout that asks who is there, without a password.
func (l Login) Poke() bool { return l.Password == "!POKE" }

// ReadLogin reads the first line of a SHOUTcast client, and returns what came
// glued to it. Its errors are those of ReadHead.
func ReadLogin(r io.Reader) (l Login, rest []byte, err error) {
	var buf [MaxLogin]byte
	for n := 0; ; {
		m, err := r.Read(buf[n:])
		n += m
		if n > 0 && buf[0] == recordHandshake {
			return l, nil, &TLSHello{Begun: bytes.Clone(buf[:n])}
		}
		end := bytes.IndexByte(buf[:n], '\n')
		line := bytes.TrimRight(buf[:max(end, 0)], "\r")
		switch {
		case end >= 0 && (len(line) == 0 || bytes.ContainsAny(line, "\r\x00")):
			return l, nil, fmt.Errorf("%w: the first line is not a password", ErrHeadMalformed)
		case end >= 0:
			return ParseLogin(string(line)), bytes.Clone(nonEmpty(buf[end+1 : n])), nil
		case n == len(buf):
			return l, nil, ErrHeadTooLarge
		case err == io.EOF && n == 0:
			return l, nil, io.EOF
		case err == io.EOF:
			return l, nil, io.ErrUnexpectedEOF
		case err != nil:
			return l, nil, fmt.Errorf("read password: %w", err)
		}
	}
}

// ReadStream reads what a SHOUTcast client tells of its stream after its login, and
// makes it the head of a source of that mount. Its errors are those of ReadHead.
func ReadStream(r io.Reader, mount string) (*Head, error) {
	header, rest, err := read(r, nil)
	if err != nil {
		return nil, err
	}
	return &Head{Method: "SOURCE", Target: (&url.URL{Path: mount}).EscapedPath(), Proto: protoICY, Header: header, Rest: rest}, nil
}

// fromAudiocast brings a head of Icecast 1 into the form of later ones.
func (h *Head) fromAudiocast(password string) {
	for i, f := range h.Header {
		const prefix = "x-audiocast-"
		if len(f.Name) > len(prefix) && strings.EqualFold(f.Name[:len(prefix)], prefix) {
			h.Header[i].Name = "ice-" + f.Name[len(prefix):]
		}
	}
	l := ParseLogin(password)
	h.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(l.User+":"+l.Password)))
}
