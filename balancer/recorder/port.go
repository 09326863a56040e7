package recorder

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"deadair/balancer/icecast"
	"deadair/balancer/recorder/manifest"
)

// serveSource admits and records, or refuses.
func (r *Recorder) serveSource(ctx context.Context, w *wire, h *icecast.Head, release func() bool) {
	q, err := parseRequest(h)
	if err != nil {
		r.metrics.refused.WithLabelValues("malformed").Inc()
		_ = r.answer(w, http.StatusBadRequest, nil, err.Error())
		w.linger(r.cfg.LingerTimeout)
		return
	}
	if h.Header.Get("Deadair-Probe") != "" {
		r.serveProbe(ctx, w)
		return
	}
	h = nil // it is not needed for the length of a show
	a, d := r.admit(ctx, q, w)
	if a == nil {
		r.refuse(w, q, d)
		return
	}
	release() // the end of ctx is the source's now
	r.metrics.accepted.Inc()
	_ = w.SetWriteDeadline(time.Now().Add(r.cfg.AnswerTimeout))
	reply := icecast.Reply{Proto: "HTTP/1.1", Status: http.StatusOK, Header: d.header()}
	if _, err := reply.WriteTo(w); err != nil {
		a.src.stop(manifest.Reset, 0)
	}
	r.record(ctx, a, w)
}

// header tells a balancer who holds the mount.
func (d decision) header() icecast.Header {
	if d.session == "" {
		return nil
	}
	return icecast.Header{
		{Name: "Deadair-Epoch", Value: strconv.FormatInt(d.epoch, 10)},
		{Name: "Deadair-Session", Value: d.session},
	}
}

func (r *Recorder) refuse(w *wire, q request, d decision) {
	r.metrics.refused.WithLabelValues(d.reason).Inc()
	r.log.Info("source refused", "mount", q.mount, "reason", d.reason, "asked", q.epoch, "seen", d.epoch)
	_ = r.answer(w, d.status, d.header(), d.reason)
	w.linger(r.cfg.LingerTimeout)
}

// serveProbe does all that a source would go through, except for being one.
func (r *Recorder) serveProbe(ctx context.Context, w *wire) {
	status, reason := r.probe(ctx)
	r.metrics.probes.WithLabelValues(strconv.Itoa(status)).Inc()
	_ = r.answer(w, status, nil, reason)
	w.linger(r.cfg.LingerTimeout)
}

func (r *Recorder) probe(ctx context.Context) (status int, reason string) {
	if d := r.shows.probe(r.doors()); d.status != 0 {
		return d.status, d.reason
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.TakeoverDeadline)
	defer cancel()
	select {
	case r.probing <- struct{}{}:
	case <-ctx.Done():
		return http.StatusServiceUnavailable, "busy"
	}
	defer func() { <-r.probing }()
	if err := tryDisk(r.env.Disk, ".probe"); err != nil {
		r.diskTrouble(err)
		return http.StatusInsufficientStorage, "disk"
	}
	return http.StatusOK, "ok"
}

// answer sends the last answer of a connection.
func (r *Recorder) answer(w *wire, status int, header icecast.Header, text string) error {
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Connection", "close")
	if err := w.SetWriteDeadline(time.Now().Add(r.cfg.AnswerTimeout)); err != nil {
		return err
	}
	return icecast.Answer(w, status, header, []byte(text+"\n"))
}

// maxID is the longest session id and account, in bytes.
const maxID = 128

var (
	errSession = errors.New("Deadair-Session: give 1 to 128 letters, digits, \"-\", \"_\" or \".\", not beginning with \".\"")
	errEpoch   = errors.New("Deadair-Epoch: give a number ≥ 0")
	errAbove   = errors.New("Deadair-Above: give a number ≥ 0, or leave it out")
	errAccount = errors.New("Deadair-Account: give one of at most 128 bytes of UTF-8")
)

// parseRequest reads what a balancer says about a source.
func parseRequest(h *icecast.Head) (request, error) {
	q := request{
		mount:   h.Header.Get("Deadair-Mount"),
		session: h.Header.Get("Deadair-Session"),
		account: h.Header.Get("Deadair-Account"),
		title:   titleOf(h.Header.Get("Deadair-Title")),
		header:  streamHeader(h.Header),
	}
	if h.Header.Get("Deadair-Probe") != "" {
		return q, nil
	}
	if q.mount == "" {
		mount, err := h.Mount()
		if err != nil {
			return q, err
		}
		q.mount = mount
	}
	if err := icecast.CheckMount(q.mount); err != nil {
		return q, err
	}
	epoch, err := strconv.ParseUint(h.Header.Get("Deadair-Epoch"), 10, 62)
	above, errA := strconv.ParseUint(cmp.Or(h.Header.Get("Deadair-Above"), "0"), 10, 62)
	q.epoch, q.above = int64(epoch), int64(above)
	switch {
	case err != nil:
		return q, errEpoch
	case errA != nil:
		return q, errAbove
	case !isSession(q.session):
		return q, errSession
	case q.account == "" || len(q.account) > maxID || !utf8.ValidString(q.account):
		return q, errAccount
	}
	return q, nil
}

// titleOf is the title that a show had elsewhere, which comes percent-encoded. A show
// is not refused for its title.
func titleOf(field string) string {
	title, err := url.PathUnescape(field)
	if err != nil || !utf8.ValidString(title) {
		return ""
	}
	return title
}

// isSession tells whether a session id can be a directory's name.
func isSession(id string) bool {
	if id == "" || len(id) > maxID || id[0] == '.' {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// madeID is the length of a session id that a balancer made: a time and a random number.
const madeID = 28

// isMade tells whether a session id was made by a balancer, rather than by hand.
func isMade(id string) bool {
	return len(id) == madeID && strings.Trim(id, "0123456789abcdef") == ""
}

// streamHeader is what a source says about its stream.
func streamHeader(h icecast.Header) map[string]string {
	kept := map[string]string{}
	for _, f := range h {
		name := strings.ToLower(f.Name)
		if name == "content-type" || name == "user-agent" || strings.HasPrefix(name, "ice-") || strings.HasPrefix(name, "icy-") {
			kept[name] = strings.ToValidUTF8(f.Value, "\uFFFD")
		}
	}
	return kept
}
