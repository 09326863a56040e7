package recorder

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"deadair/balancer/icecast"
)

// acceptRetry is how long to wait after a failed accept, such as for want of file
// descriptors.
const acceptRetry = 100 * time.Millisecond

// port is an address where connections come in.
type port struct {
	public  bool         // for listeners only
	conns   atomic.Int64 // without listeners, who have limits of their own
	waiting waiting
}

// servePort answers on a port until ctx is done.
func (r *Recorder) servePort(ctx context.Context, p *port, l net.Listener) error {
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	defer l.Close()
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			r.log.Error("connection not accepted", "err", err)
			time.Sleep(acceptRetry)
			continue
		}
		if !r.room(p) {
			_ = conn.Close()
			continue
		}
		place := p.waiting.enter(conn) // here, so that they stand in the order they came
		conns.Go(func() {
			defer p.conns.Add(-1)
			r.serve(ctx, p, &wire{Conn: conn}, place)
		})
	}
}

// room counts a connection in, unless there are too many and none of them is idle.
func (r *Recorder) room(p *port) bool {
	if p.conns.Add(1) <= int64(r.cfg.MaxConns) {
		return true
	}
	if p.waiting.oust() { // it will count itself out
		r.metrics.refused.WithLabelValues("idle").Inc()
		return true
	}
	p.conns.Add(-1)
	r.metrics.refused.WithLabelValues("connections").Inc()
	return false
}

// serve answers one connection: any number of questions, then one source or listener.
// While it waits for one of them it has a place, and may be closed for a newer one.
func (r *Recorder) serve(ctx context.Context, p *port, w *wire, place *list.Element) {
	defer w.Close()
	release := context.AfterFunc(ctx, func() { _ = w.Close() })
	defer release()
	timeout := r.cfg.HeadTimeout
	for {
		h, err := w.readHead(timeout)
		if !p.waiting.leave(place) {
			return
		}
		if errors.Is(err, icecast.ErrHeadMalformed) || errors.Is(err, icecast.ErrHeadTooLarge) {
			_ = r.answer(w, http.StatusBadRequest, nil, err.Error())
			w.linger(r.cfg.LingerTimeout)
		}
		if err != nil {
			return
		}
		if h.Form() == icecast.FormPut && !p.public {
			r.serveSource(ctx, w, h, release)
			return
		}
		status, body := r.question(p, h)
		if status == 0 {
			r.serveListener(ctx, p, w, h)
			return
		}
		if !r.reply(w, h, status, body) {
			w.linger(r.cfg.LingerTimeout)
			return
		}
		timeout, place = r.cfg.RequestIdle, p.waiting.enter(w.Conn)
	}
}

// question is the answer to a GET or HEAD. Its status is 0 for a mount that may be
// listened to.
func (r *Recorder) question(p *port, h *icecast.Head) (status int, body any) {
	switch path := h.Path(); {
	case h.Method != http.MethodGet && h.Method != http.MethodHead:
		return http.StatusMethodNotAllowed, nil
	case path == statusPath:
		return http.StatusOK, r.status(h)
	case path == "/health" && !p.public:
		return r.health()
	case path == "/sessions" && !p.public:
		return r.sessions(h.Query().Get("mount"))
	}
	mount, err := h.Mount()
	if err != nil {
		return http.StatusNotFound, nil
	}
	if _, ok := r.shows.onAir(mount, time.Now()); !ok {
		return http.StatusNotFound, nil
	}
	return 0, nil
}

// reply answers a question and tells whether another one may follow.
func (r *Recorder) reply(w *wire, h *icecast.Head, status int, body any) (again bool) {
	again = status != http.StatusMethodNotAllowed && h.Proto == "HTTP/1.1" &&
		!strings.EqualFold(h.Header.Get("Connection"), "close") && !h.Header.Has("Content-Length")
	header := icecast.Header{{Name: "Content-Type", Value: "application/json"}}
	if h.Path() == statusPath {
		header.Add("Access-Control-Allow-Origin", "*") // players on web pages ask for titles
	}
	if !again {
		header.Add("Connection", "close")
	}
	text := []byte("{}\n")
	if body != nil {
		text, _ = json.Marshal(body) // plain values only
	}
	err := w.SetWriteDeadline(time.Now().Add(r.cfg.AnswerTimeout))
	if err == nil && h.Method == http.MethodHead {
		header.Set("Content-Length", strconv.Itoa(len(text)))
		_, err = (&icecast.Reply{Proto: "HTTP/1.1", Status: status, Header: header}).WriteTo(w)
	} else if err == nil {
		err = icecast.Answer(w, status, header, text)
	}
	return again && err == nil
}
