package icecast

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Reply is the head of an answer.
type Reply struct {
	Proto  string // "HTTP/1.0", "HTTP/1.1"
	Status int    // 100 … 999
	Reason string // "OK"; when written, "" stands for the status' usual text
	Header Header
	Rest   []byte // body bytes that arrived glued to the head; nil if none did
}

// Refusal is why a request is turned away.
type Refusal struct {
	Status int    // 400 … 599; see Refuse for what a source gets to see
	Reason string // log key and metric, such as "mount-in-use"; not sent
	Body   string // for people, one line
	Header Header // more fields
}

const (
	goAhead  = "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n"
	accepted = "HTTP/1.0 200 OK\r\n\r\n"
	welcome  = "OK2\r\nicy-caps:11\r\n\r\n"
)

// Continue tells a client that waits for it to send its body. Accept does it, too.
func Continue(w io.Writer) error {
	return write(w, []byte(goAhead))
}

// Welcome tells a SHOUTcast client that its password is right, and that it may tell
// of its stream and send it.
func Welcome(w io.Writer) error {
	return write(w, []byte(welcome))
}

// Accept puts a source on air: the very bytes of Icecast 2.4.4 for its form, in
// one write. To a client that expects 100 it sends that first. A SHOUTcast client
// has got its answer with Welcome and gets no other.
func Accept(w io.Writer, h *Head) error {
	switch {
	case h.Form() == FormShoutcast:
		return nil
	case h.Proto == protoAudiocast:
		return write(w, []byte("OK\r\n"))
	case h.Expects100() && h.Form() != FormSource:
		return write(w, []byte(goAhead+accepted))
	}
	return write(w, []byte(accepted))
}

// Refuse turns a request away. h may be nil: the head could not be read.
//
// Sources see 401 or 403 and nothing else, whatever the status: any other code
// ends the show for good with some encoder. A 401 asks for Basic credentials and,
// unless it answers a PUT, does not offer PUT, so that libshout keeps to SOURCE,
// which waits for its answer as long as it takes. Protocols older than HTTP get a
// line of text; "invalid password" makes BUTT give up, so that is said of one only.
func Refuse(w io.Writer, h *Head, r Refusal) error {
	form := h.Form()
	if h != nil && (h.Proto == protoICY || h.Proto == protoAudiocast) {
		if r.Status == http.StatusUnauthorized {
			return write(w, []byte("invalid password\r\n"))
		}
		return write(w, append(appendText(nil, r.Body), "\r\n"...))
	}
	p := Reply{Proto: "HTTP/1.0", Status: r.Status}
	if form.Source() && p.Status != http.StatusUnauthorized {
		p.Status = http.StatusForbidden
	}
	p.Header.Add("Connection", "Close")
	p.Header.Add("Content-Type", "text/plain; charset=utf-8")
	if p.Status == http.StatusUnauthorized {
		p.Reason = "Authentication Required"
		p.Header.Add("WWW-Authenticate", `Basic realm="Icecast2 Server"`)
		if form != FormPut {
			p.Header.Add("Allow", "GET, SOURCE, OPTIONS")
		}
	}
	p.Header.Add("Cache-Control", "no-cache, no-store")
	for _, f := range r.Header {
		p.Header.Set(f.Name, f.Value)
	}
	p.Header.Set("Content-Length", strconv.Itoa(len(r.Body)))
	return write(w, append(p.AppendTo(nil), r.Body...))
}

// Answer sends a complete small answer: HTTP/1.1, the given fields, Content-Length
// and body. The connection may be used again unless the fields say otherwise.
func Answer(w io.Writer, status int, header Header, body []byte) error {
	p := Reply{Proto: "HTTP/1.1", Status: status, Header: append(Header(nil), header...)}
	p.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return write(w, append(p.AppendTo(nil), body...))
}

// AppendTo appends the head as it goes over the wire, with CRLF line ends, without Rest.
func (p *Reply) AppendTo(dst []byte) []byte {
	reason := p.Reason
	if reason == "" {
		reason = http.StatusText(p.Status)
	}
	dst = fmt.Appendf(dst, "%s %03d ", p.Proto, p.Status)
	dst = appendText(dst, reason)
	dst = append(dst, "\r\n"...)
	return append(p.Header.appendTo(dst), "\r\n"...)
}

// WriteTo writes what AppendTo appends, in one write.
func (p *Reply) WriteTo(w io.Writer) (int64, error) {
	return writeHead(w, p.AppendTo(nil))
}

// AppendTo appends the head as it goes over the wire, with CRLF line ends, without Rest.
func (h *Head) AppendTo(dst []byte) []byte {
	dst = appendText(dst, h.Method)
	dst = append(dst, ' ')
	dst = appendText(dst, h.Target)
	dst = append(dst, ' ')
	dst = appendText(dst, h.Proto)
	dst = append(dst, "\r\n"...)
	return append(h.Header.appendTo(dst), "\r\n"...)
}

// WriteTo writes what AppendTo appends, in one write.
func (h *Head) WriteTo(w io.Writer) (int64, error) {
	return writeHead(w, h.AppendTo(nil))
}

func writeHead(w io.Writer, b []byte) (int64, error) {
	n, err := w.Write(b)
	if err != nil {
		return int64(n), fmt.Errorf("write head: %w", err)
	}
	return int64(n), nil
}

func write(w io.Writer, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}
