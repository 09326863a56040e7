package icecast

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

var (
	// ErrHeadTooLarge is a head that has not ended within MaxHead bytes.
	ErrHeadTooLarge = errors.New("head too large: at most 8 KiB are accepted")
	// ErrHeadMalformed is what no encoder sends: not "METHOD target PROTO/x.y" and
	// lines of text. A SHOUTcast password comes out as this, and so does a TLSHello.
	ErrHeadMalformed = errors.New("head malformed")
)

// TLSHello is the error of a reader that met TLS where text was expected. It wraps
// ErrHeadMalformed, for those who do not speak TLS.
type TLSHello struct {
	Begun []byte // all that was read so far; the handshake starts with it
}

// recordHandshake is the first byte of a TLS connection (RFC 8446, 5.1). No line of
// text starts with it.
const recordHandshake = 0x16

func (*TLSHello) Error() string { return "a TLS handshake, where a line of text was expected" }

// Unwrap makes it an ErrHeadMalformed.
func (*TLSHello) Unwrap() error { return ErrHeadMalformed }

var buffers = sync.Pool{New: func() any { return new([MaxHead]byte) }}

// ReadHead reads a request's head. Lines may end in \n, \r\n or \r\r\n, and the
// head may arrive in any number of pieces. A head that cannot become one is
// refused at its first bad line, without waiting for the rest.
//
// The error is io.EOF when nothing came, io.ErrUnexpectedEOF when half a head
// came, ErrHeadTooLarge, ErrHeadMalformed, a *TLSHello, or wraps the reader's own.
func ReadHead(r io.Reader) (*Head, error) {
	h := new(Head)
	var password string
	header, rest, err := read(r, func(line string) (err error) {
		password, err = h.parseLine(line)
		return err
	})
	if err != nil {
		return nil, err
	}
	h.Header, h.Rest = header, rest
	if h.Proto == protoAudiocast {
		h.fromAudiocast(password)
	}
	return h, nil
}

// ReadReply reads the head of an answer, as ReadHead does that of a request.
func ReadReply(r io.Reader) (*Reply, error) {
	p := new(Reply)
	header, rest, err := read(r, p.parseLine)
	if err != nil {
		return nil, err
	}
	p.Header, p.Rest = header, rest
	return p, nil
}

// read reads to the end of a head. first judges the first line as soon as it is
// there; nil is a head that has fields only.
func read(r io.Reader, first func(line string) error) (Header, []byte, error) {
	buf := buffers.Get().(*[MaxHead]byte)
	defer buffers.Put(buf)
	s := scanner{first: first, begun: first == nil}
	idle := 0
	for n := 0; ; {
		m, err := r.Read(buf[n:])
		n += m
		if n > 0 && first != nil && buf[0] == recordHandshake {
			return nil, nil, &TLSHello{Begun: bytes.Clone(buf[:n])}
		}
		end, bad := s.scan(buf[:n])
		switch {
		case bad != nil:
			return nil, nil, bad
		case end > 0:
			return parseFields(string(buf[s.fields:end])), bytes.Clone(nonEmpty(buf[end:n])), nil
		case n == len(buf):
			return nil, nil, ErrHeadTooLarge
		case err == io.EOF && n == 0:
			return nil, nil, io.EOF
		case err == io.EOF:
			return nil, nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, nil, fmt.Errorf("read head: %w", err)
		}
		if idle++; m > 0 {
			idle = 0
		} else if idle == 100 {
			return nil, nil, fmt.Errorf("read head: %w", io.ErrNoProgress)
		}
	}
}

// scanner finds the end of a head in a growing buffer, looking at each byte once.
type scanner struct {
	first  func(line string) error
	begun  bool // the first line is over
	start  int  // where the current line starts
	next   int  // first byte not looked at
	fields int  // where the fields start
}

// scan returns where the head ends, or 0 when more is needed.
func (s *scanner) scan(buf []byte) (end int, err error) {
	for !s.begun && s.start < len(buf) && (buf[s.start] == '\r' || buf[s.start] == '\n') {
		s.start++ // empty lines before a request are allowed
	}
	if !s.begun && s.start < len(buf) && !isTokenByte(buf[s.start]) {
		return 0, fmt.Errorf("%w: it starts with byte %#02x", ErrHeadMalformed, buf[s.start])
	}
	for s.next = max(s.next, s.start); ; {
		i := bytes.IndexByte(buf[s.next:], '\n')
		if i < 0 {
			s.next = len(buf)
			return 0, nil
		}
		line := bytes.TrimRight(buf[s.start:s.next+i], "\r")
		s.next += i + 1
		s.start = s.next
		switch {
		case bytes.ContainsAny(line, "\r\x00"):
			return 0, fmt.Errorf("%w: a line holds a bare CR or NUL", ErrHeadMalformed)
		case !s.begun:
			s.begun, s.fields = true, s.next
			if err := s.first(string(line)); err != nil {
				return 0, err
			}
		case len(line) == 0:
			return s.next, nil
		}
	}
}

// parseLine takes the request line. Only x-audiocast has a password there.
func (h *Head) parseLine(line string) (password string, err error) {
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' }) // others may be in a title
	switch {
	case len(words) != 3 || !isToken(words[0]) || !isTarget(words[1]) || !isTarget(words[2]):
	case isProto(words[2]):
		h.Method, h.Target, h.Proto = words[0], words[1], words[2]
		return "", nil
	case words[0] == "SOURCE" && strings.HasPrefix(words[2], "/"):
		h.Method, h.Target, h.Proto = words[0], words[2], protoAudiocast
		return words[1], nil
	}
	return "", fmt.Errorf("%w: the first line is not a request", ErrHeadMalformed)
}

// parseLine takes the status line.
func (p *Reply) parseLine(line string) error {
	proto, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	status, err := strconv.ParseUint(code, 10, 10)
	if err != nil || len(code) != 3 || status < 100 || !isProto(proto) {
		return fmt.Errorf("%w: the first line is not an answer", ErrHeadMalformed)
	}
	p.Proto, p.Status, p.Reason = proto, int(status), reason
	return nil
}

// parseFields takes the lines after the first. What is no field is left out, as Icecast does.
func parseFields(text string) Header {
	header := make(Header, 0, strings.Count(text, "\n"))
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, ":")
		name = strings.TrimRight(name, " \t")
		if ok && isToken(name) {
			header.Add(name, strings.Trim(value, " \t\r\n"))
		}
	}
	return slices.Clip(header)
}

func isProto(s string) bool {
	version, ok := strings.CutPrefix(s, "HTTP/1.")
	if !ok {
		version, ok = strings.CutPrefix(s, "ICE/1.")
	}
	return ok && len(version) == 1 && '0' <= version[0] && version[0] <= '9'
}

func isTarget(s string) bool { return !strings.ContainsFunc(s, isControl) }

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// isToken tells whether s is a token of RFC 9110, as methods and field names are.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// nonEmpty turns an empty slice into nil.
func nonEmpty(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}
