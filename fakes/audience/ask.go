package audience

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"
)

// Ask is one thing that somebody wants of a site.
type Ask struct {
	Method string // of HTTP; "" is GET. It has no body
	Site   string // a name
	Second string // the name that is looked up when that one does not resolve; "" for none
	Port   int
	Path   string
	How    string // it is spoken: "" in the clear, SSL3, or a version of TLS such as "1.2"
}

// Request is what came of one request, or of some that went alike.
type Request struct {
	Ask
	Peer   netip.Addr // zero when unresolved
	Class  Class      // OK: a status below 400, and all of the body; of SSL3 a hello that was taken up
	Status int        // of an answer
	Took   time.Duration
	Count  int // how many it stands for; Took is that of the slowest
}

// maxBody is how much of an answer is read, in bytes.
const maxBody = 1 << 20

// ask makes one request on a connection of its own, and returns what was answered.
func (w Ways) ask(ctx context.Context, a Ask, patience time.Duration) (Request, []byte) {
	began := time.Now()
	r := Request{Ask: a, Count: 1}
	body := w.send(ctx, &r, began.Add(patience))
	r.Took = time.Since(began)
	return r, body
}

// send tells in r what came of it.
func (w Ways) send(ctx context.Context, r *Request, late time.Time) []byte {
	limited, cancel := context.WithDeadline(ctx, late)
	defer cancel()
	conn, peer, class := w.reach(limited, r.Port, r.Site, r.Second)
	r.Peer, r.Class = peer, class
	if class != OK {
		return nil
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	_ = conn.SetDeadline(late) // one that cannot be set shows at once
	spoken, class := speak(limited, conn, r.How, r.Site)
	if r.Class = class; class != OK || spoken == nil {
		return nil
	}
	if _, err := io.WriteString(spoken, r.head()); err != nil {
		r.Class = classify(err, Reset)
		return nil
	}
	answer, err := http.ReadResponse(bufio.NewReader(spoken), nil)
	if err != nil {
		r.Class = classify(err, EOF)
		return nil
	}
	defer answer.Body.Close()
	r.Status = answer.StatusCode
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	switch {
	case err != nil:
		r.Class = classify(err, EOF)
	case answer.StatusCode >= http.StatusBadRequest:
		r.Class = Answered
	}
	return body
}

// head is the request as it is sent.
func (a Ask) head() string {
	method := cmp.Or(a.Method, http.MethodGet)
	length := ""
	if method != http.MethodGet {
		length = "Content-Length: 0\r\n"
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n", method, a.Path, a.Site, length)
}

// teller passes requests on: failures one by one, those that succeeded counted for a while.
type teller struct {
	observe func(Request)
	quiet   time.Duration
	held    []Request // that succeeded, since told
	since   time.Time
}

// take takes note of a request.
func (t *teller) take(r Request) {
	if r.Class != OK {
		t.observe(r)
		return
	}
	for i := range t.held {
		h := &t.held[i]
		if h.Ask == r.Ask && h.Peer == r.Peer && h.Status == r.Status {
			h.Count++
			h.Took = max(h.Took, r.Took)
			return
		}
	}
	t.held = append(t.held, r)
}

// look reports what was counted, if that was long enough.
func (t *teller) look() {
	if time.Since(t.since) >= t.quiet {
		t.release()
	}
}

// release reports what was counted.
func (t *teller) release() {
	for _, r := range t.held {
		t.observe(r)
	}
	t.held, t.since = t.held[:0], time.Now()
}
