package balancer

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"deadair/balancer/icecast"
)

// verb is what a request asks for.
type verb string

const (
	verbTitle verb = "metadata"
	verbKill  verb = "kill"
)

// request is a new title, or the end of a show.
type request struct {
	verb   verb
	format string // of the answer: "" is Icecast's XML, or ".xsl", ".json"
	credentials
	mount string
	query url.Values
	agent string
}

// maxForm is the longest form accepted, in bytes.
const maxForm = 8 << 10

// readRequest understands a request, and reads the rest of one that is a form.
// Without credentials or a mount it is answered as Icecast does, by asking for
// credentials.
func (b *Balancer) readRequest(conn net.Conn, head *icecast.Head) (request, *icecast.Refusal) {
	q := request{query: head.Query(), agent: head.Header.Get("User-Agent")}
	path := head.Path()
	shoutcast := path == "/admin.cgi"
	if !shoutcast {
		path, q.format = cutFormat(path)
	}
	unknown := icecast.UnknownRequest()
	known := shoutcast || path == "/admin/metadata" || path == "/admin/killsource"
	if !known || head.Method != http.MethodGet && head.Method != http.MethodPost {
		return q, &unknown // libshout's !POKE among them
	}
	who, ok := credentialsOf(head)
	if !ok && !(shoutcast && q.query.Has("pass")) {
		no := icecast.Unauthorized()
		return q, &no
	}
	if head.Method == http.MethodPost {
		if no := b.readForm(conn, head, q.query); no != nil {
			return q, no
		}
	}
	q.credentials, q.mount = who, q.query.Get("mount")
	if shoutcast {
		b.fromShoutcast(&q, ok)
	}
	if q.mount == "" {
		no := icecast.Unauthorized()
		return q, &no
	}
	switch mode := q.query.Get("mode"); {
	case path == "/admin/killsource", shoutcast && mode == "kicksrc":
		q.verb = verbKill
	case mode == "", mode == "updinfo":
		q.verb = verbTitle
	default:
		return q, &unknown
	}
	return q, nil
}

// cutFormat cuts what an operator's tool puts behind a request to get another form
// of answer.
func cutFormat(path string) (base, format string) {
	for _, format := range []string{".xsl", ".json"} {
		if base, ok := strings.CutSuffix(path, format); ok {
			return base, format
		}
	}
	return path, ""
}

// fromShoutcast takes the user and the mount out of the password of a SHOUTcast
// request, unless they are given otherwise.
func (b *Balancer) fromShoutcast(q *request, basic bool) {
	login := icecast.ParseLogin(q.query.Get("pass"))
	if n, err := strconv.Atoi(q.query.Get("sid")); err == nil && n > 0 {
		login.Stream = n
	}
	if basic {
		login.User = q.user
	} else {
		q.credentials = credentials{login.User, login.Password}
	}
	if q.mount == "" {
		q.mount = b.shoutcastMount(login)
	}
}

// readForm reads the body of a POST into values.
func (b *Balancer) readForm(conn net.Conn, head *icecast.Head, values url.Values) *icecast.Refusal {
	no := refuseForm()
	length, err := strconv.Atoi(head.Header.Get("Content-Length"))
	if err != nil || length < 0 || length > maxForm || len(head.Rest) > length {
		return &no
	}
	form := make([]byte, length)
	n := copy(form, head.Rest)
	if _, err := b.read(conn, b.pending.enter(conn), func(conn net.Conn) error {
		_, err := io.ReadFull(conn, form[n:])
		return err
	}); err != nil {
		return &no
	}
	sent := icecast.ParseQuery(string(form))
	for name, value := range sent {
		values[name] = value
	}
	return nil
}

// answerRequest says that it is done, in Icecast's words.
func (b *Balancer) answerRequest(conn net.Conn, q request) {
	message := "Metadata update successful"
	if q.verb == verbKill {
		message = "Source Removed"
	}
	contentType, body := answerBody(q.format, message)
	header := icecast.Header{{Name: "Content-Type", Value: contentType}, {Name: "Connection", Value: "Close"}}
	conn.SetWriteDeadline(time.Now().Add(b.cfg.ForwardDeadline))
	icecast.Answer(conn, http.StatusOK, header, body)
}

func answerBody(format, message string) (contentType string, body []byte) {
	switch format {
	case ".xsl":
		text := html.EscapeString(message)
		return "text/html; charset=utf-8", fmt.Appendf(nil, "<!DOCTYPE html>\n<title>%s</title>\n<p>%s</p>\n", text, text)
	case ".json":
		body, _ = json.Marshal(map[string]any{"message": message, "return": 1}) // plain values only
		return "application/json", append(body, '\n')
	}
	return "text/xml", fmt.Appendf(nil, "<?xml version=\"1.0\"?>\n<iceresponse><message>%s</message><return>1</return></iceresponse>\n", message)
}

// maxTitle is the longest title, in bytes; the rest is cut off.
const maxTitle = 1 << 10

// song is the title that a request carries, in UTF-8. Encoders send song, or artist
// and title; without a charset it may be Latin-1.
func (q request) song() string {
	text := q.query.Get("song")
	if text == "" {
		text = q.query.Get("title")
		if artist := q.query.Get("artist"); artist != "" && text != "" {
			text = artist + " - " + text
		}
	}
	text = decode(text, q.query.Get("charset"))
	for len(text) > maxTitle {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// decode turns text of a charset into UTF-8. Of a charset that nobody knows, or none,
// it takes UTF-8 for what it is and all else for Latin-1.
func decode(text, charset string) string {
	if known, err := htmlindex.Get(charset); err == nil {
		if plain, err := known.NewDecoder().String(text); err == nil {
			return strings.ToValidUTF8(plain, "\uFFFD")
		}
	}
	if utf8.ValidString(text) {
		return text
	}
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}
