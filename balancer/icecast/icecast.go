// Package icecast speaks the source protocol of Icecast: it reads the heads that
// real encoders send and gives the answers that they understand. Bytes in, values
// out: it opens nothing, starts nothing, keeps no state and sets no deadlines;
// how long a head may take is up to the caller's connection.
//
// It knows PUT and POST with and without Expect, SOURCE with HTTP/1.0, HTTP/1.1
// and ICE/1.0, SHOUTcast v1, x-audiocast, and the probes of libshout. TLS it only
// recognises. It does not know accounts, or which mounts are in use.
package icecast

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// MaxHead is the longest head accepted, in bytes, its empty last line included.
const MaxHead = 8 << 10

// Head is the head of a request.
type Head struct {
	Method string // as sent, such as "PUT", "SOURCE"
	Target string // as sent, such as "/show", "*", "/admin/metadata?mode=updinfo"
	Proto  string // "HTTP/1.0", "HTTP/1.1", "ICE/1.0"; "ICY" is SHOUTcast v1, "AUDIOCAST" x-audiocast
	Header Header
	Rest   []byte // body bytes that arrived glued to the head; nil if none did
}

// Form is what kind of request a head is, as far as the answer depends on it.
type Form int

// Forms. Everything under /admin is FormAdmin, whatever its method.
const (
	FormOther     Form = iota
	FormPut            // PUT or POST of a source
	FormSource         // SOURCE
	FormGet            // GET or HEAD
	FormOptions        // OPTIONS, libshout's question for TLS
	FormAdmin          // /admin and below, /admin.cgi: metadata, kill requests, libshout's !POKE
	FormShoutcast      // a source by SHOUTcast v1
)

// String is the form as a log key: "put", "source", ….
func (f Form) String() string {
	names := [...]string{"other", "put", "source", "get", "options", "admin", "shoutcast"}
	if f < 0 || int(f) >= len(names) {
		return names[FormOther]
	}
	return names[f]
}

// Source tells whether it is a request to go on air.
func (f Form) Source() bool { return f == FormPut || f == FormSource || f == FormShoutcast }

// Form is the request's form. A nil head is FormOther.
func (h *Head) Form() Form {
	switch {
	case h == nil:
		return FormOther
	case h.Proto == protoICY:
		return FormShoutcast
	case isAdmin(h.Path()):
		return FormAdmin
	}
	switch strings.ToUpper(h.Method) {
	case "PUT", "POST":
		return FormPut
	case "SOURCE":
		return FormSource
	case "GET", "HEAD":
		return FormGet
	case "OPTIONS":
		return FormOptions
	}
	return FormOther
}

// Path is the target without its query, not decoded.
func (h *Head) Path() string {
	path, _, _ := strings.Cut(h.Target, "?")
	return path
}

// Query is the target's query.
func (h *Head) Query() url.Values {
	_, query, _ := strings.Cut(h.Target, "?")
	return ParseQuery(query)
}

// ParseQuery reads a query as Icecast does: "&" alone parts it, and what is no escape
// stands for itself. Titles hold ";" and "%" that their encoders do not escape.
func ParseQuery(query string) url.Values {
	values := make(url.Values)
	for part := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(part, "="); name != "" {
			values.Add(unescape(name), unescape(value))
		}
	}
	return values
}

func unescape(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return strings.ReplaceAll(text, "+", " ")
	}
	return plain
}

// Expects100 tells whether the client waits for "100 Continue" before its body.
// Clients do so on HTTP/1.0, too.
func (h *Head) Expects100() bool { return h.Header.hasToken("Expect", "100-continue") }

// Chunked tells whether the body is chunked; see Dechunk.
func (h *Head) Chunked() bool { return h.Header.hasToken("Transfer-Encoding", "chunked") }

// ContentType is the media type in lower case, without parameters; "" if none was given.
func (h *Head) ContentType() string {
	mediaType, _, _ := strings.Cut(h.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// Credentials are those of Basic authentication. An empty user is "source". ok is
// false if there are none or they cannot be read.
func (h *Head) Credentials() (user, password string, ok bool) {
	scheme, encoded, _ := strings.Cut(h.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	encoded = strings.TrimRight(strings.TrimSpace(encoded), "=") // some encoders leave the padding out
	plain, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(plain), ":")
	if !ok {
		return "", "", false
	}
	if user == "" {
		user = "source"
	}
	return user, password, true
}
